"""Draw what several charts are made of: histograms, bars and intervals."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from churn.dashboard.charts.drawing import (
    BAND,
    EFFECT,
    LETTER,
    NARROW,
    SOFT,
    WIDE,
    Chart,
    Drawing,
    build_layer,
    build_rule,
    draw,
    draw_both,
)  # fmt: skip
from churn.dashboard.words import format_percent

GAP = 0.12  # of a bin, on either side
BAR = 14
ROOT_TICKS = [0, 0.01, 0.05, 0.2, 0.5]
ROW, AXIS = 34, 56  # pixels of a row, and of all around them


class Head(TypedDict):
    """What says of a chart what it shows; see Chart."""

    name: str
    title: str
    summary: str


@dataclass(frozen=True)
class Series:
    """Values of one colour.

    Args:
        word: what they are.
        key: the CSS class of the colour, and its variable.
        values: one for each bin or bar.
    """

    word: str
    key: str
    values: Sequence[float]

    def shares(self, total: float | None = None) -> list[float]:
        """Return each value's share of the total, or of their sum; zeros if that is zero."""
        total = sum(self.values) if total is None else total
        return [value / total if total else 0.0 for value in self.values]


def draw_histogram(
    *,
    bins: Sequence[str],
    ticks: Mapping[int, str],
    sides: tuple[Series, Series],
    mark: tuple[int, str] | None = None,
    root: bool = False,
    small: bool = False,
    centred: bool = False,
    **head: Unpack[Head],
) -> Chart:
    """Draw two histograms over the same bins.

    Args:
        bins: the name of each bin.
        ticks: what stands at the boundary before a bin, by the bin's number.
        sides: the counts that are compared.
        mark: a boundary with a line, and the words beside it.
        root: whether heights are square roots of shares, so that rare bins are seen.
        small: whether it is always narrow.
        centred: whether a bin's name stands below it, in place of ticks.
        head: see Chart.
    """
    both_shares = [side.shares() for side in sides]
    shown = dict(enumerate(bins)) if centred else ticks
    middle = 0.5 if centred else 0
    labels = json.dumps({f"{at + middle:g}": label for at, label in shown.items()})
    axis = {
        "values": [at + middle for at in sorted(shown)],
        "labelExpr": f"split({labels}[datum.value], ' ')" if centred else f"{labels}[datum.value]",
        "title": None,
        "labelFlush": not centred,
        "tickSize": 0 if centred else 4,
    }
    scale = {"domain": [0, len(bins)], "nice": False}
    x = {"field": "from", "type": "quantitative", "scale": scale, "axis": axis}
    ends = {"x2": {"field": "to"}, "y2": {"datum": 0}}
    heights = {"format": "~%", "values": ROOT_TICKS} if root else {"format": ".0%", "tickCount": 4}
    y = {"field": "share", "type": "quantitative", "axis": {"title": None, **heights}}
    if root:
        y["scale"] = {"type": "sqrt", "nice": False}
    layers = []
    for half, (side, shares) in enumerate(zip(sides, both_shares, strict=True)):
        bars = [
            {
                "from": at + GAP + half * (0.5 - GAP),
                "to": at + GAP + (half + 1) * (0.5 - GAP),
                "share": share,
                "tip": f"{bins[at]}, {side.word}: {format_percent(share)}",
            }
            for at, share in enumerate(shares)
        ]
        layers.append(build_layer(bars, _paint("rect", side), x=x, y=y, description="tip:N", **ends))
    if mark:
        at, words = mark
        text = {"type": "text", "align": "right", "dx": -5, "baseline": "top", "color": SOFT}
        line: dict[str, Any] = {"datum": at, "type": "quantitative"}
        layers += [build_rule(x=line), build_layer([{"words": words}], text, x=line, y={"value": -12}, text="words:N")]
    drawing = Drawing(draw(layers, width=NARROW, height=150)) if small else draw_both(layers)
    rows = [
        [bins[at], *(format_percent(shares[at]) for shares in both_shares)]
        for at in range(len(bins))
        if any(side.values[at] for side in sides)
    ]
    return _build_chart(head, drawing, sides, rows)


