"""Simulate canaries whose truth is known, and let the judge look at each after every small batch of requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import numpy as np
from scipy.special import betainc, ndtr

from benchmarks.judge.habits import MEAN, ONCE, Habit, draw_visits
from benchmarks.judge.population import HIGH_FROM, MEDIUM_FROM, STRENGTHS, Model, compare_models, rank_features
from benchmarks.judge.rivals import RIVALS
from benchmarks.judge.samples import find_outside, find_within, select_runs
from churn.judging.checks import DEFAULT_CHECKS, ERRORS, LATENCY, SLOW, Check, Flags, compare
from churn.judging.counts import Counts, StepAnswers, count_each_request_once
from churn.judging.findings import Levels
from churn.judging.judge import allot_levels
from churn.judging.machine import is_p99_over_objective
from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BINS
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

FIRST: Final = Model()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a version answers.

    Args:
        errors: the share of requests that fail.
        latency_ms: the median of the latency, which is log-normal.
        spread: the standard deviation of the latency's logarithm.
        model: how it rates subscribers.
    """

    errors: float = 0.005
    latency_ms: float = 4.0
    spread: float = 0.5
    model: Model = FIRST

    @property
    def latency_shares(self) -> Numbers:
        """The share of requests in each bucket of the latency."""
        within = ndtr(np.log(np.array(LATENCY_BOUNDS_S) * 1000 / self.latency_ms) / self.spread)
        return np.diff(within, prepend=0, append=1)

    @property
    def probability_shares(self) -> Numbers:
        """The share of predictions in each bin of the probability."""
        return np.diff(betainc(*self.model.scores, np.linspace(0, 1, PROBABILITY_BINS + 1)))


@dataclass(frozen=True, slots=True)
class Scenario:
    """Two versions, and the right verdict on them.

    Args:
        name: as the report shows it.
        stable: how the old version answers.
        canary: how the new one answers.
        should: the right verdict. It is `hold` where the canary is as bad as is tolerated: neither of the others may
            happen often.
        requests_each: how often each subscriber asks, in a row. All requests of a subscriber go to one version.
        drift: the factor by which error share and latency of both versions change during a run.
        earlier: the requests that the stable version has answered before the run.
        before: the factor by which its error share and latency were larger then.
        relative_tolerance: of errors; a part of stable's share.
        canary_share: of the subscribers.
        habit: how they ask, where each request is not independent. Then `errors` is the share of subscribers who fail.
        baseline: how the old version answers on the canary's machine, with the canary's share; None without a baseline.
    """

    name: str
    stable: Behaviour
    canary: Behaviour
    should: str
    requests_each: int = 1
    drift: float = 1.0
    earlier: int = 100_000
    before: float = 1.0
    relative_tolerance: float = 0.0
    canary_share: float = 0.1
    habit: Habit = ONCE
    baseline: Behaviour | None = None


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


USUAL: Final = Behaviour()
HEALTHY: Final = replace(USUAL, errors=0.0002)
SLOWER: Final = replace(HEALTHY, latency_ms=4.8)  # on a slower machine
# Half of the subscribers get into another bin of scores, as after another draw of the training data.
RETRAINED: Final = Model(noise=0.03)
# The largest difference between the shares of scores up to a bound is 0.0500, which is tolerated.
AT_TOLERANCE: Final = Model(scores=(1.3377, 2.4), noise=0.03)
SHIFTED: Final = Model(scores=(1.6, 2.4), noise=0.03)
SWAPPED: Final = Model(strengths=(*STRENGTHS[2::-1], *STRENGTHS[3:]))


def _with_model(behaviour: Behaviour, model: Model) -> Behaviour:
    return replace(behaviour, model=model)


def _in_a_row() -> Iterator[Scenario]:
    """Yield what happens where failures of one subscriber come in a row, by what it is told as."""
    bad, worse = replace(USUAL, errors=0.02), replace(USUAL, errors=0.05)
    all_often, failing, untold = Habit("everybody"), Habit("who fails"), Habit("who fails", is_told=False)
    yield Scenario("the same version, all ask 5 to 50 times", USUAL, USUAL, "promote", round(MEAN), habit=all_often)
    yield Scenario("the same version, who fails asks 5 to 50 times", USUAL, USUAL, "promote", habit=failing)
    yield Scenario("the same, and the service does not tell repeats", USUAL, USUAL, "hold", habit=untold)
    for retries in (2, 4):
        again, untold_retries = Habit(retries=retries), Habit(retries=retries, is_told=False)
        yield Scenario(f"the same version, {retries} more tries of each failure", USUAL, USUAL, "promote", habit=again)
    yield Scenario("the same, and the service does not tell retries", USUAL, USUAL, "hold", habit=untold_retries)
    yield Scenario("0.5 % to 5 % fail, all ask 5 to 50 times", USUAL, worse, "roll back", round(MEAN), habit=all_often)
    yield Scenario("0.5 % to 2 % fail, who fails asks 5 to 50 times", USUAL, bad, "roll back", habit=failing)
    yield Scenario("0.5 % to 2 % fail, 4 more tries of each", USUAL, bad, "roll back", habit=again)


