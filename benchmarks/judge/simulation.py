"""Simulate canaries whose truth is known, and let the judge look at each after every small batch of requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from benchmarks.judge.habits import ONCE, draw_visits
from benchmarks.judge.population import HIGH_FROM, MEDIUM_FROM, Model, compare_models, rank_features
from benchmarks.judge.rivals import RIVALS
from benchmarks.judge.samples import find_outside, find_within, select_runs
from benchmarks.judge.scenarios import Behaviour, Scenario
from churn.judging.checks import DEFAULT_CHECKS, ERRORS, LATENCY, SLOW, Check, Flags
from churn.judging.comparison import compare
from churn.judging.counts import Counts, StepAnswers, count_each_request_once
from churn.judging.findings import Levels
from churn.judging.judge import allot_levels
from churn.judging.machine import is_p99_over_objective
from churn.judging.pair_findings import is_outside, is_within
from churn.judging.sequences import Numbers
from churn.judging.shifts import PART, log_shift_evidence

type Signs = Mapping[str, Numbers]
type CheckLevels = Sequence[tuple[Check, Levels]]

ROLLBACK, PROMOTE = "judge: roll back", "judge: promote"
# The four checks in pairs alone: at the canary's share, and of a challenger that answers all requests.
PAIRS_WITHIN, SHADOW_OUTSIDE, SHADOW_WITHIN = "pairs: within", "shadow: outside", "shadow: within"
# Requests from one look to the next: so many, later this part of those so far.
LOOK, GROWTH = 100, 0.02


@dataclass(frozen=True, slots=True)
class History:
    """The verdicts on all runs of a scenario, look by look.

    Args:
        scenario: what was run.
        runs: how often.
        looks: the requests of both tracks at each look.
        ended: for each method the number of runs that it had ended at each look. The judge ends a run by one of its two
            verdicts; a rival ends it by an alarm.
    """

    scenario: Scenario
    runs: int
    looks: tuple[int, ...]
    ended: Mapping[str, tuple[int, ...]]


def simulate(
    scenario: Scenario,
    *,
    runs: int,
    requests: int,
    seed: int,
    checks: Sequence[Check] = DEFAULT_CHECKS,
) -> History:
    """Run many canaries, each until it is decided or has seen all requests."""
    requests *= scenario.times
    random = np.random.default_rng(seed)
    judged = [
        (replace(check, relative_tolerance=scenario.relative_tolerance) if check.measure == ERRORS else check, level)
        for check, level in allot_levels(checks)
    ]
    stable, canary = (draw_counts(scenario.stable, np.zeros(runs, dtype=int), random) for _ in range(2))
    baseline = None if scenario.baseline is None else draw_counts(scenario.baseline, np.zeros(runs, dtype=int), random)
    earlier = draw_counts(_worsen(scenario.stable, scenario.before), np.full(runs, scenario.earlier), random)
    differences = compare_models(scenario.stable.model, scenario.canary.model)
    pairs, of_others = (differences.draw(np.zeros(runs, dtype=int), random) for _ in range(2))
    methods = (ROLLBACK, PROMOTE, PAIRS_WITHIN, SHADOW_OUTSIDE, SHADOW_WITHIN, *RIVALS)
    ended = {name: np.zeros(runs, dtype=bool) for name in methods}
    history: dict[str, list[int]] = {name: [] for name in ended}
    looks: list[int] = []
    each = scenario.requests_each
    while (done := looks[-1] if looks else 0) < requests:
        subscribers = max(min(max(LOOK, int(done * GROWTH)), requests - done) // each, 1)
        drift = scenario.drift ** ((done + subscribers * each) / requests)
        of_canary = random.binomial(subscribers, scenario.canary_share, runs)
        of_stable = subscribers - of_canary
        if scenario.baseline is not None and baseline is not None:
            of_baseline = random.binomial(of_stable, scenario.canary_share / (1 - scenario.canary_share), runs)
            of_stable -= of_baseline
            drawn = _draw(scenario, _worsen(scenario.baseline, drift), of_baseline, random)
            baseline += drawn
            stable += drawn  # it is the same version
        stable += _draw(scenario, _worsen(scenario.stable, drift), of_stable, random)
        canary += _draw(scenario, _worsen(scenario.canary, drift), of_canary, random)
        pairs = _add_signs(pairs, differences.draw(of_canary, random))
        of_others = _add_signs(of_others, differences.draw(subscribers - of_canary, random))
        looks.append(done + subscribers * each)
        once = count_each_request_once(stable, canary)
        of_baseline_once = None if baseline is None else count_each_request_once(baseline, canary)[0]
        _judge(judged, (*once, earlier), of_baseline_once, pairs, ended)
        _judge_pairs(judged, pairs, ended, within=PAIRS_WITHIN)
        _judge_pairs(judged, _add_signs(pairs, of_others), ended, within=SHADOW_WITHIN, outside=SHADOW_OUTSIDE)
        for name, alarm in RIVALS.items():
            ended[name] |= alarm(stable, canary, scenario.stable.errors)
        for name, flags in ended.items():
            history[name].append(int(flags.sum()))
    return History(scenario, runs, tuple(looks), {name: tuple(counts) for name, counts in history.items()})


def _draw(scenario: Scenario, behaviour: Behaviour, subscribers: Any, random: np.random.Generator) -> Counts:
    """Draw what a version counts of so many subscribers, as they ask in this scenario."""
    if scenario.habit == ONCE:
        return draw_counts(behaviour, subscribers, random, scenario.requests_each)
    drawn = draw_visits(scenario.habit, subscribers, behaviour.errors, random)
    firsts, repeated, retried = (
        tuple(random.multinomial(answers, behaviour.latency_shares).T)
        for answers in (subscribers, drawn.repeats, drawn.retries)
    )
    return replace(
        draw_counts(behaviour, subscribers + drawn.repeats, random),
        requests=drawn.requests,
        errors=drawn.errors,
        retries=drawn.retries,
        retried_errors=drawn.retries,
        retried_latency=retried,
        latency=tuple(map(sum, zip(firsts, repeated, retried, strict=True))),
        repeats=drawn.repeats,
        repeated_errors=drawn.repeated_errors,
        repeated_latency=repeated,
        unsorted=0 if scenario.habit.is_told else drawn.requests,
    )


def draw_counts(behaviour: Behaviour, subscribers: Any, random: np.random.Generator, requests_each: int = 1) -> Counts:
    """Draw what a version counts of so many subscribers in each run; each count is an array with a number for each run.

    Each request of a subscriber fails or takes long by itself. What the model says is the same each time.
    """
    requests = subscribers * requests_each
    errors = random.binomial(requests, behaviour.errors)
    latency = random.multinomial(requests, behaviour.latency_shares).T
    predictions = requests - (errors if requests_each == 1 else 0)
    kinds = predictions // requests_each
    bins = requests_each * random.multinomial(kinds, behaviour.probability_shares).T
    tiers = {"low": bins[:MEDIUM_FROM], "medium": bins[MEDIUM_FROM:HIGH_FROM], "high": bins[HIGH_FROM:]}
    named: dict[str, Any] = {name: part.sum(axis=0) for name, part in tiers.items()}
    features: dict[str, Any] = {
        f"feature {number}": requests_each * random.binomial(kinds, share)
        for number, share in enumerate(_count_reasons(behaviour.model))
    }
    parts: tuple[Any, Any] = (tuple(latency), tuple(bins))
    return Counts(
        requests=requests,
        errors=errors,
        latency=parts[0],
        predictions=predictions,
        probability=parts[1],
        tiers=named,
        banners=named["high"],
        top_features=features,
    )


@cache
def _count_reasons(model: Model) -> tuple[float, ...]:
    """Return for each feature the share of subscribers who have it among the top three."""
    return tuple(rank_features(model).mean(axis=0).tolist())


def _worsen(behaviour: Behaviour, factor: float) -> Behaviour:
    return replace(behaviour, errors=behaviour.errors * factor, latency_ms=behaviour.latency_ms * factor)


def _add_signs(signs: Signs, more: Signs) -> dict[str, Numbers]:
    return {measure: signs[measure] + more[measure] for measure in signs}


def _judge(
    checks: CheckLevels,
    counts: tuple[Counts, Counts, Counts],
    baseline: Counts | None,
    pairs: Signs,
    ended: dict[str, Flags],
) -> None:
    """Judge all runs at once, as `judge` does but without the traffic split; what is decided stays so."""
    open_runs = np.flatnonzero(~(ended[ROLLBACK] | ended[PROMOTE]))
    if not open_runs.size:
        return
    outside, within = _find_in_pairs(checks, pairs, open_runs)
    stable, canary, earlier = counts
    of_latency = stable if baseline is None else baseline
    comparisons = [
        (check, level, select_runs(compare(check.measure, [StepAnswers(other, canary, earlier)]), open_runs))
        for check, level in checks
        if check.measure.is_in_samples
        for other in [of_latency if check.measure.is_latency else stable]
    ]
    for check, level, comparison in comparisons:
        if check.critical:
            is_shift = baseline is not None and check.measure == LATENCY
            alone = level._replace(outside=level.outside * (1 - PART)) if is_shift else level
            found = find_outside(check, comparison, alone)
            if is_shift:
                evidence = log_shift_evidence([StepAnswers(of_latency, canary, earlier)], check.tolerance)
                found |= evidence[open_runs] >= -np.log(PART * level.outside)
            if baseline is None and check.measure.is_latency and check.measure != SLOW:  # as hold_slow_machines does
                found &= is_p99_over_objective(canary, level)[open_runs]
            outside |= found
    within &= ~outside
    for check, level, comparison in comparisons:
        # A run that one check has stopped needs no other.
        going = np.flatnonzero(within)
        within[going] = find_within(check, select_runs(comparison, going), level)
    ended[ROLLBACK][open_runs[outside]] = True
    ended[PROMOTE][open_runs[within]] = True


def _judge_pairs(
    checks: CheckLevels, pairs: Signs, ended: dict[str, Flags], *, within: str, outside: str | None = None
) -> None:
    """Judge all runs by the checks in pairs alone."""
    open_runs = np.flatnonzero(~(ended[within] | ended[outside]) if outside else ~ended[within])
    if not open_runs.size:
        return
    are_outside, are_within = _find_in_pairs(checks, pairs, open_runs)
    ended[within][open_runs[are_within]] = True
    if outside:
        ended[outside][open_runs[are_outside]] = True


def _find_in_pairs(checks: CheckLevels, pairs: Signs, runs: Any) -> tuple[Flags, Flags]:
    """Say for each of these runs whether a check in pairs is surely outside, and whether all are surely within."""
    paired = [(check, level, pairs[check.measure.name][runs]) for check, level in checks if check.measure.is_paired]
    outside = np.any([is_outside(check, signs, level) for check, level, signs in paired if check.critical], axis=0)
    return outside, np.all([is_within(check, signs, level) for check, level, signs in paired], axis=0)
