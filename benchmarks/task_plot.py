"""Plot what one task can do."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.plot import ACCENT, GREY
from benchmarks.task_report import LIMITS_MS, Results, take_step_medians


def write_task_plot(results: Results, path: Path) -> None:
    """Draw answers a second and p99 over connections, with ours in colour."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for (system, label), colour in zip(results["labels"].items(), (ACCENT, GREY), strict=True):
        rows = [row for row in take_step_medians(results) if row["system"] == system]
        connections = [row["connections"] for row in rows]
        left.plot(
            connections, [row["answered_per_s"] for row in rows], color=colour, marker="o", markersize=3, label=label
        )
        right.plot(connections, [row["p99_ms"] for row in rows], color=colour, marker="o", markersize=3, label=label)
    left.set_title("Answers a second", fontsize=10)
    right.set_title("p99, ms", fontsize=10)
    right.set_yscale("log")
    for limit in LIMITS_MS:
        right.axhline(limit, color="#d1242f", linewidth=0.8, linestyle="--")
    for axes in (left, right):
        axes.set_xscale("log", base=2)
        axes.set_xlabel("connections", fontsize=9)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    left.set_ylim(bottom=0)
    left.legend(fontsize=8, frameon=False)
    figure.savefig(path, dpi=120)
