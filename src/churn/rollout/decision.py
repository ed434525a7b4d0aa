"""What to do next with a canary, of all that is known of it: a function of its arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from churn.judging.judge import Verdict
from churn.rollout.plan import Plan
from churn.rollout.record import Command, State

type Move = Literal["stay", "forward", "back"]


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision depends on.

    Args:
        plan, step: where the rollout stands; the step is counted from 0.
        held_s: for how long the canary has had this share, in seconds.
        requests: how many it has answered meanwhile.
        verdict: the judge's.
        closed_because: why no step forward may be made now; None if one may.
        command: what somebody wants.
        withdrawn: whether the router gives the canary nothing, though it was told to.
    """

    plan: Plan
    step: int
    held_s: float
    requests: int
    verdict: Verdict
    closed_because: str | None = None
    command: Command | None = None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and why. From the last step, forward leads to promotion.

    Args:
        ends_as: of a step back: how the rollout ends.
    """

    move: Move
    reason: str
    ends_as: State | None = None


def decide(situation: Situation) -> Decision:
    """What to do. Whatever speaks for going back comes before whatever speaks for going on.

    Forward takes the verdict `promote`, the step's minimum of time and of requests, and an open window; or somebody's
    command, which does without all but the window. No wish goes past the verdict `roll back`.
    """
    command, verdict, step = situation.command, situation.verdict, situation.plan.steps[situation.step]
    if command and command.what == "abort":
        return Decision("back", command.reason, State.ABORTED)
    if verdict.decision == "roll back":
        return Decision("back", verdict.reason, State.ROLLED_BACK)
    if situation.withdrawn:
        reason = "the router gives the canary nothing, so somebody else has sent its traffic back"
        return Decision("back", reason, State.ABORTED)
    if command and (command.at_any_hour or not situation.closed_because):
        return Decision("forward", command.reason)
    lacking = _lacking(situation)
    overdue = situation.held_s >= situation.plan.maximum_hold_s(situation.step)
    if lacking and overdue and situation.plan.without_evidence == "roll back":
        reason = f"not enough evidence in time, {step.maximum_hold_hours:g} h of the plan: {'; '.join(lacking)}"
        return Decision("back", reason, State.ROLLED_BACK)
    left_s = situation.plan.hold_s(situation.step) - situation.held_s
    waits = [*lacking]
    if left_s > 0:
        waits.append(f"{duration(left_s)} of the least time at {step.weight_percent} % are left")
    if situation.closed_because:
        waits.append(f"no step forward now: {situation.closed_because}")
    return Decision("stay", "; ".join(waits)) if waits else Decision("forward", verdict.reason)


def _lacking(situation: Situation) -> list[str]:
    """What evidence is missing, in words."""
    least = situation.plan.steps[situation.step].minimum_requests
    lacking = [] if situation.verdict.decision == "promote" else [situation.verdict.reason]
    if situation.requests < least:
        lacking.append(f"the canary has answered {situation.requests:,} of at least {least:,} requests")
    return lacking


def duration(seconds: float) -> str:
    """Such as `47 h 12 min`, `3 min` or `8 s`."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
