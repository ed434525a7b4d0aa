"""Play many rollouts of a plan, and sum up how long they take and what they wait for."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from churn.rollout.forecast.playing import Ended, FindOpening, Play, PlayedStep
from churn.rollout.forecast.traffic import Traffic
from churn.rollout.forecast.versions import Version
from churn.rollout.plan import Plan

RUNS: Final = 20
SEED: Final = 20
MEDIAN, MOST = 0.5, 0.9


@dataclass(frozen=True, slots=True)
class Span:
    """The median of all runs, and what 90 % of them do not exceed. None: too few runs got there."""

    median: float | None
    most: float | None


@dataclass(frozen=True, slots=True)
class StepForecast:
    """What a step takes in the runs that left it well.

    Args:
        entered, left: the number of runs that came to this step, and that left it well.
        people: compared in the rollout so far.
        bound_by: what was waited for last, and in how many runs.
    """

    weight_percent: int
    entered: int
    left: int
    hours: Span
    requests: Span
    canary_requests: Span
    people: Span
    bound_by: dict[str, int]


@dataclass(frozen=True, slots=True)
class VersionForecast:
    """What becomes of a version.

    Args:
        ended: in how many runs it was promoted, rolled back, or ended without enough evidence in time.
        hours, requests, canary_requests: until it was promoted, for an equal version; until it was sent back, for a bad
            one.
        bound_by: what ended it: the check that sent it back, or what was missing in time.
        sent_back_at: at which step most were sent back, counted from 1; None if none was.
    """

    name: str
    runs: int
    ended: dict[Ended, int]
    hours: Span
    requests: Span
    canary_requests: Span
    bound_by: dict[str, int]
    steps: tuple[StepForecast, ...]
    sent_back_at: int | None

    @property
    def can_end(self) -> bool:
        """Whether at least half of the runs were promoted."""
        return self.ended.get("promoted", 0) >= MEDIAN * self.runs


def forecast_version(
    plan: Plan,
    traffic: Traffic,
    stable: Version,
    canary: Version,
    *,
    begin: datetime,
    find_opening: FindOpening | None,
    runs: int = RUNS,
    after_run: Callable[[], None] = lambda: None,
) -> VersionForecast:
    """Play a version that many times. The same arguments give the same figures."""
    hints: dict[int, int] = {}
    played = []
    for seed in range(SEED, SEED + runs):
        random = np.random.default_rng(seed)
        played.append(Play(plan, traffic, stable, canary, begin, find_opening, random, hints).run())
        after_run()
    return _summarise(canary.name, plan, played, "promoted" if canary is stable else "rolled back")


def _summarise(name: str, plan: Plan, played: Sequence[Sequence[PlayedStep]], wanted: Ended) -> VersionForecast:
    reached = [steps for steps in played if steps[-1].ended == wanted]
    runs = len(played)
    at = Counter(len(steps) for steps in played if steps[-1].ended == "rolled back")
    return VersionForecast(
        name,
        runs,
        dict(Counter(steps[-1].ended for steps in played).most_common()),
        _span([sum(step.hours for step in steps) for steps in reached], runs),
        _span([sum(step.requests for step in steps) for steps in reached], runs),
        _span([sum(step.canary_requests for step in steps) for steps in reached], runs),
        dict(Counter(steps[-1].bound_by for steps in played).most_common()),
        tuple(_summarise_step(number, plan, played) for number in range(len(plan.steps))),
        at.most_common(1)[0][0] if at else None,
    )


def _summarise_step(number: int, plan: Plan, played: Sequence[Sequence[PlayedStep]]) -> StepForecast:
    entered = [steps[number] for steps in played if len(steps) > number]
    left = [step for step in entered if step.ended in {"advanced", "promoted"}]
    stuck = [step for step in entered if step.ended == "not in time"]
    runs = len(entered)
    return StepForecast(
        plan.steps[number].weight_percent,
        runs,
        len(left),
        _span([step.hours for step in left], runs),
        _span([step.requests for step in left], runs),
        _span([step.canary_requests for step in left], runs),
        _span([step.people for step in left], runs),
        dict(Counter(step.bound_by for step in [*left, *stuck]).most_common()),
    )


def _span(values: Sequence[float], runs: int) -> Span:
    """Return median and 90 % of all runs; those that did not get there took longer than any."""
    ordered = sorted(values)

    def pick(part: float) -> float | None:
        at = int(np.ceil(part * runs)) - 1
        return float(ordered[at]) if 0 <= at < len(ordered) else None

    return Span(pick(MEDIAN), pick(MOST))
