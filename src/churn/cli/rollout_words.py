"""Print a rollout: where it stands, its events, and what the judge found."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from rich.markup import escape

from churn.cli.show import format_time, out, print_table
from churn.judging.findings import describe_decision
from churn.rollout.decision import text_from_duration
from churn.rollout.state import Event, Rollout, State
from churn.rollout.status import Status
from churn.rollout.store import RolloutStore

COLOURS = {State.PROMOTED: "green", State.ROLLED_BACK: "red", State.ABORTED: "red"}


def show_status(status: Status) -> None:
    """Print where a rollout stands now, what is wrong, and what to do."""
    rollout = status.rollout
    step = rollout.step + 1 if rollout.step >= 0 else "before 1"
    requests = ", ".join(f"{track} {counts.total.requests:,}" for track, counts in sorted(rollout.counts.items()))
    lasted = text_from_duration(status.now - rollout.since)
    looked_at = rollout.looked_at
    ago = "" if looked_at is None else f"{format_time(looked_at)}, {text_from_duration(status.now - looked_at)} ago"
    rows = [
        ("service", rollout.service),
        ("from, to", f"{rollout.stable}, {rollout.canary}"),
        ("state", f"{rollout.state}, since {format_time(rollout.since)} ({lasted})"),
        ("step", f"{step} of {len(rollout.plan.steps)}"),
        ("canary's share", f"{rollout.weight_percent} %, as recorded"),
        ("requests in this step", requests or "none yet"),
        ("subscribers compared", _describe_compared(status)),
        ("last look", ago or "not known"),
        ("why, at the last look", rollout.reason),
    ]
    if not rollout.is_over:
        known = status.weight_percent is not None
        health = ", ".join(f"{track} {'up' if up else 'DOWN'}" for track, up in status.healthy.items())
        router = f"gives the canary {status.weight_percent:g} %; {health}" if known else "not known"
        controller = "a running process" if status.controlled else "nobody; go on with `churn rollout resume`"
        rows += [("controlled by", controller), ("the router now", router)]
    rows += [
        (f"{track} {instance}", f"serves {version or 'nobody knows what'}" if answers else "DOES NOT ANSWER")
        for track, instance, answers, version, _ in status.list_instances()
    ]
    print_table(f"Rollout {rollout.number}", ["", ""], rows)
    if problems := status.list_problems():
        rows = [(problem.what, problem.instead) for problem in problems]
        print_table("What is wrong or not known", ["what", "what to do"], rows)


def _describe_compared(status: Status) -> str:
    compared = status.subscribers_compared
    if compared is None:
        return f"none: {status.no_pairs}"
    return f"{compared:,} in this rollout, as far as their records are in the prediction log"


def show_findings(events: Sequence[Event]) -> None:
    """Print what the judge found in the last recorded verdict."""
    newest = sorted(events, key=lambda event: event.order, reverse=True)
    judged = next((event for event in newest if event.evidence.get("verdict", {}).get("findings")), None)
    findings: Sequence[dict[str, Any]] = judged.evidence["verdict"]["findings"] if judged else ()
    if not judged or not findings:
        return
    rows = []
    for finding in findings:
        effect, low, high, tolerance = (
            _text_from_share(finding[name]) for name in ("effect", "low", "high", "tolerance")
        )
        enough = finding.get("enough") or finding["tolerance"]
        words = describe_decision(finding["decision"], finding["high"], enough)
        rows.append((finding["check"], words, effect, f"{low} to {high}", tolerance))
    title = f"What the judge found, {format_time(judged.last)}: {judged.decision}"
    print_table(title, ["check", "verdict", "how much worse", "surely from, to", "tolerated"], rows)


def show_event(event: Event) -> None:
    """Print an event as one line."""
    colour = COLOURS.get(event.state, "cyan")
    state = f"[{colour}]{event.state:11}[/]  {event.weight_percent:3} %"
    again = f" ({event.times:,} times until {format_time(event.last)})" if event.times > 1 else ""
    out.print(f"{format_time(event.at)}  {event.kind:9}  {state}  {escape(event.reason)}{again}")


def make_event_printer(store: RolloutStore, number: int, *, as_json: bool) -> Callable[[Rollout], None]:
    """Return a function that prints the events since its last call; as JSON, one object a line."""
    printed = 0

    def print_events(_: Rollout) -> None:
        nonlocal printed
        for event in store.list_events(number, after=printed):
            printed = event.number
            if as_json:
                out.file.write(json.dumps(event.summarize(), ensure_ascii=False) + "\n")
                out.file.flush()
            else:
                show_event(event)

    return print_events


def show_rollouts(rollouts: Sequence[Rollout]) -> None:
    """Print all rollouts, newest first."""
    rows = [
        (
            rollout.number,
            rollout.stable,
            rollout.canary,
            str(rollout.state),
            format_time(rollout.began),
            text_from_duration(rollout.ended - rollout.began) if rollout.ended else "not over",
            rollout.reason,
        )
        for rollout in rollouts
    ]
    print_table("Rollouts", ["number", "from", "to", "state", "began", "took", "why"], rows)


def _text_from_share(share: float | None) -> str:
    """Return a difference of shares in percentage points."""
    return "-" if share is None else f"{100 * share:.2f} %"
