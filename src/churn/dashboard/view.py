"""All that the page and the report of a rollout show."""

from __future__ import annotations

from typing import Any

from churn.dashboard.charts.rollout import (
    check_chart,
    latency_chart,
    reason_chart,
    score_chart,
    top_sets,
    weights_chart,
)
from churn.dashboard.rollouts import Snapshot
from churn.dashboard.summary import summarize


def rollout_view(snapshot: Snapshot, now: float) -> dict[str, Any]:
    """The values of `rollout.html` and `report.html`."""
    history = snapshot.history
    last = history.last
    checks = [
        (found, check_chart(found, observations, at)) for at, (found, observations) in enumerate(history.checks(), 1)
    ]
    answered = bool(last and (last.stable.requests or last.canary.requests))
    return {
        "snapshot": snapshot,
        "history": history,
        "rollout": history.rollout,
        "now": now,
        "summary": summarize(snapshot, now),
        "last": last,
        "weights": weights_chart(history, now),
        "checks": checks,
        "distributions": [chart(last.stable, last.canary) for chart in (score_chart, latency_chart)]
        if last and answered
        else [],
        "reasons": reason_chart(last.stable, last.canary) if last and answered and last.canary.top_features else None,
        "sets": top_sets(last.stable, last.canary) if last and answered else [],
        "events": history.merged_events(),
    }
