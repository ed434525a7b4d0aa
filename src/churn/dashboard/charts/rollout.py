"""Draw a rollout: its weights, each check over time, and what both versions answered."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from churn.dashboard.charts.answers import draw_latency, draw_reasons, draw_scores, list_top_sets
from churn.dashboard.charts.drawing import (
    BAND,
    CANARY,
    EFFECT,
    LINE,
    NARROW,
    SOFT,
    Chart,
    build_layer,
    build_rule,
    draw,
    draw_both,
)
from churn.dashboard.history import History, Observation, RecordedFinding, thin_out
from churn.dashboard.report import Report
from churn.dashboard.rollouts import Snapshot
from churn.dashboard.summary import summarize_rollout
from churn.dashboard.words import format_points, format_short_time, title_from_name

MS = 1000
MOST_ROWS = 24
CLOCK, DAY = "%H:%M", "%-d %b"
TIMES = {
    "seconds": "%H:%M:%S",
    "minutes": CLOCK,
    "hours": CLOCK,
    "day": DAY,
    "date": DAY,
    "week": DAY,
    "month": DAY,
    "quarter": DAY,
    "year": DAY,
}
TIME_AXIS = {"title": None, "tickCount": 4, "labelFlush": True, "format": TIMES}
STANDING_WORDS = {"within": "surely within", "unsure": "not yet sure", "outside": "surely outside"}


def report_rollout(snapshot: Snapshot, now: float) -> Report:
    """Report all that the page of a rollout shows.

    Args:
        snapshot: of the rollout.
        now: in seconds since 1970.
    """
    history = snapshot.history
    rollout, last, summary = history.rollout, history.last, summarize_rollout(snapshot, now)
    weights = draw_weights(history, now)
    checks = [(finding, draw_check(finding, looks, at)) for at, (finding, looks) in enumerate(history.checks(), 1)]
    answers: dict[str, Any] = {"distributions": [], "reasons": None, "sets": []}
    if last and (last.stable.requests or last.canary.requests):
        both_counts = (last.stable, last.canary)
        answers = {
            "distributions": [draw_scores(*both_counts), draw_latency(*both_counts)],
            "reasons": draw_reasons(*both_counts) if last.canary.top_features else None,
            "sets": list_top_sets(*both_counts),
        }
    drawn = [weights, *(chart for _, chart in checks), *answers["distributions"], answers["reasons"]]
    return Report(
        topic=f"Rollout {rollout.number} of {rollout.service}",
        headline=f"{rollout.stable} → {rollout.canary}",
        badge=summary.badge,
        tone=summary.tone,
        body="rollout_body.html",
        values={
            "snapshot": snapshot,
            "history": history,
            "rollout": rollout,
            "now": now,
            "summary": summary,
            "last": last,
            "weights": weights,
            "checks": checks,
            "events": history.merged_events(),
            **answers,
        },
        charts=[chart for chart in drawn if chart],
    )


def draw_weights(history: History, now: float) -> Chart:
    """The canary's share over time, and what is planned."""
    taken, planned = history.weights(now), history.planned(now)
    x = {"field": "at", "type": "temporal", "scale": {"type": "utc", "nice": False}, "axis": TIME_AXIS}
    y = {
        "field": "weight",
        "type": "quantitative",
        "scale": {"domain": [0, 100]},
        "axis": {"values": [0, 10, 50, 100], "title": "% of requests"},
    }

    def rows(shares: Sequence[tuple[float, int]]) -> list[dict[str, object]]:
        return [{"at": at * MS, "weight": weight} for at, weight in shares]

    tips = [
        {"at": at * MS, "weight": weight, "tip": f"{format_short_time(at)}: the canary gets {weight} %"}
        for (_, before), (at, weight) in pairwise(taken)
        if weight != before
    ]
    steps = {"interpolate": "step-after"}
    area = {"type": "area", "color": CANARY, "fillOpacity": 0.22} | steps
    line = {"type": "line", "color": CANARY, "strokeWidth": 2.5} | steps
    spec = {
        "layer": [
            build_layer(rows(taken), area, x=x, y=y),
            build_layer(rows(taken), line, x=x, y=y),
            build_layer(rows(planned), line | {"color": SOFT, "strokeWidth": 1.5, "strokeDash": [3, 4]}, x=x, y=y),
            build_layer(
                tips, {"type": "point", "filled": True, "size": 90, "color": CANARY}, x=x, y=y, description="tip:N"
            ),
        ]
    }
    narrow, wide = draw_both(spec, height=170)
    last = taken[-1][1]
    return Chart(
        name="weights",
        title="Weights over time",
        summary=f"The canary's share of the requests since {format_short_time(taken[0][0])} UTC; now {last} %.",
        columns=["From (UTC)", "Canary", "Stable"],
        rows=[[format_short_time(at), f"{weight} %", f"{100 - weight} %"] for at, weight in taken[:-1]],
        narrow=narrow,
        wide=wide,
        keys=[("canary", "canary's share"), *([("planned", "planned, at the earliest")] if planned else [])],
    )


