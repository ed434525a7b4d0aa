"""Plot what learning earns: the year on the left, by how much is logged on the right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from benchmarks.judge.plot import COLOURS, INK, SOFT
from benchmarks.learning.rules import ASSUMPTIONS, ORACLE


def write_learning_plot(results: Mapping[str, Any], path: Path) -> None:
    """Draw shares of the oracle's gain over the assumptions; the same results give the same bytes."""
    figure = Figure(figsize=(13, 5.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    lines = [line for line in results["year"] if line["rule"] not in {ASSUMPTIONS, ORACLE}]
    for at, line in enumerate(reversed(lines)):
        share = line["of_oracle"]
        ends = [[share["value"] - share["low"]], [share["high"] - share["value"]]]
        left.errorbar([share["value"]], [at], xerr=ends, fmt="o", color=INK, capsize=3)
    left.set_yticks(range(len(lines)), [line["rule"] for line in reversed(lines)])
    left.axvline(0, color=SOFT, linewidth=0.8)
    left.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    names = [line["rule"] for line in results["curve"][0]["rules"] if line["rule"] not in {ASSUMPTIONS, ORACLE}]
    sizes = [size["visitors"] for size in results["curve"]]
    for name, colour in zip(names, COLOURS, strict=False):
        shares = [
            line["of_oracle"]["value"] for size in results["curve"] for line in size["rules"] if line["rule"] == name
        ]
        right.plot(sizes, shares, color=colour, marker="o", label=name)
    right.set(xscale="log", xlabel="visitors logged")
    right.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    right.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    right.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    left.set_title("In a year: share of the oracle's gain", loc="left", color=INK)
    right.set_title("After learning once: share of the oracle's gain", loc="left", color=INK)
    for axes in (left, right):
        _style(axes)
    with mpl.rc_context({"svg.hashsalt": "learning", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None, "Creator": None})


def _style(axes: Axes) -> None:
    axes.grid(color="#e4e8ee", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