OFTEN_ASKED: Final = Scenario("the same version, 5 requests each", HEALTHY, HEALTHY, "promote", requests_each=5)
SCENARIOS: Final = (
    Scenario("the same version", USUAL, USUAL, "promote"),
    Scenario("the same version, hardly an error", HEALTHY, HEALTHY, "promote"),
    Scenario("the same version, 2 requests each", HEALTHY, HEALTHY, "promote", requests_each=2),
    OFTEN_ASKED,
    Scenario("the same version, 20 requests each", HEALTHY, HEALTHY, "promote", requests_each=20),
    Scenario("the same version, 50 requests each", HEALTHY, HEALTHY, "promote", requests_each=50),
    Scenario("the same version, drifting x4", USUAL, USUAL, "promote", drift=4),
    Scenario("trained anew, 5 requests each", HEALTHY, _with_model(HEALTHY, RETRAINED), "promote", requests_each=5),
    Scenario("errors as many as tolerated", HEALTHY, replace(HEALTHY, errors=0.0012), "hold"),
    Scenario("scores as far off as tolerated", HEALTHY, _with_model(HEALTHY, AT_TOLERANCE), "hold"),
    Scenario(
        "scores as far off as tolerated, 5 requests each",
        HEALTHY,
        _with_model(HEALTHY, AT_TOLERANCE),
        "hold",
        requests_each=5,
    ),
    Scenario("errors 0.5 % to 2 %", USUAL, replace(USUAL, errors=0.02), "roll back"),
    Scenario("errors 0.5 % to 2 %, stable unknown", USUAL, replace(USUAL, errors=0.02), "roll back", earlier=0),
    Scenario("errors 0.5 % to 2 %, stable was twice as bad", USUAL, replace(USUAL, errors=0.02), "roll back", before=2),
    Scenario("errors 0.5 % to 5 %", USUAL, replace(USUAL, errors=0.05), "roll back"),
    Scenario("latency x1.5, within the objective", USUAL, replace(USUAL, latency_ms=6.0), "hold"),
    Scenario("scores shifted", USUAL, _with_model(USUAL, SHIFTED), "roll back"),
    Scenario("scores shifted, 5 requests each", USUAL, _with_model(USUAL, SHIFTED), "roll back", requests_each=5),
    Scenario("reasons swapped", USUAL, _with_model(USUAL, SWAPPED), "roll back"),
    Scenario("the same version, a canary of 50 %", USUAL, USUAL, "promote", canary_share=0.5),
    Scenario(
        "the same version, a canary of 50 %, half of stable's errors tolerated",
        USUAL,
        USUAL,
        "promote",
        relative_tolerance=0.5,
        canary_share=0.5,
    ),
    Scenario(
        "errors 0.5 % to 0.75 %, half of stable's tolerated",
        USUAL,
        replace(USUAL, errors=0.0075),
        "hold",
        relative_tolerance=0.5,
    ),
    Scenario(
        "errors 0.5 % to 2 %, half of stable's tolerated",
        USUAL,
        replace(USUAL, errors=0.02),
        "roll back",
        relative_tolerance=0.5,
    ),
    Scenario("the same version, a machine 1.2 times slower", USUAL, replace(USUAL, latency_ms=4.8), "hold"),
    Scenario("latency x20, 3.3 % over the objective", USUAL, replace(USUAL, latency_ms=80.0), "roll back"),
    Scenario("latency x50, half over the objective", USUAL, replace(USUAL, latency_ms=200.0), "roll back"),
    *_in_a_row(),
    Scenario("the same version, a slow pair with a baseline", HEALTHY, SLOWER, "promote", baseline=SLOWER),
    Scenario("latency x1.5, with a baseline", USUAL, replace(USUAL, latency_ms=6.0), "roll back", baseline=USUAL),
    Scenario(
        "failures as many as tolerated, all ask 5 to 50 times",
        HEALTHY,
        replace(HEALTHY, errors=0.0012),
        "hold",
        requests_each=round(MEAN),
        habit=Habit("everybody"),
    ),
)


def simulate(
    scenario: Scenario,
    *,
    runs: int,
    requests: int,
    seed: int,
    checks: Sequence[Check] = DEFAULT_CHECKS,
) -> History:
    """Run many canaries, each until it is decided or has seen all requests."""
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
    counts = draw_counts(behaviour, drawn.requests - drawn.retries, random)
    retried: Any = tuple(random.multinomial(drawn.retries, behaviour.latency_shares).T)
    return replace(
        counts,
        requests=drawn.requests,
        errors=drawn.errors,
        retries=drawn.retries,
        retried_errors=drawn.retries,
        retried_latency=retried,
        latency=tuple(first + again for first, again in zip(counts.latency, retried, strict=True)),
        repeated_errors=drawn.repeats,
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
