"""The next move with a canary, from all that is known of it: a function of its arguments."""

from dataclasses import dataclass
from typing import Literal

from churn.judging.judge import Verdict
from churn.rollout.plan import Plan
from churn.rollout.served import Mismatch
from churn.rollout.state import Command, State

type Move = Literal["stay", "advance", "return"]


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision depends on.

    Args:
        step: counted from 0.
        held_s: how long the canary has had this share.
        requests: how many it has answered in this step.
        closed_because: why no step may be taken now.
        withdrawn: whether the router gives the canary nothing, against its orders.
        mismatch: instances that serve something else than they should, if there are any.
    """

    plan: Plan
    step: int
    held_s: float
    requests: int
    verdict: Verdict
    closed_because: str | None = None
    command: Command | None = None
    withdrawn: bool = False
    mismatch: Mismatch | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A move and its reason. To advance from the last step makes the canary champion."""

    move: Move
    reason: str
    ends_as: State | None = None  # if it returns


def decide(situation: Situation) -> Decision:
    """Decide. Each reason to return comes before every reason to advance.

    To advance takes the verdict `promote`, the step's least time and requests, and an open window. A command advances
    without all but the window. No command advances past the verdict `roll back` or past wrong instances.
    """
    if back := _decide_return(situation):
        return back
    if situation.mismatch:
        return Decision("stay", situation.mismatch.reason)
    command, verdict, step = situation.command, situation.verdict, situation.plan.steps[situation.step]
    if command and (command.at_any_hour or not situation.closed_because):
        return Decision("advance", command.reason)
    lacking = [] if verdict.decision == "promote" else [verdict.reason]
    if situation.requests < step.minimum_requests:
        lacking.append(f"the canary has answered {situation.requests:,} of at least {step.minimum_requests:,} requests")
    overdue = situation.held_s >= situation.plan.maximum_hold_s(situation.step)
    if lacking and overdue and situation.plan.without_evidence == "roll back":
        reason = f"not enough evidence in time, {step.maximum_hold_hours:g} h of the plan: {'; '.join(lacking)}"
        return Decision("return", reason, State.ROLLED_BACK)
    waits = [*lacking]
    if (left_s := situation.plan.hold_s(situation.step) - situation.held_s) > 0:
        waits.append(f"{text_from_duration(left_s)} of the least time at {step.weight_percent} % are left")
    if situation.closed_because:
        waits.append(f"no step forward now: {situation.closed_because}")
    return Decision("stay", "; ".join(waits)) if waits else Decision("advance", verdict.reason)


def _decide_return(situation: Situation) -> Decision | None:
    """Decide to go back if anything but missing evidence speaks for it."""
    command, verdict, mismatch = situation.command, situation.verdict, situation.mismatch
    if command and command.what == "abort":
        return Decision("return", command.reason, State.ABORTED)
    if verdict.decision == "roll back":
        return Decision("return", verdict.reason, State.ROLLED_BACK)
    if mismatch and mismatch.returns:
        return Decision("return", mismatch.reason, State.ROLLED_BACK)
    if situation.withdrawn:
        reason = "the router gives the canary nothing, so somebody else has sent its traffic back"
        return Decision("return", reason, State.ABORTED)
    return None


def text_from_duration(seconds: float) -> str:
    """Return a text such as `47 h 12 min`, `3 min` or `8 s`."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
