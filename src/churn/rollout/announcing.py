"""What people are told of a rollout: that it is over, or that a step has lasted for long."""

from churn.notices.notice import Kind, Notice
from churn.rollout.decision import text_from_duration
from churn.rollout.state import JUDGED, Rollout, State

KINDS: dict[State, Kind] = {State.PROMOTED: "success", State.ROLLED_BACK: "failure", State.ABORTED: "warning"}


def build_notice(rollout: Rollout, now: float) -> Notice | None:
    """Build what there is to tell of a rollout at `now`, in seconds since 1970; None if nothing is.

    A step has lasted for long once half of the time between its least and its longest is over.
    """
    topic = f"rollout {rollout.service}"
    action = f"See the dashboard, or: churn rollout status --service {rollout.service}"
    of_what = f"{rollout.service}: {rollout.canary}"
    if rollout.is_over:
        state, title = f"{rollout.number} {rollout.state}", f"{of_what} {_say_end(rollout.state)}"
        return Notice(topic, state, title, rollout.reason, action, KINDS[rollout.state])
    if rollout.state not in JUDGED:
        return None
    least_s, most_s = rollout.plan.hold_s(rollout.step), rollout.plan.maximum_hold_s(rollout.step)
    held_s = now - rollout.since
    if held_s < (least_s + most_s) / 2:
        return None
    ends = "it is sent back" if rollout.plan.without_evidence == "roll back" else "it goes on waiting"
    text = (
        f"Its step at {rollout.weight_percent} % has lasted {text_from_duration(held_s)}: {rollout.reason}. "
        f"In {text_from_duration(max(most_s - held_s, 0))} {ends}."
    )
    return Notice(topic, f"{rollout.number} holds {rollout.step}", f"{of_what} is still held", text, action, "warning")


def _say_end(state: State) -> str:
    return {
        State.PROMOTED: "is champion",
        State.ROLLED_BACK: "was rolled back",
        State.ABORTED: "was aborted, and all traffic is back",
    }[state]