def draw_check(latest: RecordedFinding, found: Sequence[tuple[Observation, RecordedFinding]], at: int) -> Chart | None:
    """One check's confidence sequence against its tolerance; None if nothing was counted yet.

    Args:
        latest: as it was found last.
        found: at each observation, oldest first.
        at: its number on the page.
    """
    known = [(each, one, one.low, one.high) for each, one in found if one.low is not None and one.high is not None]
    if not known:
        return None
    tolerance = latest.tolerance
    ends = [end for _, one, low, _ in known[-1:] for end in (one.effect or 0.0, low)]
    top = max(2.2 * tolerance, 1.3 * max(ends))
    bottom = min(0.0, max(-1.5 * tolerance, min(low for _, _, low, _ in known)))

    def inside(value: float) -> float:
        return min(max(value, bottom), top)

    rows = [
        {
            "at": observation.at * MS,
            "low": inside(low),
            "high": inside(high),
            "effect": inside(one.effect or 0.0),
            "step": observation.step,
            "tip": f"{format_short_time(observation.at)}, at {observation.weight_percent} %: "
            f"between {format_points(low)} and {format_points(high)} points, {format_points(one.effect)} observed. "
            f"{STANDING_WORDS[one.standing].capitalize()}.",
        }
        for observation, one, low, high in known
    ]
    x = {"field": "at", "type": "temporal", "scale": {"type": "utc", "nice": False}, "axis": TIME_AXIS}
    scale = {"domain": [bottom, top], "nice": False, "zero": False}
    y = {"type": "quantitative", "scale": scale, "axis": {"format": "+.2~%", "tickCount": 4, "title": None}}
    step = {"field": "step", "type": "nominal"}
    spec = {
        "layer": [
            build_layer(
                rows,
                {"type": "area", "color": BAND, "interpolate": "monotone"},
                x=x,
                y={"field": "high", **y},
                y2={"field": "low"},
                detail=step,
            ),
            build_rule(color=LINE, dashed=False, y={"datum": 0, "type": "quantitative"}),
            build_layer(
                rows, {"type": "line", "color": EFFECT, "strokeWidth": 2}, x=x, y={"field": "effect", **y}, detail=step
            ),
            build_rule(y={"datum": tolerance, "type": "quantitative"}),
            build_layer(
                rows,
                {"type": "rule", "color": EFFECT, "strokeWidth": max(4, NARROW / len(rows)), "opacity": 0},
                x=x,
                description="tip:N",
            ),
        ]
    }
    return Chart(
        name=f"check-{at}",
        title=title_from_name(latest.check),
        summary=f"{format_points(known[-1][2])} to {format_points(known[-1][3])} percentage points at the last look, "
        f"{format_points(tolerance)} tolerated: {STANDING_WORDS[latest.standing]}.",
        columns=["Look (UTC)", "Share", "From", "To", "Observed"],
        rows=[
            [
                format_short_time(each.at),
                f"{each.weight_percent} %",
                format_points(low),
                format_points(high),
                format_points(one.effect),
            ]
            for each, one, low, high in reversed(_thin_out_rows(known))
        ],
        narrow=draw(spec, width=NARROW, height=178),
    )


def _thin_out_rows(
    known: Sequence[tuple[Observation, RecordedFinding, float, float]],
) -> list[tuple[Observation, RecordedFinding, float, float]]:
    kept = {id(each) for each in thin_out([observation for observation, *_ in known], MOST_ROWS)}
    return [row for row in known if id(row[0]) in kept]
