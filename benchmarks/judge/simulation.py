"""Simulate canaries whose truth is known, and let the judge look at each after every small batch of requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, ndtr

from benchmarks.judge.rivals import RIVALS
from churn.judging.checks import DEFAULT_CHECKS, Check, Comparison, compare
from churn.judging.counts import Counts
from churn.judging.findings import Levels
from churn.judging.judge import allot_levels
from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BINS
from churn.judging.sequences import Numbers, is_rejected

type Flags = NDArray[np.bool_]

ROLLBACK, PROMOTE = "judge: roll back", "judge: promote"
CANARY_SHARE: Final = 0.1
# The share of answers that have each feature among the top three.
FEATURES: Final = (0.85, 0.7, 0.5, 0.35, 0.2, 0.15, 0.1, 0.08, 0.05, 0.02)
# Requests from one look to the next: so many, later this part of those so far.
LOOK, GROWTH = 100, 0.02
# The first bin of the probability in each tier.
MEDIUM_FROM, HIGH_FROM = 6, 13


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a version answers.

    Args:
        errors: the share of requests that fail.
        latency_ms: the median of the latency, which is log-normal.
        spread: the standard deviation of the latency's logarithm.
        scores: the two parameters of the probability's beta distribution.
        features: for each feature the share of answers that have it among the top three.
    """

    errors: float = 0.005
    latency_ms: float = 4.0
    spread: float = 0.5
    scores: tuple[float, float] = (1.2, 2.4)
    features: tuple[float, ...] = FEATURES

    @property
    def latency_shares(self) -> Numbers:
        """The share of requests in each bucket of the latency."""
        within = ndtr(np.log(np.array(LATENCY_BOUNDS_S) * 1000 / self.latency_ms) / self.spread)
        return np.diff(within, prepend=0, append=1)

    @property
    def probability_shares(self) -> Numbers:
        """The share of predictions in each bin of the probability."""
        return np.diff(betainc(*self.scores, np.linspace(0, 1, PROBABILITY_BINS + 1)))


