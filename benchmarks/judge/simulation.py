"""How well the judge judges: many canaries whose truth is known, each looked at after every small batch of requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
FEATURES: Final = (0.85, 0.7, 0.5, 0.35, 0.2, 0.15, 0.1, 0.08, 0.05, 0.02)  # of each among the top three
LOOK, GROWTH = 100, 0.02  # requests from one look to the next: so many, later such a part of those so far
MEDIUM_FROM, HIGH_FROM = 6, 13  # bins of the probability


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a version answers.

    Args:
        errors: the share of requests that fail.
        latency_ms, spread: the median of a log-normal distribution, and its standard deviation in logarithms.
        scores: the two parameters of a beta distribution.
        features: of each feature the share of answers that have it among the top three.
    """

    errors: float = 0.005
    latency_ms: float = 4.0
    spread: float = 0.5
    scores: tuple[float, float] = (1.2, 2.4)
    features: tuple[float, ...] = FEATURES

    def latency(self) -> Numbers:
        """The share in each bucket: log-normal."""
        within = ndtr(np.log(np.array(LATENCY_BOUNDS_S) * 1000 / self.latency_ms) / self.spread)
        return np.diff(within, prepend=0, append=1)

    def probability(self) -> Numbers:
        """The share in each bin: a beta distribution."""
        return np.diff(betainc(*self.scores, np.linspace(0, 1, PROBABILITY_BINS + 1)))


@dataclass(frozen=True, slots=True)
class Scenario:
    """Two versions, and what should become of it.

    Args:
        should: `promote`, `roll back`, or `hold` where the canary is as bad as is tolerated: neither may happen often.
        drift: by what factor the error share and the latency of both versions change in the course of the run.
        earlier: how many requests the stable version has answered before.
        before: by what factor its error share and latency were larger then.
    """

    name: str
    stable: Behaviour
    canary: Behaviour
    should: str
    drift: float = 1.0
    earlier: int = 100_000
    before: float = 1.0


@dataclass(frozen=True, slots=True)
class Course:
    """What became of the runs of a scenario.

    Args:
        looks: requests of both tracks at each look.
        ended: for each method the number of runs that it had ended at each look. What the judge rolled back it did not
            promote, and the other way round; the rivals can only raise an alarm.
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
    # So far apart are the two score distributions that the largest difference of their bins is 0.0500.
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
    progress: Callable[[int], None] = lambda _: None,
    checks: Sequence[Check] = DEFAULT_CHECKS,
) -> Course:
    """Lets so many canaries run, each until it is decided or has seen all requests; progress is told the requests."""
    random, judged = np.random.default_rng(seed), allot_levels(checks)
    stable, canary = nothing(scenario.stable, runs), nothing(scenario.canary, runs)
    earlier = answers(_drifted(scenario.stable, scenario.before), np.full(runs, scenario.earlier), random)
    ended = {name: np.zeros(runs, dtype=bool) for name in (ROLLBACK, PROMOTE, *RIVALS)}
    history: dict[str, list[int]] = {name: [] for name in ended}
    looks: list[int] = []
    while (done := looks[-1] if looks else 0) < requests:
        batch = min(max(LOOK, int(done * GROWTH)), requests - done)
        drift = scenario.drift ** ((done + batch) / requests)
        of_canary = random.binomial(batch, CANARY_SHARE, runs)
        stable += answers(_drifted(scenario.stable, drift), batch - of_canary, random)
        canary += answers(_drifted(scenario.canary, drift), of_canary, random)
        looks.append(done + batch)
        _judge(judged, (stable, canary, earlier), ended)
        for name, alarm in RIVALS.items():
            ended[name] |= alarm(stable, canary, scenario.stable.errors)
        for name, flags in ended.items():
            history[name].append(int(flags.sum()))
        progress(looks[-1])
    return Course(scenario, runs, tuple(looks), {name: tuple(each) for name, each in history.items()})


def answers(behaviour: Behaviour, requests: Any, random: np.random.Generator) -> Counts:
    """What a version counts after so many requests in each run; each number of the counts is an array of the runs."""
    errors = random.binomial(requests, behaviour.errors)
    predictions = requests - errors
    latency = random.multinomial(requests, behaviour.latency()).T
    bins = random.multinomial(predictions, behaviour.probability()).T
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


def nothing(behaviour: Behaviour, runs: int) -> Counts:
    """Counts of no requests, for many runs."""
    return answers(behaviour, np.zeros(runs, dtype=int), np.random.default_rng(0))


def _drifted(behaviour: Behaviour, factor: float) -> Behaviour:
    return replace(behaviour, errors=behaviour.errors * factor, latency_ms=behaviour.latency_ms * factor)


def _judge(checks: Sequence[tuple[Check, Levels]], counts: tuple[Counts, ...], ended: dict[str, Flags]) -> None:
    """The verdicts of `judge`, but for the traffic split, on all runs at once; what is decided stays so."""
    open_runs = np.flatnonzero(~(ended[ROLLBACK] | ended[PROMOTE]))
    if not open_runs.size:
        return
    comparisons = [
        (each, level, _chosen(compare(each.measure, *counts), open_runs))
        for each, level in checks
        if not each.measure.is_split
    ]
    outside = np.any(
        [surely_outside(check, found, level) for check, level, found in comparisons if check.critical], axis=0
    )
    within = ~outside
    for check, level, found in comparisons:
        # What one check has stopped the others need not look at.
        going = np.flatnonzero(within)
        within[going] = surely_within(check, _chosen(found, going), level)
    ended[ROLLBACK][open_runs[outside]] = True
    ended[PROMOTE][open_runs[within]] = True


def surely_outside(check: Check, found: Comparison, level: Levels) -> Flags:
    """Of each run, whether the confidence sequence lies outside the tolerance."""
    effect = found.proportions.effect()
    beyond = effect if check.direction == "up" else np.abs(effect)
    beyond = found.selected & (beyond > check.tolerance)
    beyond[beyond] = is_rejected(
        found.proportions.select(beyond),
        np.copysign(check.tolerance, effect[beyond]),
        level.outside / found.divide_outside,
    )
    return np.asarray(beyond.any(axis=-1))


def surely_within(check: Check, found: Comparison, level: Levels) -> Flags:
    """Of each run, whether it lies within."""
    effect, inside = found.proportions.effect(), np.ones(found.selected.shape, dtype=bool)
    for edge in (1,) if check.direction == "up" else (1, -1):
        inside &= edge * effect < check.tolerance
        inside[inside] = is_rejected(
            found.proportions.select(inside), edge * check.tolerance, level.within / found.divide_within
        )
    return np.asarray((inside | ~found.selected).all(axis=-1))


def _chosen(found: Comparison, runs: NDArray[np.int_]) -> Comparison:
    return found._replace(proportions=found.proportions.select(runs), selected=found.selected[runs])
