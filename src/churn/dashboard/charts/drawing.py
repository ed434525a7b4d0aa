"""Draw charts on the server: from a Vega-Lite specification to SVG that fits any theme and runs no code.

Colours are the names of CSS variables, so one drawing serves light and dark. The `description` of a mark becomes
`data-tip`, which the page's script shows. Programs that read screens get the chart's summary and its table instead.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from textwrap import shorten
from typing import Any, Final, NamedTuple

import vl_convert
from markupsafe import Markup

STABLE, CANARY, LIVE = "var(--stable)", "var(--canary)", "var(--live)"
BAND, EFFECT, LIMIT = "var(--band)", "var(--effect)", "var(--limit)"
INK, SOFT, LINE = "var(--ink)", "var(--ink-soft)", "var(--line)"
NARROW, WIDE = 340, 580
LETTER = 6.4  # wide, about
FONT = "system-ui, sans-serif"
CONFIG: Final[Mapping[str, Any]] = {
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": SOFT,
        "titleColor": SOFT,
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "labelFontWeight": "normal",
        "labelPadding": 5,
        "tickSize": 4,
        "domain": False,
        "aria": False,
    },
    "axisX": {"grid": False, "domain": True, "labelFlush": True, "labelOverlap": "greedy"},
    "axisY": {"ticks": False, "titleAngle": 0, "titleAlign": "left", "titleAnchor": "start", "titleY": -8, "titleX": 0},
    "text": {"color": SOFT, "fontSize": 11},
}
# Presentation for programs that read screens; the page says it better.
ROLES = re.compile(r' (?:role="graphics-\w+"|aria-roledescription="[^"]*"|aria-hidden="true")')
VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
VARIABLE = re.compile(r"var\(--([\w-]+)\)")
COLOUR = re.compile(r"--([\w-]+): *(#\w+);")
COLUMN, GAP, HEAD_HEIGHT, TITLE_HEIGHT, SCALE = WIDE + 20, 28, 86, 50, 1.5
HEAD = re.compile(r'<svg [^>]*?width="([\d.]+)" height="([\d.]+)"[^>]*>')


class Drawing(NamedTuple):
    """SVG for narrow screens and for wide ones. It is empty for wide ones where narrow always fits."""

    narrow: Markup
    wide: Markup = Markup()


@dataclass(frozen=True)
class Chart:
    """A drawing with its summary and its table.

    Args:
        name: unique on its page, for addresses.
        title: what it shows.
        summary: what one sees in it, in a sentence.
        columns, rows: its table.
        keys: for each colour its class name, and a word for what it means.
    """

    name: str
    title: str
    summary: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    drawing: Drawing
    keys: Sequence[tuple[str, str]] = ()


def draw(layers: Sequence[Mapping[str, Any]], *, width: int, height: int) -> Markup:
    """Draw layers of Vega-Lite. Sizes are CSS pixels at natural size; the page scales the drawing to fit."""
    spec = {
        "layer": layers,
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 2, "right": 6, "top": 16, "bottom": 2},
        "config": CONFIG,
    }
    return Markup(_draw_svg(json.dumps(spec)))  # noqa: S704 - Vega escapes what stands in the data


def draw_both(layers: Sequence[Mapping[str, Any]], *, height: int = 210) -> Drawing:
    """Draw layers narrow and wide."""
    return Drawing(draw(layers, width=NARROW, height=height), draw(layers, width=WIDE, height=height + 20))


@lru_cache(maxsize=256)
def _draw_svg(spec: str) -> str:
    drawn = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    drawn = ROLES.sub("", drawn).replace(" aria-label=", " data-tip=")
    return HEAD.sub(r'<svg viewBox="0 0 \1 \2" aria-hidden="true" focusable="false">', drawn, count=1)


def build_layer(values: Sequence[Mapping[str, Any]], mark: Mapping[str, Any], **encoding: Any) -> dict[str, Any]:
    """Build one layer of a specification. A channel is whole, or in short `x="at:Q"`: a field and its type."""
    return {
        "data": {"values": list(values)},
        "mark": {"aria": "description" in encoding, **mark},
        "encoding": {name: _build_channel(channel) for name, channel in encoding.items()},
    }


def build_rule(*, color: str = LIMIT, dashed: bool = True, **encoding: Any) -> dict[str, Any]:
    """Build a straight line through the whole chart."""
    mark: dict[str, Any] = {"type": "rule", "color": color, "strokeWidth": 1.5}
    return build_layer([{}], mark | ({"strokeDash": [5, 4]} if dashed else {}), **encoding)


def warm_up() -> None:
    """Start the engine, which takes a second, before anybody waits for it."""
    draw([build_layer([{"x": 0}], {"type": "point"}, x="x:Q")], width=NARROW, height=100)


def _build_channel(channel: Any) -> Any:
    if not isinstance(channel, str):
        return channel
    field, _, kind = channel.partition(":")
    return {"field": field, "type": {"Q": "quantitative", "N": "nominal", "T": "temporal"}[kind]}


def draw_picture(title: str, text: str, charts: Sequence[Chart], style: str) -> bytes:
    """Return charts as one PNG: two columns below a title, in the colours of a light page.

    Args:
        title: one line above the charts.
        text: a smaller line below the title.
        charts: from left to right and from top to bottom.
        style: the style sheet that names the colours.
    """
    colours = dict(reversed(COLOUR.findall(style)))  # of two, the first counts, which is the light one
    head = _draw_text(GAP, 38, shorten(title, 100, placeholder="…"), size=21, weight=700)
    parts, y = [head, _draw_text(GAP, 64, shorten(text, 180, placeholder="…"), colour=SOFT)], float(HEAD_HEIGHT)
    for row in (charts[at : at + 2] for at in range(0, len(charts), 2)):
        drawings = [_place_chart(chart, GAP + at * (COLUMN + GAP), y) for at, chart in enumerate(row)]
        parts += [drawing for drawing, _ in drawings]
        y += max(height for _, height in drawings) + GAP
    width = 2 * COLUMN + 3 * GAP
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{width}" '
        f'height="{y:.0f}"><rect width="100%" height="100%" fill="var(--card)"/>{"".join(parts)}</svg>'
    )
    svg = VARIABLE.sub(lambda found: colours.get(found[1], "#888"), svg.replace("var(--planned)", SOFT))
    return vl_convert.svg_to_png(svg, scale=SCALE)


def _place_chart(chart: Chart, x: float, y: float) -> tuple[str, float]:
    """Return a chart at a place of a picture, with its title and the words of its colours; and the height of all."""
    drawing = str(chart.drawing.wide or chart.drawing.narrow)  # Markup would escape what it is added to
    view = VIEW.search(drawing)
    width, height = (float(view[1]), float(view[2])) if view else (COLUMN, 0.0)
    keys, at = [], x
    for key, word in chart.keys:
        keys.append(f'<rect x="{at}" y="{y + 28}" width="12" height="10" fill="var(--{key})"/>')
        keys.append(_draw_text(at + 17, y + 37, word, colour=SOFT))
        at += 40 + LETTER * len(word)
    nested = drawing.replace("<svg ", f'<svg x="{x}" y="{y + TITLE_HEIGHT}" width="{width}" height="{height}" ', 1)
    return _draw_text(x, y + 16, chart.title, size=15, weight=700) + "".join(keys) + nested, height + TITLE_HEIGHT


def _draw_text(x: float, y: float, text: str, *, size: int = 12, weight: int = 400, colour: str = INK) -> str:
    style = f'font-family="sans-serif" font-size="{size}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'
