"""All that the page and the report of a rollout show."""

from __future__ import annotations

from typing import Any

from churn.dashboard.rollout_charts import (
    check_chart,
    latency_chart,
    reason_chart,
    score_chart,
    top_sets,
    weights_chart,
)
from churn.dashboard.rollouts import Moment
from churn.dashboard.words import told


def rollout_view(moment: Moment, now: float) -> dict[str, Any]:
    """The values of `rollout.html` and `report.html`."""
    course = moment.course
    last = course.last
    checks = [(found, check_chart(found, looks, at)) for at, (found, looks) in enumerate(course.checks(), 1)]
    answered = bool(last and (last.stable.requests or last.canary.requests))
    return {
        "moment": moment,
        "course": course,
        "rollout": course.rollout,
        "now": now,
        "told": told(moment, now),
        "last": last,
        "weights": weights_chart(course, now),
        "checks": checks,
        "distributions": [chart(last.stable, last.canary) for chart in (score_chart, latency_chart)]
        if last and answered
        else [],
        "reasons": reason_chart(last.stable, last.canary) if last and answered and last.canary.top_features else None,
        "sets": top_sets(last.stable, last.canary) if last and answered else [],
        "events": course.told(),
    }