@dataclass(frozen=True, slots=True)
class Scenario:
    """Two versions, and the right verdict on them.

    Args:
        name: as the report shows it.
        stable: how the old version answers.
        canary: how the new one answers.
        should: the right verdict. It is `hold` where the canary is as bad as is tolerated: neither of the others may
            happen often.
        drift: the factor by which error share and latency of both versions change during a run.
        earlier: the requests that the stable version has answered before the run.
        before: the factor by which its error share and latency were larger then.
    """

    name: str
    stable: Behaviour
    canary: Behaviour
    should: str
    drift: float = 1.0
    earlier: int = 100_000
    before: float = 1.0


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
SCENARIOS: Final = (
    Scenario("the same version", USUAL, USUAL, "promote"),
    Scenario("the same version, hardly an error", HEALTHY, HEALTHY, "promote"),
    Scenario("the same version, drifting x4", USUAL, USUAL, "promote", drift=4),
    Scenario("errors as many as tolerated", HEALTHY, replace(HEALTHY, errors=0.0012), "hold"),
    # The largest difference between the bins of the two score distributions is 0.0500, which is tolerated.
    Scenario("scores as far off as tolerated", HEALTHY, replace(HEALTHY, scores=(1.3422, 2.4)), "hold"),
    Scenario("errors 0.5 % to 2 %", USUAL, replace(USUAL, errors=0.02), "roll back"),
    Scenario("errors 0.5 % to 2 %, stable unknown", USUAL, replace(USUAL, errors=0.02), "roll back", earlier=0),
    Scenario("errors 0.5 % to 2 %, stable was twice as bad", USUAL, replace(USUAL, errors=0.02), "roll back", before=2),
    Scenario("errors 0.5 % to 5 %", USUAL, replace(USUAL, errors=0.05), "roll back"),
    Scenario("latency x1.5", USUAL, replace(USUAL, latency_ms=6.0), "roll back"),
    Scenario("scores shifted", USUAL, replace(USUAL, scores=(1.6, 2.4)), "roll back"),
    Scenario("reasons swapped", USUAL, replace(USUAL, features=(0.5, 0.7, 0.85, *FEATURES[3:])), "roll back"),
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
    random, judged = np.random.default_rng(seed), allot_levels(checks)
    stable, canary = (draw_counts(scenario.stable, np.zeros(runs, dtype=int), random) for _ in range(2))
    earlier = draw_counts(_worsen(scenario.stable, scenario.before), np.full(runs, scenario.earlier), random)
    ended = {name: np.zeros(runs, dtype=bool) for name in (ROLLBACK, PROMOTE, *RIVALS)}
    history: dict[str, list[int]] = {name: [] for name in ended}
    looks: list[int] = []
    while (done := looks[-1] if looks else 0) < requests:
        batch = min(max(LOOK, int(done * GROWTH)), requests - done)
        drift = scenario.drift ** ((done + batch) / requests)
        of_canary = random.binomial(batch, CANARY_SHARE, runs)
        stable += draw_counts(_worsen(scenario.stable, drift), batch - of_canary, random)
        canary += draw_counts(_worsen(scenario.canary, drift), of_canary, random)
        looks.append(done + batch)
        _judge(judged, (stable, canary, earlier), ended)
        for name, alarm in RIVALS.items():
            ended[name] |= alarm(stable, canary, scenario.stable.errors)
        for name, flags in ended.items():
            history[name].append(int(flags.sum()))
    return History(scenario, runs, tuple(looks), {name: tuple(counts) for name, counts in history.items()})


def draw_counts(behaviour: Behaviour, requests: Any, random: np.random.Generator) -> Counts:
    """Draw what a version counts in so many requests of each run; each count is an array with a number for each run."""
    errors = random.binomial(requests, behaviour.errors)
    predictions = requests - errors
    latency = random.multinomial(requests, behaviour.latency_shares).T
    bins = random.multinomial(predictions, behaviour.probability_shares).T
    tiers = {"low": bins[:MEDIUM_FROM], "medium": bins[MEDIUM_FROM:HIGH_FROM], "high": bins[HIGH_FROM:]}
    named: dict[str, Any] = {name: part.sum(axis=0) for name, part in tiers.items()}
    features: dict[str, Any] = {
        f"feature {number}": random.binomial(predictions, share) for number, share in enumerate(behaviour.features)
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


def _worsen(behaviour: Behaviour, factor: float) -> Behaviour:
    return replace(behaviour, errors=behaviour.errors * factor, latency_ms=behaviour.latency_ms * factor)


def _judge(checks: Sequence[tuple[Check, Levels]], counts: tuple[Counts, ...], ended: dict[str, Flags]) -> None:
    """Judge all runs at once, as `judge` does but without the traffic split; what is decided stays so."""
    open_runs = np.flatnonzero(~(ended[ROLLBACK] | ended[PROMOTE]))
    if not open_runs.size:
        return
    comparisons = [
        (check, level, _select_runs(compare(check.measure, *counts), open_runs))
        for check, level in checks
        if not check.measure.is_split
    ]
    outside = np.any(
        [find_outside(check, comparison, level) for check, level, comparison in comparisons if check.critical], axis=0
    )
    within = ~outside
    for check, level, comparison in comparisons:
        # A run that one check has stopped needs no other.
        going = np.flatnonzero(within)
        within[going] = find_within(check, _select_runs(comparison, going), level)
    ended[ROLLBACK][open_runs[outside]] = True
    ended[PROMOTE][open_runs[within]] = True


def find_outside(check: Check, comparison: Comparison, level: Levels) -> Flags:
    """Say for each run whether its confidence sequence lies outside the tolerance."""
    effect = comparison.proportions.effect()
    beyond = effect if check.direction == "up" else np.abs(effect)
    beyond = comparison.selected & (beyond > check.tolerance)
    beyond[beyond] = is_rejected(
        comparison.proportions.select(beyond),
        np.copysign(check.tolerance, effect[beyond]),
        level.outside / comparison.divide_outside,
    )
    return np.asarray(beyond.any(axis=-1))


def find_within(check: Check, comparison: Comparison, level: Levels) -> Flags:
    """Say for each run whether its confidence sequence lies within the tolerance."""
    effect, inside = comparison.proportions.effect(), np.ones(comparison.selected.shape, dtype=bool)
    for edge in (1,) if check.direction == "up" else (1, -1):
        inside &= edge * effect < check.tolerance
        inside[inside] = is_rejected(
            comparison.proportions.select(inside), edge * check.tolerance, level.within / comparison.divide_within
        )
    return np.asarray((inside | ~comparison.selected).all(axis=-1))


def _select_runs(comparison: Comparison, runs: NDArray[np.int_]) -> Comparison:
    return comparison._replace(proportions=comparison.proportions.select(runs), selected=comparison.selected[runs])
