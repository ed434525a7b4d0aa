"""Plot a simulation: false alarms on the left, how soon bad canaries are found on the right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from benchmarks.judge.rivals import RIVALS
from benchmarks.judge.scenarios import OFTEN_ASKED
from benchmarks.judge.simulation import ROLLBACK

INK, ACCENT, SOFT = "#23395b", "#d1495b", "#8a97a8"
COLOURS = (
    *(INK, ACCENT, "#2a9d8f", "#b8860b", "#6a4c93", "#3d85c6"),
    *("#7a5c3e", "#8a97a8", "#c2571a", "#1f7a4d", "#111111"),
)
STYLES = ("--", ":", "-.", (0, (5, 1)), (0, (1, 1)))


def write_judge_plot(results: Mapping[str, Any], path: Path) -> None:
    """Draw the share of the runs that have ended, by requests so far; the same results give the same bytes."""
    figure = Figure(figsize=(12, 6), layout="constrained")
    left, right = figure.subplots(1, 2)
    scenarios = list(zip(results["scenarios"], results["courses"], strict=True))
    _, same = next(pair for pair in scenarios if pair[0]["name"] == OFTEN_ASKED.name)
    left.plot(
        same["looks"], _take_shares(results, same, ROLLBACK), color=INK, linewidth=2.2, label="this judge, all checks"
    )
    for name, style in zip(RIVALS, STYLES, strict=True):
        left.plot(same["looks"], _take_shares(results, same, name), color=SOFT, linestyle=style, label=name)
    bad = [(scenario, course) for scenario, course in scenarios if scenario["should"] == "roll back"]
    lines = ((colour, style) for style in ("-", "--", ":") for colour in COLOURS)
    for (scenario, course), (colour, style) in zip(bad, lines, strict=False):
        shares = _take_shares(results, course, ROLLBACK)
        right.plot(course["looks"], shares, color=colour, linestyle=style, label=scenario["name"])
    left.set_title("The same version on both tracks, 5 requests each: rolled back, or an alarm", loc="left", color=INK)
    right.set_title("A bad canary: rolled back by the judge", loc="left", color=INK)
    left.set_ylabel("share of the runs")
    for axes in (left, right):
        _style(axes)
    title = f"{results['runs']:,} rollouts each, looked at {results['looks']} times"
    figure.suptitle(title, x=0.01, ha="left", color=INK)
    with mpl.rc_context({"svg.hashsalt": "judge", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None, "Creator": None})


def _take_shares(results: Mapping[str, Any], course: Mapping[str, Any], method: str) -> list[float]:
    return [count / results["runs"] for count in course["ended"][method]]


def _style(axes: Axes) -> None:
    axes.set(xscale="log", xlabel="requests of both tracks")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    axes.grid(color="#e4e8ee", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
