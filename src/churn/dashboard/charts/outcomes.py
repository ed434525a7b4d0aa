"""Draw outcomes: what the banner does, what was accepted, and whether the predictions came true."""

from collections.abc import Sequence
from typing import Any

from churn.dashboard.charts.drawing import BAND, EFFECT, LIMIT, LINE, NARROW, Chart, Drawing, build_layer, draw
from churn.dashboard.charts.plots import Interval, draw_intervals
from churn.dashboard.report import Report
from churn.dashboard.words import format_percent, format_points, make_sentence, title_from_name
from churn.learning.effect_report import EffectReport, MeasuredEffect
from churn.outcomes.estimates import Estimate
from churn.outcomes.experiment import Experiment
from churn.outcomes.quality import ModelQuality
from churn.outcomes.summary import Acceptance, OutcomeSummary

BADGES = {"keep": "it works", "hold": "not yet sure", "stop": "it harms"}
TONES = {"keep": "good", "hold": "calm", "stop": "bad"}
LEAST = 0.02  # half of the narrowest span that is shown


def report_outcomes(summary: OutcomeSummary, effects: EffectReport | None = None) -> Report:
    """Report what the banner does, each offer and each segment, what was accepted, and how right each version was."""
    experiment = summary.experiment
    whole = [effects.banner] if effects and effects.banner else []
    offers, segments = (list(effects.offers), list(effects.segments)) if effects else ([], [])
    measured = [(write_name(own.name), own) for own in (*whole, *offers, *segments)]
    charts: dict[str, Any] = {
        "effect": draw_effect(experiment) if experiment.is_comparable else None,
        "offers": draw_acceptance(summary.offers) if summary.offers else None,
        "by_offer": draw_effects("by-offer", "Effect of each offer on the share that leaves", [*whole, *offers]),
        "by_segment": draw_effects("by-segment", "Effect of the banner in each segment", [*whole, *segments]),
        "calibrations": [draw_calibration(quality, at) for at, quality in enumerate(summary.versions, 1)],
    }
    return Report(
        topic="Outcomes",
        headline=make_sentence(experiment.reason),
        basis=f"{summary.matched:,} of {summary.known:,} known outcomes are of a logged prediction. Each subscriber "
        f"counts once.{_describe_young(summary)}",
        warning=" ".join(filter(None, [summary.describe_missing(), summary.describe_unwatched()])),
        badge=BADGES[experiment.advice],
        tone=TONES[experiment.advice],
        body="outcomes_body.html",
        values={"summary": summary, "charts": charts, "effects": effects, "measured": measured},
        charts=[
            chart
            for chart in (
                *(charts[name] for name in ("effect", "by_offer", "by_segment", "offers")),
                *charts["calibrations"],
            )
            if chart
        ],
    )


def draw_effects(name: str, title: str, measured: Sequence[MeasuredEffect]) -> Chart | None:
    """Draw effects on leaving below each other, against none; None if nothing is known but of the banner as a whole."""
    drawn = [(own, own.effect) for own in measured if own.effect]
    if len(drawn) <= 1:
        return None
    end = min(max(max(abs(effect.low), abs(effect.high)) for _, effect in drawn) * 1.05, 1.0)
    drawing = draw_intervals(
        [
            Interval(write_name(own.name), effect.low, effect.high, effect.value, describe_effect(effect))
            for own, effect in drawn
        ],
        domain=(-end, end),
        axis={"labelExpr": "datum.value == 0 ? '0%' : format(datum.value, '+.2~%')", "tickCount": 5},
        limit=0,
    )
    return Chart(
        name=name,
        title=title,
        summary="In percentage points, against those who were shown nothing. Left of the line fewer leave, right of it "
        "more.",
        columns=["", "Shown", "Held out", "From", "To", "Observed"],
        rows=[
            [write_name(own.name), f"{own.shown:,}", f"{own.held_out:,}", low, high, value]
            for own, effect in drawn
            for value, low, high in [effect.describe(format_points)]
        ],
        drawing=drawing,
        keys=[("band", "surely in here"), ("effect", "observed"), ("limit", "no effect")],
    )


def write_name(name: str) -> str:
    """Write the name of an offer or a segment as a title."""
    return title_from_name(name)


def describe_effect(effect: Estimate) -> str:
    """Say between which points an effect surely lies."""
    value, low, high = effect.describe(format_points)
    return f"Surely between {low} and {high} points, {value} observed."


def _describe_young(summary: OutcomeSummary) -> str:
    if not summary.too_young:
        return ""
    return f" {summary.too_young:,} are not old enough yet: one waits {summary.horizon_days} days after a prediction."


