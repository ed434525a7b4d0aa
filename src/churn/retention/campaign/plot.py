"""The picture of a simulation: how often each offer is made, and what it is worth."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

INK, ACCENT, SOFT = "#23395b", "#d1495b", "#c9d2de"
BAR = 0.62


def offers_plot(summary: Mapping[str, Any]) -> Figure:
    """A row for each offer, in the policy's order: how many get it on the left, cost and net value on the right."""
    offers = summary["offers"]
    figure = Figure(figsize=(11, 1.6 + 0.55 * max(len(offers), 1)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[2, 3])
    names = [offer["code"] for offer in offers]
    left.barh(names, [offer["count"] for offer in offers], BAR, color=INK)
    costs, nets = ([offer[of] for offer in offers] for of in ("cost_dollars", "net_dollars"))
    right.barh(names, nets, BAR, color=INK, label="net value")
    right.barh(names, costs, BAR, left=nets, color=SOFT, label="cost; both together are the margin kept")
    for axes, values, ends, unit in ((left, [o["count"] for o in offers], None, ""), (right, nets, costs, "net $")):
        _annotate(axes, values, ends, unit)
    left.set_title("Offers made", loc="left", color=INK)
    right.set_title("Expected value, dollars", loc="left", color=INK)
    right.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    left.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    if offers:
        left.invert_yaxis()
        right.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, -0.12), ncols=2, borderaxespad=0)
    for axes in (left, right):
        axes.margins(x=0.18)
        axes.set_axisbelow(True)
        axes.grid(axis="x", color="#e4e8ee", linewidth=0.8)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    figure.suptitle(_title(summary), x=0.01, ha="left", color=INK, parse_math=False)  # dollars are no formula
    return figure


def svg(figure: Figure) -> bytes:
    """The figure as a file, the same bytes for the same figure."""
    image = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "offers", "svg.fonttype": "none"}):
        figure.savefig(image, format="svg", metadata={"Date": None, "Creator": None})
    return image.getvalue()


def _annotate(axes: Axes, values: list[float], beyond: list[float] | None, unit: str) -> None:
    for at, value in enumerate(values):
        end = value + (beyond[at] if beyond else 0)
        axes.annotate(f"{unit}{value:,.0f}", (end, at), (5, 0), textcoords="offset points", va="center", color=INK)


def _title(summary: Mapping[str, Any]) -> str:
    total, banners = summary["total"], summary["banners"]
    return (
        f"{summary['policy_version']}: {total['count']:,} offers to {banners:,} subscribers with a banner\n"
        f"Expected cost ${total['cost_dollars']:,.0f}, net value ${total['net_dollars']:,.0f}"
    )
