"""How a rollout is shown: where it stands, what happened, and what the judge found."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.markup import escape

from churn.cli.show import out, table
from churn.rollout.decision import duration
from churn.rollout.record import Event, Rollout, State
from churn.rollout.store import Store

COLOURS = {State.PROMOTED: "green", State.ROLLED_BACK: "red", State.ABORTED: "red"}
NO_STEP = "-"


def show_rollout(rollout: Rollout, *, controlled: bool) -> None:
    """Where it stands."""
    steps = len(rollout.plan.steps)
    step = f"{rollout.step + 1} of {steps}" if rollout.step >= 0 else f"before 1 of {steps}"
    requests = ", ".join(f"{track} {tally.total.requests:,}" for track, tally in sorted(rollout.tallies.items()))
    rows = [
        ("service", rollout.service),
        ("from, to", f"{rollout.stable}, {rollout.canary}"),
        ("state", f"{rollout.state}, since {_clock(rollout.since)} ({duration(time.time() - rollout.since)})"),
        ("step", step),
        ("canary's share", f"{rollout.weight_percent} %"),
        ("requests in this step", requests or "none yet"),
        ("why", rollout.reason),
    ]
    if not rollout.over:
        nobody = "nobody; go on with `churn rollout resume`"
        rows.append(("controlled by", "a running process" if controlled else nobody))
    table(f"Rollout {rollout.number}", ["", ""], rows)


def show_findings(events: Sequence[Event]) -> None:
    """What the judge found when its verdict was recorded last."""
    judged = next((each for each in reversed(events) if each.evidence), None)
    findings: Sequence[dict[str, Any]] = judged.evidence["verdict"]["findings"] if judged else ()
    if not judged or not findings:
        return
    rows = [
        (
            found["check"],
            found["decision"],
            _share(found["effect"]),
            f"{_share(found['low'])} to {_share(found['high'])}",
            _share(found["tolerance"]),
        )
        for found in findings
    ]
    title = f"What the judge found, {_clock(judged.at)}: {judged.decision}"
    table(title, ["check", "verdict", "canary minus stable", "surely from, to", "tolerated"], rows)


def show_event(event: Event) -> None:
    """One line."""
    colour = COLOURS.get(event.state, "cyan")
    where = f"[{colour}]{event.state:11}[/]  {event.weight_percent:3} %"
    out.print(f"{_clock(event.at)}  {event.kind:9}  {where}  {escape(event.reason)}")


def teller(store: Store, number: int, *, as_json: bool) -> Callable[[Rollout], None]:
    """Shows what has happened since it was asked last; as JSON, an object a line."""
    told = 0

    def tell(_: Rollout) -> None:
        nonlocal told
        for each in store.events(number, after=told):
            told = each.number
            if as_json:
                out.file.write(json.dumps(each.summary(), ensure_ascii=False) + "\n")
                out.file.flush()
            else:
                show_event(each)

    return tell


def show_history(rollouts: Sequence[Rollout]) -> None:
    """All rollouts, newest first."""
    rows = [
        (each.number, each.stable, each.canary, str(each.state), _clock(each.began), _ended(each), each.reason)
        for each in rollouts
    ]
    table("Rollouts", ["number", "from", "to", "state", "began", "took", "why"], rows)


def _ended(rollout: Rollout) -> str:
    return duration(rollout.ended - rollout.began) if rollout.ended else "not over"


def _share(value: float | None) -> str:
    """A difference of shares, in percentage points."""
    return NO_STEP if value is None else f"{100 * value:.2f} %"


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
