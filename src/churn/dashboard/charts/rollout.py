"""Draw a rollout: its weights, each check over time, and what both versions answered."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from churn.businesses import find_specs
from churn.dashboard.charts.answers import draw_latency, draw_reasons, draw_scores, list_top_sets
from churn.dashboard.charts.drawing import (
    BAND,
    CANARY,
    EFFECT,
    LINE,
    NARROW,
    SOFT,
    Chart,
    Drawing,
    build_layer,
    build_rule,
    draw,
    draw_both,
)
from churn.dashboard.history import History, Observation, RecordedFinding, thin_out
from churn.dashboard.report import Report
from churn.dashboard.rollouts import Snapshot
from churn.dashboard.summary import describe_last_look, summarize_rollout
from churn.dashboard.words import format_points, format_short_time, title_from_name

MS = 1000
MOST_ROWS = 12
CLOCK, DAY = "%H:%M", "%-d %b"
TIMES = {
    "seconds": "%H:%M:%S",
    **dict.fromkeys(("minutes", "hours"), CLOCK),
    **dict.fromkeys(("day", "date", "week", "month", "quarter", "year"), DAY),
}
TIME = {
    "field": "at",
    "type": "temporal",
    "scale": {"type": "utc", "nice": False},
    "axis": {"title": None, "tickCount": 4, "labelFlush": True, "format": TIMES},
}
STANDING_WORDS = {"within": "surely within", "unsure": "not yet sure", "outside": "surely outside"}


def report_rollout(snapshot: Snapshot, now: float) -> Report:
    """Report all that the page of a rollout shows.

    Args:
        snapshot: of the rollout.
        now: in seconds since 1970.
    """
    history = snapshot.history
    rollout, last, summary = history.rollout, history.last, summarize_rollout(snapshot, now)
    labels = {name: spec.label for name, spec in find_specs(rollout.setup.contract).items()}
    weights = draw_weights(history, now)
    checks = draw_checks(history.observations)
    answers: dict[str, Any] = {"distributions": [], "reasons": None, "sets": []}
    if last and (last.stable.requests or last.canary.requests):
        both_counts = (last.stable, last.canary)
        answers = {
            "distributions": [draw_scores(*both_counts), draw_latency(*both_counts)],
            "reasons": draw_reasons(*both_counts, labels) if last.canary.top_features else None,
            "sets": list_top_sets(*both_counts, labels),
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
            "last_look": describe_last_look(rollout, now),
            "last": last,
            "weights": weights,
            "checks": checks,
            "events": history.merged_events(),
            **answers,
        },
        charts=[chart for chart in drawn if chart],
    )


def draw_weights(history: History, now: float) -> Chart:
    """Draw the canary's share over time, and the planned one."""
    taken, planned = history.weights(now), history.planned(now)
    y = {
        "field": "weight",
        "type": "quantitative",
        "scale": {"domain": [0, 100]},
        "axis": {"values": [0, 10, 50, 100], "title": "% of requests"},
    }

    tips = [
        {"at": at * MS, "weight": weight, "tip": f"{format_short_time(at)}: the canary gets {weight} %"}
        for (_, before), (at, weight) in pairwise(taken)
        if weight != before
    ]
    taken_rows, planned_rows = ([{"at": at * MS, "weight": weight} for at, weight in line] for line in (taken, planned))
    steps = {"interpolate": "step-after"}
    area = {"type": "area", "color": CANARY, "fillOpacity": 0.22} | steps
    line = {"type": "line", "color": CANARY, "strokeWidth": 2.5} | steps
    dashes = line | {"color": SOFT, "strokeWidth": 1.5, "strokeDash": [3, 4]}
    point = {"type": "point", "filled": True, "size": 90, "color": CANARY}
    layers = [
        build_layer(taken_rows, area, x=TIME, y=y),
        build_layer(taken_rows, line, x=TIME, y=y),
        build_layer(planned_rows, dashes, x=TIME, y=y),
        build_layer(tips, point, x=TIME, y=y, description="tip:N"),
    ]
    last = taken[-1][1]
    return Chart(
        name="weights",
        title="Weights over time",
        summary=f"The canary's share of the requests since {format_short_time(taken[0][0])} UTC; now {last} %.",
        columns=["From (UTC)", "Canary", "Stable"],
        rows=[[format_short_time(at), f"{weight} %", f"{100 - weight} %"] for at, weight in taken[:-1]],
        drawing=draw_both(layers, height=170),
        keys=[("canary", "canary's share"), *([("planned", "planned, at the earliest")] if planned else [])],
    )