def draw_effect(experiment: Experiment) -> Chart:
    """Draw the banner's effect on the share that leaves, against none."""
    effect = experiment.effect
    end = max(abs(effect.low), abs(effect.high), LEAST) * 1.15
    value, low, high = effect.describe(format_points)
    drawing = draw_intervals(
        [Interval("", effect.low, effect.high, effect.value, describe_effect(effect))],
        domain=(-end, end),
        axis={"labelExpr": "datum.value == 0 ? '0%' : format(datum.value, '+.2~%')", "tickCount": 5},
        limit=0,
    )
    return Chart(
        name="effect",
        title="Effect on the share that leaves",
        summary=f"Treatment minus holdout, in percentage points: {value} observed, surely between {low} and {high}. "
        "Left of the line fewer leave, right of it more.",
        columns=["", "From", "To", "Observed"],
        rows=[["Treatment minus holdout", low, high, value]],
        drawing=drawing,
        keys=[("band", "surely in here"), ("effect", "observed"), ("limit", "no effect")],
    )


def draw_acceptance(offers: Sequence[Acceptance]) -> Chart:
    """Draw the share that accepted each offer."""
    names = [title_from_name(offer.offer) for offer in offers]
    shares = [offer.share for offer in offers]
    drawing = draw_intervals(
        [
            Interval(name, share.low, share.high, share.value, _describe_estimate(share, offer.offered))
            for name, share, offer in zip(names, shares, offers, strict=True)
        ],
        domain=(0, min(1.0, 1.1 * max(share.high for share in shares))),
        axis={"format": ".0%", "tickCount": 5},
    )
    return Chart(
        name="offers",
        title="Offers accepted",
        summary="Of those who were offered it and of whom it is known.",
        columns=["Offer", "Offered", "Accepted", "Share", "From", "To"],
        rows=[
            [name, f"{offer.offered:,}", f"{offer.accepted:,}", *offer.share.describe(format_percent)]
            for name, offer in zip(names, offers, strict=True)
        ],
        drawing=drawing,
        keys=[("band", "95 % interval"), ("effect", "observed")],
    )


def draw_calibration(quality: ModelQuality, at: int) -> Chart:
    """Draw the predicted share of each tenth, and the share that left.

    Args:
        quality: of one version.
        at: its number on the page.
    """
    rows = [
        {
            "said": tenth.mean_predicted,
            "tip": _describe_estimate(tenth.left, tenth.count),
            "value": tenth.left.value,
            "low": tenth.left.low,
            "high": tenth.left.high,
        }
        for tenth in quality.calibration
    ]
    axis = {"format": ".0%", "values": [0, 0.25, 0.5, 0.75, 1]}
    scale = {"domain": [0, 1], "nice": False}
    x = {"field": "said", "type": "quantitative", "scale": scale, "axis": {**axis, "title": "said"}}
    y = {"type": "quantitative", "scale": scale, "axis": {**axis, "title": "left"}}
    value = {"field": "value", **y}
    diagonal = [{"said": end, "value": end} for end in (0, 1)]
    dashes = {"type": "line", "color": LIMIT, "strokeWidth": 1.5, "strokeDash": [5, 4]}
    band = {"type": "rule", "color": BAND, "strokeWidth": 10}
    line = {"type": "line", "color": LINE, "strokeWidth": 1.5}
    point = {"type": "point", "filled": True, "size": 60, "color": EFFECT, "opacity": 1}
    layers = [
        build_layer(diagonal, dashes, x=x, y=value),
        build_layer(rows, band, x=x, y={"field": "low", **y}, y2={"field": "high"}),
        build_layer(rows, line, x=x, y=value),
        build_layer(rows, point, x=x, y=value, description="tip:N"),
    ]
    return Chart(
        name=f"calibration-{at}",
        title=f"Calibration of {quality.version}",
        summary=f"On the dashed line as many leave as was said. Mean distance from it: "
        f"{format_points(quality.calibration_error).lstrip('+')} points.",
        columns=["Said", "Left", "From", "To", "Subscribers"],
        rows=[
            [format_percent(tenth.mean_predicted, 1), *tenth.left.describe(_write_share), f"{tenth.count:,}"]
            for tenth in quality.calibration
        ],
        drawing=Drawing(draw(layers, width=NARROW, height=250)),
        keys=[("band", "95 % interval"), ("effect", "observed"), ("limit", "as said")],
    )


def _describe_estimate(estimate: Estimate, count: int) -> str:
    value, low, high = estimate.describe(_write_share)
    return f"{value} of {count:,}, {low} to {high}"


def _write_share(share: float) -> str:
    return format_percent(share, 1)
