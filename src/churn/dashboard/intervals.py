"""Charts of intervals, one row each: where something surely lies, and what was observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from churn.dashboard.drawing import BAND, EFFECT, NARROW, WIDE, draw, layer, rule

ROW, AXIS = 34, 56  # pixels of a row, and of all around them
LETTER = 6.4  # wide, about


@dataclass(frozen=True)
class Interval:
    """One row.

    Args:
        name: stands before it.
        low, high: where it surely lies.
        value: what was observed.
        tip: all of that in words.
    """

    name: str
    low: float
    high: float
    value: float
    tip: str


def drawn_intervals(
    intervals: Sequence[Interval],
    *,
    domain: tuple[float, float],
    axis: Mapping[str, Any],
    limit: float | None = None,
) -> tuple[Markup, Markup]:
    """Narrow and wide.

    Args:
        intervals: from top to bottom.
        domain: the span that is shown; what lies farther out is drawn at its edge.
        axis: Vega-Lite's.
        limit: where to draw a line, if anywhere.
    """
    least, most = domain

    def inside(value: float) -> float:
        return min(max(value, least), most)

    rows = [
        {
            "name": each.name,
            "low": inside(each.low),
            "high": inside(each.high),
            "value": inside(each.value),
            "tip": each.tip,
        }
        for each in intervals
    ]
    x = {"type": "quantitative", "scale": {"domain": domain, "nice": False}, "axis": {"title": None, **axis}}
    room = LETTER * max(len(each.name) for each in intervals)
    names = {"title": None, "domain": False, "ticks": False, "labelLimit": 170, "minExtent": room}
    y = {"field": "name", "type": "nominal", "sort": None, "axis": names if room else None}
    band = {"type": "rule", "color": BAND, "strokeWidth": 14}
    mark = {"type": "tick", "color": EFFECT, "thickness": 3, "size": 20}
    layers = [
        layer(rows, band, x={"field": "low", **x}, x2={"field": "high"}, y=y, description="tip:N"),
        layer(rows, mark, x={"field": "value", **x}, y=y),
    ]
    if limit is not None:
        layers.append(rule(x={"datum": limit, "type": "quantitative"}))
    height = ROW * len(rows) + AXIS
    narrow, wide = (draw({"layer": layers}, width=width, height=height) for width in (NARROW, WIDE))
    return narrow, wide
