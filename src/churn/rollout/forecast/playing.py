"""One played rollout, from look to look.

The controller itself reads, judges and decides. So a forecast tells what it does, also when the judge changes. It does
not look every few seconds: of the looks of a step, the first one that decides is searched for by bisection.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from churn.judging.judge import judge
from churn.rollout.controller import Controller
from churn.rollout.forecast.stage import CANARY, STABLE, Answered, Stage, begin_answered
from churn.rollout.forecast.traffic import DAY_H, HOUR_S, Traffic
from churn.rollout.forecast.versions import Version
from churn.rollout.plan import ALL_PERCENT, Plan
from churn.rollout.recorder import Recorder
from churn.rollout.state import Rollout, Setup, State

FIRST_REQUESTS = 30  # of the canary, at the first look of a step
GROWTH = 1.05  # of the time of a step, from one look to the next
BACK = 6  # looks before the one that was found, which are asked, too
FIRST_HINT = 32  # the look at which the first search begins

HOLD_HOURS, MINIMUM_REQUESTS = "hold_hours", "minimum_requests"
WINDOW = "release window"

type Ended = Literal["advanced", "promoted", "rolled back", "not in time"]
type FindOpening = Callable[[datetime], datetime | None]


@dataclass(frozen=True, slots=True)
class PlayedStep:
    """How one step of a played rollout went.

    Args:
        hours: that it took; of the plan, not those of a demonstration.
        requests, canary_requests: that were answered in it, by both and by the canary.
        people: who were compared, in the rollout so far.
        bound_by: what was missing last before it ended, or what ended it: a check, or a key of the plan.
    """

    ended: Ended
    hours: float
    requests: float
    canary_requests: int
    people: int
    bound_by: str


@dataclass(eq=False)
class Play:
    """Play one rollout.

    Args:
        find_opening: the next moment at which a step may be taken; None if one may at any time.
        hints: for each step the number of the look that decided in an earlier play, where the search begins.
    """

    plan: Plan
    traffic: Traffic
    stable: Version
    canary: Version
    begin: datetime
    find_opening: FindOpening | None
    random: np.random.Generator
    hints: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        at_s = self.begin.timestamp()
        what = (0, "played", "stable", "canary", self.plan, Setup(router=""), State.STARTING, -1, 0, at_s, "", at_s)
        rollout = Rollout(*what, stable_sha256=STABLE.sha256, canary_sha256=CANARY.sha256)
        begun = begin_answered(at_s, self.stable, self.traffic, rollout.tracks)
        self._stage = Stage(self.traffic, self.stable, self.canary, self.random, begun)
        self._controller = Controller(
            recorder=Recorder(rollout, self._stage, self._stage.read_clock),
            router=self._stage,
            source=self._stage,
            judge=judge,
            closed_because=lambda _: None,  # how long the window is closed is found when a step could be taken
            promote=lambda _: None,
            evidence=self._stage if self.plan.model_checks else None,
        )

    def run(self) -> list[PlayedStep]:
        """Play all steps, until one does not advance."""
        self._controller.tick()
        steps = [self._play_step()]
        while steps[-1].ended == "advanced":
            steps.append(self._play_step())
        return steps

    def _play_step(self) -> PlayedStep:
        began, held, given = self._stage.now, self._controller.rollout, self._stage.weights

        def look(answered: Answered) -> bool:
            """Look at this moment as if nothing had been decided. Return whether something is now."""
            self._controller.recorder.rollout, self._stage.weights = held, given
            self._stage.now, self._stage.judged = answered, None
            now = self._controller.tick()
            return (now.state, now.step) != (held.state, held.step)

        path = self._draw_path(began, held.step)
        at = search_first(
            len(path),
            lambda number: look(path[number]),
            self.hints.get(held.step, FIRST_HINT),
            back=0 if self.canary is self.stable else BACK,  # a good version mostly waits for time or requests
        )
        self.hints[held.step] = at
        lacking = "nothing"
        if at:
            look(path[at - 1])
            lacking = self._describe_lacking(held.step)
        answered, moved = path[at], look(path[at])
        if moved and self._controller.rollout.state != State.ROLLED_BACK and (opening := self._find_opening(answered)):
            self._stage.weights = given
            later = self._stage.draw_until(answered, opening)
            if look(later):
                answered, lacking = later, WINDOW
            else:  # what was enough before is no longer; it counts all the same
                look(answered)
        ended, bound_by = self._describe_end(held.step, lacking, moved=moved)
        return PlayedStep(
            ended=ended,
            hours=(answered.at_s - began.at_s) * self.plan.time_scale / HOUR_S,
            requests=answered.came - began.came,
            canary_requests=answered.counts["canary"].requests - began.counts["canary"].requests,
            people=answered.people,
            bound_by=bound_by,
        )

    def _draw_path(self, began: Answered, step: int) -> list[Answered]:
        """Draw what is answered until each look that this step may have."""
        most_s, share = self.plan.maximum_hold_s(step), self.plan.steps[step].weight_percent / ALL_PERCENT
        expected = FIRST_REQUESTS / max(share * self.traffic.per_day, 1e-9) * DAY_H * HOUR_S
        first_s = min(max(expected, 1e-3), most_s)
        looks = first_s * GROWTH ** np.arange(int(np.log(most_s / first_s) / np.log(GROWTH)) + 1)
        answered, path = began, []
        for after_s in np.unique([*looks, max(self.plan.hold_s(step), first_s), most_s]):
            answered = self._stage.draw_until(answered, began.at_s + float(after_s))
            path.append(answered)
        return path

    def _find_opening(self, answered: Answered) -> float | None:
        """Return when the window opens, in seconds since 1970; None if it is open."""
        opening = self.find_opening(datetime.fromtimestamp(answered.at_s, UTC)) if self.find_opening else None
        return opening.timestamp() if opening else None

    def _describe_lacking(self, step: int) -> str:
        """Name what the last look still waited for: a check, or a key of the plan."""
        verdict = self._stage.judged
        if verdict is None:
            return "nothing"
        waiting = [finding for finding in verdict["findings"] if finding["decision"] == "hold"]
        if waiting:
            return str(max(waiting, key=_measure_width)["check"])
        if verdict["decision"] != "promote":
            return str(verdict["reason"])
        counts = self._controller.rollout.counts["canary"].total
        return MINIMUM_REQUESTS if counts.requests < self.plan.steps[step].minimum_requests else HOLD_HOURS

    def _describe_end(self, step: int, lacking: str, *, moved: bool) -> tuple[Ended, str]:
        verdict, state = self._stage.judged, self._controller.rollout.state
        if moved and state != State.ROLLED_BACK:
            return "promoted" if state == State.PROMOTED else "advanced", lacking
        if moved and verdict and verdict["decision"] == "roll back":
            outside = [
                finding for finding in verdict["findings"] if finding["critical"] and finding["decision"] == "roll back"
            ]
            return "rolled back", str(outside[0]["check"] if outside else verdict["reason"])
        return "not in time", self._describe_lacking(step)


def search_first(size: int, decides: Callable[[int], bool], hint: int, *, back: int = 0) -> int:
    """Return the first number below `size` that decides, or the last one if none does.

    Most after the first one are supposed to decide, too. Evidence comes and goes a little, so `back` of those before
    are asked as well. `hint` is where the search begins.
    """
    at, stride = min(hint, size - 1), 1
    if decides(at):
        low, high = at - 1, at
        while low >= 0 and decides(low):
            low, high, stride = low - 2 * stride, low, 2 * stride
    else:
        low, high = at, at + 1
        while high < size - 1 and not decides(high):
            low, high, stride = high, high + 2 * stride, 2 * stride
    low, high = max(low, -1), min(high, size - 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return next((before for before in range(max(high - back, 0), low) if decides(before)), high)


def _measure_width(finding: Mapping[str, Any]) -> float:
    """Return how far a finding is from being sure, in tolerances."""
    if finding["low"] is None or finding["high"] is None:
        return math.inf
    return float((finding["high"] - finding["low"]) / max(finding["tolerance"], 1e-9))
