"""Say in words what goes on in a rollout, and what to do next."""

from dataclasses import dataclass, replace
from typing import Literal

from churn.dashboard.history import History, Observation
from churn.dashboard.rollouts import Snapshot
from churn.dashboard.words import MINUTE_S, format_duration, format_time, join_names, make_sentence
from churn.rollout.state import Rollout, State
from churn.rollout.status import is_late

type Tone = Literal["calm", "good", "warning", "bad"]


@dataclass(frozen=True)
class RolloutSummary:
    """What a page says of a rollout.

    Args:
        badge: its state in a word or two.
        tone: how the badge looks.
        now: what goes on.
        waits: for the next step, one by one.
        next: what to do.
        command: what to type, if anything.
    """

    badge: str
    tone: Tone
    now: str
    next: str
    waits: tuple[str, ...] = ()
    command: str = ""


def summarize_rollout(snapshot: Snapshot, now: float) -> RolloutSummary:
    """Say what goes on in a rollout, and what to do."""
    history = snapshot.history
    rollout = history.rollout
    if rollout.is_over:
        return _summarize_ended(history)
    if not snapshot.carried_out:
        return RolloutSummary(
            "nobody at work",
            "bad",
            f"The canary had {rollout.weight_percent} % of the requests at the last look, "
            f"{describe_last_look(rollout, now)}, and no process carries the rollout out: nothing is judged, and a bad "
            "canary would not be sent back.",
            "Let a process take over: it goes on where the last one stopped. Or abort, which needs no process: "
            'churn rollout abort --reason "why".',
            command="churn rollout resume",
        )
    if history.trouble:
        return RolloutSummary(
            "in trouble",
            "warning",
            f"{make_sentence(history.trouble.reason)} The canary keeps its {rollout.weight_percent} % meanwhile, and "
            "it is tried again at every tick.",
            "Mend what is in the way. If that takes long, or the canary may harm somebody, abort.",
            command="churn rollout abort",
        )
    running = _summarize_running(history, now)
    if not is_late(rollout, now, allowed_s=MINUTE_S):
        return running
    late = f"Its process looked last {describe_last_look(rollout, now)}, and has judged nothing since."
    stop = "Stop that process and let another take over: churn rollout resume. Or abort."
    return replace(running, tone="bad", now=f"{running.now} {late}", next=f"{stop} {running.next}")


def describe_last_look(rollout: Rollout, now: float) -> str:
    """Return a text such as `24 Nov 2026, 13:05 UTC, 3 min ago`. The zone is named, and what is not known is said."""
    if rollout.looked_at is None:
        return "at a time that is not known"
    return f"{format_time(rollout.looked_at)}, {format_duration(now - rollout.looked_at)} ago"


def _summarize_running(history: History, now: float) -> RolloutSummary:
    rollout = history.rollout
    held = format_duration(now - rollout.since)
    if rollout.state == State.STARTING:
        return RolloutSummary(
            "starting",
            "calm",
            f"{rollout.canary} gets no requests yet: {rollout.reason}.",
            "See whether the canary's instances come up. Without them, or outside the release window, it waits; after "
            f"{format_duration(rollout.plan.maximum_hold_s(0))} it is given up.",
        )
    if rollout.state == State.STEPPING:
        return RolloutSummary(
            "stepping",
            "calm",
            f"The canary is being given {rollout.weight_percent} % of the requests.",
            "Nothing. It takes seconds; if not, see what happened last, below.",
        )
    if rollout.state == State.FINISHING:
        return RolloutSummary(
            "finishing",
            "good",
            f"{rollout.canary} has all requests and passed every check. It is being made the champion.",
            "Nothing. If it takes long, see what it waits for, below.",
        )
    if rollout.state == State.RETURNING:
        return RolloutSummary(
            "going back",
            "bad",
            f"All requests are being sent back to {rollout.stable}. {make_sentence(rollout.reason)}",
            "Nothing. It takes seconds; if not, see whether the router can be reached.",
        )
    verdict = history.verdict
    share = f"{rollout.weight_percent} %" if rollout.state == State.HOLDING else "all requests"
    badge = f"at {rollout.weight_percent} %" if rollout.state == State.HOLDING else "baking"
    if verdict is None:
        return RolloutSummary(
            badge, "calm", f"The canary has had {share} for {held}. It was not judged yet.", "Nothing. Wait."
        )
    return RolloutSummary(
        badge,
        "good" if verdict.decision == "promote" else "calm",
        f"The canary has had {share} for {held}. {_describe_verdict(verdict)}",
        _describe_next(history, verdict),
        waits=_list_waits(history, verdict),
    )


def _describe_verdict(verdict: Observation) -> str:
    within = sum(finding.standing == "within" for finding in verdict.findings)
    if verdict.decision == "promote" and within == len(verdict.findings):
        return f"All {within} checks are surely within their tolerances."
    if not verdict.findings:
        return f"Nothing can be said at the moment: {verdict.reason}."
    surely = f"{within} of {len(verdict.findings)} checks are surely within their tolerances"
    if outside := verdict.checks_that_are("outside"):
        return f"{surely}, but {join_names(outside)} is not."
    if verdict.decision == "promote":
        return f"{surely}. Nobody waits for {join_names(verdict.checks_that_are('unsure'))}."
    return f"{surely} so far, none is outside."


def _describe_next(history: History, verdict: Observation) -> str:
    rollout = history.rollout
    if not verdict.findings:
        return "See whether metrics arrive from both versions. Figures that are missing or old decide nothing."
    if outside := verdict.checks_that_are("outside"):
        return f"Look into {join_names(outside)}: it is for a person to decide. Then go on or abort."
    if rollout.step == rollout.plan.last:
        return f"Nothing. It becomes champion by itself; until then {rollout.stable} stands ready."
    following = rollout.plan.steps[rollout.step + 1].weight_percent
    return f"Nothing. It goes on to {following} % by itself, or back to {rollout.stable} if a check is surely outside."


def _list_waits(history: History, verdict: Observation) -> tuple[str, ...]:
    """Return what the controller waits for. Leave out the verdict's reason, which the checks show."""
    waits = history.rollout.reason.removeprefix(verdict.reason).strip("; ")
    parts = [part.strip() for part in waits.split("; ") if part.strip()]
    if verdict.decision == "hold" and (unsure := verdict.checks_that_are("unsure")):
        parts.insert(0, f"more requests, to be sure of {join_names(unsure)}")
    return tuple(parts)


def _summarize_ended(history: History) -> RolloutSummary:
    rollout = history.rollout
    took = format_duration((rollout.ended or rollout.since) - rollout.began)
    if rollout.state == State.PROMOTED:
        return RolloutSummary(
            "promoted",
            "good",
            f"{rollout.canary} is the champion, after {took}. {make_sentence(rollout.reason)}",
            f"Nothing. {rollout.stable} stays `previous` in the registry: the way back, should it turn out bad.",
        )
    if rollout.state == State.ABORTED:
        return RolloutSummary(
            "aborted",
            "warning",
            f"All requests are at {rollout.stable} again, after {took}. {make_sentence(rollout.reason)}",
            "Nothing is urgent. Start again when what was in the way is mended.",
            command="churn rollout start",
        )
    return RolloutSummary(
        "rolled back",
        "bad",
        f"All requests are at {rollout.stable} again, after {took}. {make_sentence(rollout.reason)}",
        "Nothing is urgent. The checks that are outside say where to look; mend it, release it anew, and start again.",
        command="churn rollout start",
    )