@lru_cache(maxsize=64)
def draw_checks(observations: tuple[Observation, ...]) -> list[tuple[RecordedFinding, Chart | None]]:
    """Draw what each check of the last findings found at every observation."""
    findings = next((look.findings for look in reversed(observations) if look.findings), ())
    return [
        (
            latest,
            draw_check(
                latest, [(look, own) for look in observations for own in look.findings if own.check == latest.check], at
            ),
        )
        for at, latest in enumerate(findings, 1)
    ]


def draw_check(latest: RecordedFinding, looks: Sequence[tuple[Observation, RecordedFinding]], at: int) -> Chart | None:
    """Draw one check's confidence sequence against its tolerance; None if nothing was counted yet.

    Args:
        latest: what the check found last.
        looks: what it found at each observation, oldest first.
        at: its number on the page.
    """
    known = [
        (look, finding, finding.low, finding.high)
        for look, finding in looks
        if finding.low is not None and finding.high is not None
    ]
    if not known:
        return None
    tolerance = latest.tolerance
    _, last, last_low, last_high = known[-1]
    top = max(2.2 * tolerance, 1.3 * max(last.effect or 0.0, last_low))
    bottom = min(0.0, max(-1.5 * tolerance, min(low for _, _, low, _ in known)))

    def clip(value: float) -> float:
        return min(max(value, bottom), top)

    rows = [
        {
            "at": look.at * MS,
            "low": clip(low),
            "high": clip(high),
            "effect": clip(finding.effect or 0.0),
            "step": look.step,
            "tip": f"{format_short_time(look.at)}, at {look.weight_percent} %: between {format_points(low)} and "
            f"{format_points(high)} points, {format_points(finding.effect)} observed. "
            f"{STANDING_WORDS[finding.standing].capitalize()}.",
        }
        for look, finding, low, high in known
    ]
    scale = {"domain": [bottom, top], "nice": False, "zero": False}
    y = {"type": "quantitative", "scale": scale, "axis": {"format": "+.2~%", "tickCount": 4, "title": None}}
    effect, step = {"field": "effect", **y}, {"field": "step", "type": "nominal"}
    band = {"type": "area", "color": BAND}
    line = {"type": "line", "color": EFFECT, "strokeWidth": 2}
    unseen = {"type": "rule", "color": EFFECT, "strokeWidth": max(4, NARROW / len(rows)), "opacity": 0}
    layers = [
        build_layer(rows, band, x=TIME, y={"field": "high", **y}, y2={"field": "low"}, detail=step),
        build_rule(color=LINE, dashed=False, y={"datum": 0, "type": "quantitative"}),
        build_layer(rows, line, x=TIME, y=effect, detail=step),
        build_rule(y={"datum": tolerance, "type": "quantitative"}),
        build_layer(rows, unseen, x=TIME, description="tip:N"),
    ]
    shown = {id(look) for look in thin_out([look for look, *_ in known], MOST_ROWS)}
    return Chart(
        name=f"check-{at}",
        title=title_from_name(latest.check),
        summary=f"{format_points(last_low)} to {format_points(last_high)} percentage points at the last look, "
        f"{format_points(tolerance)} tolerated: {STANDING_WORDS[latest.standing]}.",
        columns=["Look (UTC)", "Share", "From", "To", "Observed"],
        rows=[
            [format_short_time(look.at), f"{look.weight_percent} %", *map(format_points, (low, high, finding.effect))]
            for look, finding, low, high in reversed(known)
            if id(look) in shown
        ],
        drawing=Drawing(draw(layers, width=NARROW, height=178)),
    )
