"""The plot of a run: requests a second of each server, by model, at the largest number of connections."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.report import medians
from benchmarks.targets import Results

GREY, ACCENT = "#9aa5b1", "#1f6feb"


def write_plot(results: Results, path: Path) -> None:
    """Draws one panel for each model, the best server on top, ours in colour."""
    throughput = medians(results["load"], ("model", "connections", "system"), "requests_per_s")
    models = list(dict.fromkeys(model for model, _, _ in throughput))
    most = max(connections for _, connections, _ in throughput)
    figure = Figure(figsize=(4 * len(models) + 1, 3), layout="constrained")
    figure.suptitle(f"Requests a second, {most} connections, 2 workers", fontsize=10)
    for axes, model in zip(figure.subplots(1, len(models), squeeze=False)[0], models, strict=True):
        found = {system: value for (m, count, system), value in throughput.items() if (m, count) == (model, most)}
        ranked = sorted(found, key=found.__getitem__)
        colours = [ACCENT if system == "ours" else GREY for system in ranked]
        bars = axes.barh(
            [results["labels"][system] for system in ranked], [found[system] for system in ranked], color=colours
        )
        axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=8)
        axes.set_title(model, fontsize=9)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.2)
    figure.savefig(path, dpi=120)