def draw_shares(
    *, names: Sequence[str], sides: tuple[Series, Series], totals: tuple[int, int], **head: Unpack[Head]
) -> Chart:
    """Draw two shares for each name, as horizontal bars. The shares of a side may add up to more than one."""
    both_shares = [side.shares(total) for side, total in zip(sides, totals, strict=True)]
    x = {"field": "share", "type": "quantitative", "axis": {"format": ".0%", "title": None, "tickCount": 4}}
    offset_scale = {"domain": [side.word for side in sides]}
    offset = {"field": "side", "type": "nominal", "sort": None, "scale": offset_scale}
    y = _build_name_axis(names, padding=0.28)
    layers = []
    for side, shares in zip(sides, both_shares, strict=True):
        bars = [
            {"name": bar, "share": share, "side": side.word, "tip": f"{bar}, {side.word}: {format_percent(share)}"}
            for bar, share in zip(names, shares, strict=True)
        ]
        layers.append(build_layer(bars, _paint("bar", side), x=x, y=y, yOffset=offset, description="tip:N"))
    rows = zip(names, *(map(format_percent, shares) for shares in both_shares), strict=True)
    return _build_chart(head, _draw_bars(layers, len(names)), sides, rows)


def draw_stacked_bars(*, names: Sequence[str], parts: Sequence[Series], **head: Unpack[Head]) -> Chart:
    """Draw a horizontal bar for each name. Its parts follow each other, from left to right."""
    x = {"field": "from", "type": "quantitative", "axis": {"format": ",~f", "title": None, "tickCount": 4}}
    y = _build_name_axis(names, padding=0.35)
    starts, layers = [0.0] * len(names), []
    for part in parts:
        ends = [start + value for start, value in zip(starts, part.values, strict=True)]
        bars = [
            {"name": bar, "from": start, "to": end, "tip": f"{bar}, {part.word}: {value:,.0f}"}
            for bar, start, end, value in zip(names, starts, ends, part.values, strict=True)
        ]
        layers.append(build_layer(bars, _paint("bar", part), x=x, x2={"field": "to"}, y=y, description="tip:N"))
        starts = ends
    rows = zip(names, *(map("{:,.0f}".format, part.values) for part in parts), strict=True)
    return _build_chart(head, _draw_bars(layers, len(names)), parts, rows)


@dataclass(frozen=True)
class Interval:
    """One row of a chart of intervals.

    Args:
        name: stands before it.
        low, high: where the truth surely lies.
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
) -> Drawing:
    """Draw a row for each interval, narrow and wide.

    Args:
        intervals: from top to bottom.
        domain: the span that is shown; what lies farther out is drawn at its edge.
        axis: Vega-Lite's.
        limit: where to draw a line, if anywhere.
    """
    least, most = domain
    rows = [
        {"name": interval.name, "tip": interval.tip}
        | {name: min(max(getattr(interval, name), least), most) for name in ("low", "high", "value")}
        for interval in intervals
    ]
    x = {"type": "quantitative", "scale": {"domain": domain, "nice": False}, "axis": {"title": None, **axis}}
    room = LETTER * max(len(interval.name) for interval in intervals)
    names = {"title": None, "domain": False, "ticks": False, "labelLimit": 170, "minExtent": room}
    y = {"field": "name", "type": "nominal", "sort": None, "axis": names if room else None}
    band = {"type": "rule", "color": BAND, "strokeWidth": 14}
    tick = {"type": "tick", "color": EFFECT, "thickness": 3, "size": 20}
    layers = [
        build_layer(rows, band, x={"field": "low", **x}, x2={"field": "high"}, y=y, description="tip:N"),
        build_layer(rows, tick, x={"field": "value", **x}, y=y),
    ]
    if limit is not None:
        layers.append(build_rule(x={"datum": limit, "type": "quantitative"}))
    return Drawing(*(draw(layers, width=width, height=ROW * len(rows) + AXIS) for width in (NARROW, WIDE)))


def _build_chart(head: Head, drawing: Drawing, series: Sequence[Series], rows: Iterable[Sequence[str]]) -> Chart:
    """Build the chart of some series. Each row of its table is the name of a bin or bar, and a text of each series."""
    keys = [(own.key, own.word) for own in series]
    columns = ["", *(own.word for own in series)]
    return Chart(**head, columns=columns, rows=list(rows), drawing=drawing, keys=keys if len(keys) > 1 else [])


def _draw_bars(layers: Sequence[Mapping[str, Any]], count: int) -> Drawing:
    return draw_both(layers, height=max(120, 40 + 2 * BAR * count))


def _paint(mark: str, series: Series) -> dict[str, Any]:
    return {"type": mark, "color": f"var(--{series.key})"}


def _build_name_axis(names: Sequence[str], *, padding: float) -> dict[str, Any]:
    axis = {"title": None, "labelLimit": 170, "minExtent": LETTER * max(map(len, names), default=0)}
    return {"field": "name", "type": "nominal", "sort": None, "axis": axis, "scale": {"paddingInner": padding}}
