"""Draw what several charts are made of: two distributions side by side, shares by name, and intervals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from churn.dashboard.charts.drawing import (
    BAND,
    EFFECT,
    LETTER,
    NARROW,
    SOFT,
    WIDE,
    Chart,
    build_layer,
    build_rule,
    draw,
    draw_both,
)
from churn.dashboard.words import format_percent

GAP = 0.12  # of a bin, on either side
BAR = 14
ROOT_TICKS = [0, 0.01, 0.05, 0.2, 0.5]
ROW, AXIS = 34, 56  # pixels of a row, and of all around them


@dataclass(frozen=True)
class HistogramSide:
    """One of the two that are compared: a word, the CSS class and variable of its colour, and counts."""

    word: str
    key: str
    counts: Sequence[int]

    @property
    def shares(self) -> list[float]:
        """Of the whole; all zero of nothing."""
        total = sum(self.counts)
        return [count / total if total else 0.0 for count in self.counts]


def draw_histogram(
    *,
    name: str,
    title: str,
    summary: str,
    bins: Sequence[str],
    ticks: Mapping[int, str],
    sides: tuple[HistogramSide, HistogramSide],
    mark: tuple[int, str] | None = None,
    root: bool = False,
    small: bool = False,
    centred: bool = False,
) -> Chart:
    """Two histograms over the same bins.

    Args:
        name: see Chart, as for the next two.
        title: what it shows.
        summary: what is to be seen in it.
        bins: what each bin is called.
        ticks: what stands at the boundary before the bin of that number.
        sides: what is compared.
        mark: a boundary that is marked with a line, and what it says.
        root: whether heights are square roots of shares, so that rare ones are seen.
        small: whether it is always narrow.
        centred: whether each bin's own name stands below it instead of ticks.
    """
    rows = [
        {
            "from": at + GAP + half * (0.5 - GAP),
            "to": at + GAP + (half + 1) * (0.5 - GAP),
            "share": share,
            "tip": f"{bins[at]}, {side.word}: {format_percent(share)}",
        }
        for half, side in enumerate(sides)
        for at, share in enumerate(side.shares)
    ]
    shown = dict(enumerate(bins)) if centred else ticks
    middle = 0.5 if centred else 0
    labels = json.dumps({f"{at + middle:g}": label for at, label in shown.items()})
    x = {
        "field": "from",
        "type": "quantitative",
        "scale": {"domain": [0, len(bins)], "nice": False},
        "axis": {
            "values": [at + middle for at in sorted(shown)],
            "labelExpr": f"split({labels}[datum.value], ' ')" if centred else f"{labels}[datum.value]",
            "title": None,
            "labelFlush": not centred,
            "tickSize": 0 if centred else 4,
        },
    }
    y = _build_share_axis("share", root=root)
    half = len(bins)
    layers = [
        build_layer(
            each,
            {"type": "rect", "color": f"var(--{side.key})"},
            x=x,
            x2={"field": "to"},
            y=y,
            y2={"datum": 0},
            description="tip:N",
        )
        for each, side in ((rows[:half], sides[0]), (rows[half:], sides[1]))
    ]
    if mark:
        layers += [
            build_rule(x={"datum": mark[0], "type": "quantitative"}),
            build_layer(
                [{"words": mark[1]}],
                {"type": "text", "align": "right", "dx": -5, "baseline": "top", "color": SOFT},
                x={"datum": mark[0], "type": "quantitative"},
                y={"value": -12},
                text="words:N",
            ),
        ]
    spec = {"layer": layers}
    narrow, wide = (draw(spec, width=NARROW, height=150), Markup()) if small else draw_both(spec)
    return Chart(
        name=name,
        title=title,
        summary=summary,
        columns=["", *(side.word for side in sides)],
        rows=[
            [bins[at], *(format_percent(side.shares[at]) for side in sides)]
            for at in range(len(bins))
            if any(side.counts[at] for side in sides)
        ],
        narrow=narrow,
        wide=wide,
        keys=[(side.key, side.word) for side in sides],
    )


def draw_shares(
    *,
    name: str,
    title: str,
    summary: str,
    names: Sequence[str],
    sides: tuple[HistogramSide, HistogramSide],
    totals: tuple[int, int],
) -> Chart:
    """Shares of two wholes by name, as pairs of horizontal bars; a name may count more than once in a whole."""
    shares = [
        [count / total if total else 0.0 for count in side.counts] for side, total in zip(sides, totals, strict=True)
    ]
    y: dict[str, Any] = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "axis": {"title": None, "labelLimit": 170, "minExtent": LETTER * max(map(len, names), default=0)},
        "scale": {"paddingInner": 0.28},
    }
    layers = [
        build_layer(
            [
                {
                    "name": name,
                    "share": share,
                    "side": side.word,
                    "tip": f"{name}, {side.word}: {format_percent(share)}",
                }
                for name, share in zip(names, each, strict=True)
            ],
            {"type": "bar", "color": f"var(--{side.key})"},
            x={"field": "share", "type": "quantitative", "axis": {"format": ".0%", "title": None, "tickCount": 4}},
            y=y,
            yOffset={
                "field": "side",
                "type": "nominal",
                "sort": None,
                "scale": {"domain": [one.word for one in sides]},
            },
            description="tip:N",
        )
        for side, each in zip(sides, shares, strict=True)
    ]
    narrow, wide = draw_both({"layer": layers}, height=max(120, 40 + 2 * BAR * len(names)))
    return Chart(
        name=name,
        title=title,
        summary=summary,
        columns=["", *(side.word for side in sides)],
        rows=[[each, *(format_percent(share[at]) for share in shares)] for at, each in enumerate(names)],
        narrow=narrow,
        wide=wide,
        keys=[(side.key, side.word) for side in sides],
    )


def _build_share_axis(field: str, *, root: bool) -> dict[str, Any]:
    axis: dict[str, Any] = {"title": None, "format": ".0%", "tickCount": 4}
    if root:
        axis = {"title": None, "format": "~%", "values": ROOT_TICKS}
    scale = {"scale": {"type": "sqrt", "nice": False}} if root else {}
    return {"field": field, "type": "quantitative", "axis": axis, **scale}


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


def draw_intervals(
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
        build_layer(rows, band, x={"field": "low", **x}, x2={"field": "high"}, y=y, description="tip:N"),
        build_layer(rows, mark, x={"field": "value", **x}, y=y),
    ]
    if limit is not None:
        layers.append(build_rule(x={"datum": limit, "type": "quantitative"}))
    height = ROW * len(rows) + AXIS
    narrow, wide = (draw({"layer": layers}, width=width, height=height) for width in (NARROW, WIDE))
    return narrow, wide


@dataclass(frozen=True)
class BarPart:
    """One part of stacked bars: a word, the CSS class and variable of its colour, and a value for each bar."""

    word: str
    key: str
    values: Sequence[float]


def draw_stacked_bars(*, name: str, title: str, summary: str, names: Sequence[str], parts: Sequence[BarPart]) -> Chart:
    """Draw a horizontal bar for each name; its parts follow each other.

    Args:
        name: see Chart, as for the next two.
        title: what it shows.
        summary: what is to be seen in it.
        names: from top to bottom.
        parts: from left to right.
    """
    axis = {"title": None, "labelLimit": 170, "minExtent": LETTER * max(map(len, names))}
    y = {"field": "name", "type": "nominal", "sort": None, "axis": axis, "scale": {"paddingInner": 0.35}}
    x = {"field": "from", "type": "quantitative", "axis": {"format": ",~f", "title": None, "tickCount": 4}}
    starts, layers = [0.0] * len(names), []
    for part in parts:
        ends = [start + value for start, value in zip(starts, part.values, strict=True)]
        bars = zip(names, starts, ends, part.values, strict=True)
        rows = [
            {"name": bar, "from": start, "to": end, "tip": f"{bar}, {part.word}: {value:,.0f}"}
            for bar, start, end, value in bars
        ]
        mark = {"type": "bar", "color": f"var(--{part.key})"}
        layers.append(build_layer(rows, mark, x=x, x2={"field": "to"}, y=y, description="tip:N"))
        starts = ends
    narrow, wide = draw_both({"layer": layers}, height=max(120, 40 + 2 * BAR * len(names)))
    return Chart(
        name=name,
        title=title,
        summary=summary,
        columns=["", *(part.word for part in parts)],
        rows=[[bar, *(f"{part.values[at]:,.0f}" for part in parts)] for at, bar in enumerate(names)],
        narrow=narrow,
        wide=wide,
        keys=[(part.key, part.word) for part in parts] if len(parts) > 1 else [],
    )
