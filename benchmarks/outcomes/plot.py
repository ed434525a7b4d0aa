"""Plot a simulation: how often intervals hold at all looks so far on the left, how wide they are on the right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from benchmarks.judge.plot import COLOURS, INK, SOFT
from benchmarks.outcomes.figures import TARGET_EVERY
from benchmarks.outcomes.simulation import ACCEPTANCE, AUC, AUC_UNTREATED, CALIBRATION, EFFECT, LIFT
from benchmarks.outcomes.world import WORKING

KINDS: Final = (EFFECT, CALIBRATION, ACCEPTANCE, AUC, AUC_UNTREATED, LIFT)


def write_outcomes_plot(results: Mapping[str, Any], path: Path) -> None:
    """Draw both by the day of the look; the same results give the same bytes."""
    figure = Figure(figsize=(12, 7), layout="constrained")
    left, right = figure.subplots(1, 2)
    days = results["looks"]
    working = next(scenario for scenario in results["scenarios"] if scenario["name"] == WORKING.name)
    for kind, colour in zip(KINDS, COLOURS, strict=False):
        own = [claims for claims in working["figures"] if claims["figure"] == kind]
        if own:
            least = min(own, key=lambda claims: claims["held"][-1])
            left.plot(
                days,
                least["held"],
                color=colour,
                linestyle="-" if least["every_look"] else "--",
                marker="o",
                label=kind if least["every_look"] else f"{kind} (claims one look)",
            )
    left.axhline(TARGET_EVERY, color=SOFT, linewidth=0.8)
    for (name, claims), colour in zip(_list_effects(results), COLOURS * 2, strict=False):
        drawn = [(day, width) for day, width in zip(days, claims["widths"], strict=True) if width is not None]
        right.plot(*zip(*drawn, strict=True), color=colour, marker="o", label=name)
    left.set_title(f"{WORKING.name}: the truth was in the interval at all looks so far", loc="left", color=INK)
    right.set_title("Width of the effect's interval, mean", loc="left", color=INK)
    left.set_ylabel("share of the runs")
    for axes in (left, right):
        _style(axes)
    title = f"{results['runs']:,} runs of each scenario, {results['people']:,} subscribers"
    figure.suptitle(title, x=0.01, ha="left", color=INK)
    with mpl.rc_context({"svg.hashsalt": "outcomes", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None, "Creator": None})


def _list_effects(results: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return the first experiment of each scenario that has an interval."""
    for scenario in results["scenarios"]:
        own = [claims for claims in scenario["figures"] if claims["figure"] == EFFECT and any(claims["widths"])]
        if own:
            yield scenario["name"], own[0]


def _style(axes: Axes) -> None:
    axes.set(xlabel="day of the look")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=1)
    axes.grid(color="#e4e8ee", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
