"""What the judge is shown of a rollout, and what is kept of it beside the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from churn.judging.counts import Counts
from churn.judging.judge import JudgeInput, Verdict
from churn.rollout.record import Rollout, State, Tallies
from churn.rollout.routers.router import TRACKS, Track


def compared(rollout: Rollout) -> tuple[Track, ...]:
    """The tracks that get requests now; in the bake the stable version is known from the step before."""
    return ("canary",) if rollout.state == State.BAKING else TRACKS


def stable_counts(rollout: Rollout) -> Counts:
    """What the stable version answered in this step, or in the step before where it gets nothing now."""
    stable = rollout.tallies.get("stable")
    return stable.total if stable and rollout.state != State.BAKING else rollout.reference


def seen(rollout: Rollout, tallies: Tallies, now: float, *, canary_up: bool, read: bool) -> JudgeInput:
    """What the judge is shown.

    Args:
        rollout: as it stands.
        tallies: what both tracks have answered in this step.
        now: in seconds since 1970.
        canary_up: as the router finds.
        read: whether the counters could be read this time.
    """
    tracks = compared(rollout)
    return JudgeInput(
        stable=rollout.reference if rollout.state == State.BAKING else tallies["stable"].total,
        canary=tallies["canary"].total,
        weight=rollout.weight_percent,
        earlier=tallies["stable"].earlier,
        age_s=max(0.0, *(now - tallies[track].at for track in tracks)),
        canary_up=canary_up,
        gap=not read or any(tallies[track].gap for track in tracks),
    )


def kept(shown: JudgeInput, verdict: Verdict) -> Mapping[str, Any]:
    """Verdict and counts as JSON takes them, so that anybody can judge again."""
    return {"verdict": asdict(verdict), "seen": asdict(shown)}
