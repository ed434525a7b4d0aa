"""What the judge is given of a rollout, and the evidence that is stored with its verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from churn.judging.counts import Counts
from churn.judging.judge import JudgeInput, Verdict
from churn.rollout.routers.router import TRACKS, Track
from churn.rollout.state import Rollout, State, TrackCounts


def choose_stable_counts(rollout: Rollout) -> Counts:
    """Return what the stable version answered in this step; in the bake, in the step before."""
    stable = rollout.counts.get("stable")
    return stable.total if stable and rollout.state != State.BAKING else rollout.stable_before


def build_judge_input(
    rollout: Rollout, counts: TrackCounts, now: float, *, canary_up: bool, complete: bool
) -> JudgeInput:
    """Build the judge's input from what both tracks have answered in this step, at `now` in seconds since 1970."""
    # In the bake the stable version gets no requests, so its figures may be old.
    tracks: tuple[Track, ...] = ("canary",) if rollout.state == State.BAKING else TRACKS
    return JudgeInput(
        stable=rollout.stable_before if rollout.state == State.BAKING else counts["stable"].total,
        canary=counts["canary"].total,
        weight=rollout.weight_percent,
        earlier=counts["stable"].earlier,
        age_s=max(0.0, *(now - counts[track].at for track in tracks)),
        canary_up=canary_up,
        gap=not complete or any(counts[track].gap for track in tracks),
    )


def build_evidence(judge_input: JudgeInput, verdict: Verdict) -> Mapping[str, Any]:
    """Return verdict and counts as JSON values, so that anybody can judge again."""
    return {"verdict": asdict(verdict), "seen": asdict(judge_input)}
