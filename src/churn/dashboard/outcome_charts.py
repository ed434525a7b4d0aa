"""The charts of outcomes: what the banner does, what was accepted, and whether what was said came true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from churn.dashboard.drawing import BAND, EFFECT, LIMIT, LINE, NARROW, WIDE, Chart, draw, layer, rule
from churn.dashboard.figures import named, percent, points
from churn.dashboard.outcomes import Outcomes
from churn.outcomes.readout import Acceptance, Estimate, Experiment, Quality

ROW, AXIS = 34, 58  # pixels of a row, and of all around them
LEAST = 0.02  # half of the narrowest span that is shown


def outcome_charts(found: Outcomes) -> dict[str, Any]:
    """What `outcomes_body.html` shows beside the figures themselves."""
    readout = found.readout
    return {
        "effect": effect_chart(readout.experiment) if readout.experiment.compared else None,
        "offers": offer_chart(readout.offers) if readout.offers else None,
        "calibrations": [calibration_chart(each, at) for at, each in enumerate(readout.versions, 1)],
    }


def effect_chart(experiment: Experiment) -> Chart:
    """The banner's effect on the share that leaves, against none."""
    effect = experiment.effect
    end = max(abs(effect.low), abs(effect.high), LEAST) * 1.15
    tip = f"Between {points(effect.low)} and {points(effect.high)} points, {points(effect.value)} observed."
    scale = {"domain": [-end, end], "nice": False}
    signed = "datum.value == 0 ? '0%' : format(datum.value, '+.2~%')"
    x = {"type": "quantitative", "scale": scale, "axis": {"labelExpr": signed, "tickCount": 5, "title": None}}
    rows = [{"low": effect.low, "high": effect.high, "value": effect.value, "tip": tip}]
    band = {"type": "rule", "color": BAND, "strokeWidth": 22}
    spec = {
        "layer": [
            layer(rows, band, x={"field": "low", **x}, x2={"field": "high"}, description="tip:N"),
            rule(x={"datum": 0, "type": "quantitative"}),
            layer(rows, {"type": "tick", "color": EFFECT, "thickness": 3, "size": 30}, x={"field": "value", **x}),
        ]
    }
    return Chart(
        name="effect",
        title="Effect on the share that leaves",
        summary=f"Treatment minus holdout, in percentage points: {points(effect.value)} observed, surely between "
        f"{points(effect.low)} and {points(effect.high)}. Left of the line fewer leave, right of it more.",
        columns=["", "From", "To", "Observed"],
        rows=[["Treatment minus holdout", points(effect.low), points(effect.high), points(effect.value)]],
        narrow=draw(spec, width=NARROW, height=90),
        wide=draw(spec, width=WIDE, height=90),
        keys=[("band", "surely in here"), ("effect", "observed"), ("limit", "no effect")],
    )


def offer_chart(offers: Sequence[Acceptance]) -> Chart:
    """Of each offer the share of those who accepted it."""
    rows = [_interval_row(each.share, name=named(each.offer), of=f"{each.offered:,}") for each in offers]
    longest = max(len(str(row["name"])) for row in rows)
    y = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "axis": {"title": None, "domain": False, "ticks": False, "labelLimit": 170, "minExtent": 6.4 * longest},
    }
    scale = {"domain": [0, min(1.0, 1.1 * max(each.share.high for each in offers))], "nice": False}
    x = {"type": "quantitative", "scale": scale, "axis": {"format": ".0%", "tickCount": 5, "title": None}}
    spec = {
        "layer": [
            layer(
                rows,
                {"type": "rule", "color": BAND, "strokeWidth": 12},
                x={"field": "low", **x},
                x2={"field": "high"},
                y=y,
                description="tip:N",
            ),
            layer(rows, {"type": "tick", "color": EFFECT, "thickness": 3, "size": 18}, x={"field": "value", **x}, y=y),
        ]
    }
    height = ROW * len(rows) + AXIS
    return Chart(
        name="offers",
        title="Offers accepted",
        summary="Of those who were offered it and of whom it is known.",
        columns=["Offer", "Offered", "Accepted", "Share", "From", "To"],
        rows=[
            [named(each.offer), f"{each.offered:,}", f"{each.accepted:,}", *map(percent, _ends(each.share))]
            for each in offers
        ],
        narrow=draw(spec, width=NARROW, height=height),
        wide=draw(spec, width=WIDE, height=height),
        keys=[("band", "95 % interval"), ("effect", "observed")],
    )


def calibration_chart(quality: Quality, at: int) -> Chart:
    """What was said of those in each tenth, and how many of them left.

    Args:
        quality: of one version.
        at: its number on the page.
    """
    rows = [_interval_row(each.left, said=each.mean_predicted, of=f"{each.count:,}") for each in quality.calibration]
    axis = {"format": ".0%", "values": [0, 0.25, 0.5, 0.75, 1]}
    scale = {"domain": [0, 1], "nice": False}
    x = {"field": "said", "type": "quantitative", "scale": scale, "axis": {**axis, "title": "said"}}
    y = {"type": "quantitative", "scale": scale, "axis": {**axis, "title": "left"}}
    diagonal = [{"said": end, "value": end} for end in (0, 1)]
    line = {"type": "line", "color": LIMIT, "strokeWidth": 1.5, "strokeDash": [5, 4]}
    spec = {
        "layer": [
            layer(diagonal, line, x=x, y={"field": "value", **y}),
            layer(
                rows,
                {"type": "rule", "color": BAND, "strokeWidth": 10},
                x=x,
                y={"field": "low", **y},
                y2={"field": "high"},
            ),
            layer(rows, {"type": "line", "color": LINE, "strokeWidth": 1.5}, x=x, y={"field": "value", **y}),
            layer(
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
        f"{points(quality.calibration_error).lstrip('+')} points.",
        columns=["Said", "Left", "From", "To", "Subscribers"],
        rows=[
            [percent(each.mean_predicted, 1), *(percent(end, 1) for end in _ends(each.left)), f"{each.count:,}"]
            for each in quality.calibration
        ],
        narrow=draw(spec, width=NARROW, height=250),
        keys=[("band", "95 % interval"), ("effect", "observed"), ("limit", "as said")],
    )


def _interval_row(found: Estimate, *, of: str, **more: Any) -> dict[str, Any]:
    value, low, high = _ends(found)
    tip = f"{percent(value, 1)} of {of}, {percent(low, 1)} to {percent(high, 1)}"
    return {"value": value, "low": low, "high": high, "tip": tip, **more}


def _ends(found: Estimate) -> tuple[float, float, float]:
    return found.value, found.low, found.high
