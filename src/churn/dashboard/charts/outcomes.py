"""The charts of outcomes: what the banner does, what was accepted, and whether what was said came true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from churn.dashboard.charts.drawing import BAND, EFFECT, LIMIT, LINE, NARROW, Chart, build_layer, draw
from churn.dashboard.charts.plots import Interval, draw_intervals
from churn.dashboard.report import Report
from churn.dashboard.words import format_percent, format_points, make_sentence, title_from_name
from churn.outcomes.summary import Acceptance, Estimate, Experiment, ModelQuality, OutcomeSummary

BADGES = {"keep": "it works", "hold": "not yet sure", "stop": "it harms"}
TONES = {"keep": "good", "hold": "calm", "stop": "bad"}
LEAST = 0.02  # half of the narrowest span that is shown


def report_outcomes(summary: OutcomeSummary) -> Report:
    """Report what the banner does, what was accepted, and how right each version was."""
    experiment = summary.experiment
    charts: dict[str, Any] = {
        "effect": draw_effect(experiment) if experiment.compared else None,
        "offers": draw_acceptance(summary.offers) if summary.offers else None,
        "calibrations": [draw_calibration(quality, at) for at, quality in enumerate(summary.versions, 1)],
    }
    return Report(
        topic="Outcomes",
        headline=make_sentence(experiment.reason),
        basis=f"{summary.matched:,} of {summary.known:,} known outcomes are of a logged prediction. Each subscriber "
        "counts once.",
        badge=BADGES[experiment.advice],
        tone=TONES[experiment.advice],
        body="outcomes_body.html",
        values={"summary": summary, "charts": charts},
        charts=[chart for chart in (charts["effect"], charts["offers"], *charts["calibrations"]) if chart],
    )


def draw_effect(experiment: Experiment) -> Chart:
    """The banner's effect on the share that leaves, against none."""
    effect = experiment.effect
    end = max(abs(effect.low), abs(effect.high), LEAST) * 1.15
    ends = f"between {format_points(effect.low)} and {format_points(effect.high)}"
    signed = "datum.value == 0 ? '0%' : format(datum.value, '+.2~%')"
    narrow, wide = draw_intervals(
        [
            Interval(
                "",
                effect.low,
                effect.high,
                effect.value,
                f"Surely {ends} points, {format_points(effect.value)} observed.",
            )
        ],
        domain=(-end, end),
        axis={"labelExpr": signed, "tickCount": 5},
        limit=0,
    )
    return Chart(
        name="effect",
        title="Effect on the share that leaves",
        summary=f"Treatment minus holdout, in percentage points: {format_points(effect.value)} observed, surely "
        f"{ends}. Left of the line fewer leave, right of it more.",
        columns=["", "From", "To", "Observed"],
        rows=[
            [
                "Treatment minus holdout",
                format_points(effect.low),
                format_points(effect.high),
                format_points(effect.value),
            ]
        ],
        narrow=narrow,
        wide=wide,
        keys=[("band", "surely in here"), ("effect", "observed"), ("limit", "no effect")],
    )


def draw_acceptance(offers: Sequence[Acceptance]) -> Chart:
    """Of each offer the share of those who accepted it."""
    narrow, wide = draw_intervals(
        [
            Interval(
                title_from_name(each.offer),
                each.share.low,
                each.share.high,
                each.share.value,
                _describe_estimate(each.share, each.offered),
            )
            for each in offers
        ],
        domain=(0, min(1.0, 1.1 * max(each.share.high for each in offers))),
        axis={"format": ".0%", "tickCount": 5},
    )
    return Chart(
        name="offers",
        title="Offers accepted",
        summary="Of those who were offered it and of whom it is known.",
        columns=["Offer", "Offered", "Accepted", "Share", "From", "To"],
        rows=[
            [
                title_from_name(each.offer),
                f"{each.offered:,}",
                f"{each.accepted:,}",
                *map(format_percent, _list_ends(each.share)),
            ]
            for each in offers
        ],
        narrow=narrow,
        wide=wide,
        keys=[("band", "95 % interval"), ("effect", "observed")],
    )


def draw_calibration(quality: ModelQuality, at: int) -> Chart:
    """What was said of those in each tenth, and how many of them left.

    Args:
        quality: of one version.
        at: its number on the page.
    """
    rows = [
        {
            "said": each.mean_predicted,
            "value": each.left.value,
            "low": each.left.low,
            "high": each.left.high,
            "tip": _describe_estimate(each.left, each.count),
        }
        for each in quality.calibration
    ]
    axis = {"format": ".0%", "values": [0, 0.25, 0.5, 0.75, 1]}
    scale = {"domain": [0, 1], "nice": False}
    x = {"field": "said", "type": "quantitative", "scale": scale, "axis": {**axis, "title": "said"}}
    y = {"type": "quantitative", "scale": scale, "axis": {**axis, "title": "left"}}
    diagonal = [{"said": end, "value": end} for end in (0, 1)]
    line = {"type": "line", "color": LIMIT, "strokeWidth": 1.5, "strokeDash": [5, 4]}
    spec = {
        "layer": [
            build_layer(diagonal, line, x=x, y={"field": "value", **y}),
            build_layer(
                rows,
                {"type": "rule", "color": BAND, "strokeWidth": 10},
                x=x,
                y={"field": "low", **y},
                y2={"field": "high"},
            ),
            build_layer(rows, {"type": "line", "color": LINE, "strokeWidth": 1.5}, x=x, y={"field": "value", **y}),
            build_layer(
                rows,
                {"type": "point", "filled": True, "size": 60, "color": EFFECT, "opacity": 1},
                x=x,
                y={"field": "value", **y},
                description="tip:N",
            ),
        ]
    }
    return Chart(
        name=f"calibration-{at}",
        title=f"Calibration of {quality.version}",
        summary=f"On the dashed line as many leave as was said. Mean distance from it: "
        f"{format_points(quality.calibration_error).lstrip('+')} points.",
        columns=["Said", "Left", "From", "To", "Subscribers"],
        rows=[
            [
                format_percent(each.mean_predicted, 1),
                *(format_percent(end, 1) for end in _list_ends(each.left)),
                f"{each.count:,}",
            ]
            for each in quality.calibration
        ],
        narrow=draw(spec, width=NARROW, height=250),
        keys=[("band", "95 % interval"), ("effect", "observed"), ("limit", "as said")],
    )


def _describe_estimate(found: Estimate, count: int) -> str:
    value, low, high = _list_ends(found)
    return f"{format_percent(value, 1)} of {count:,}, {format_percent(low, 1)} to {format_percent(high, 1)}"


def _list_ends(found: Estimate) -> tuple[float, float, float]:
    return found.value, found.low, found.high
