"""Plot the comparison with the rivals: throughput of the servers, and duration of each stage of an answer."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.report import take_medians
from benchmarks.targets import Results

GREY, ACCENT = "#9aa5b1", "#1f6feb"


def write_plot(results: Results, path: Path) -> None:
    """Draw one panel for each model, with the best server on top and ours in colour."""
    throughput = take_medians(results["load"], ("model", "connections", "system"), "requests_per_s")
    models = list(dict.fromkeys(model for model, _, _ in throughput))
    most = max(connections for _, connections, _ in throughput)
    figure = Figure(figsize=(4 * len(models) + 1, 3), layout="constrained")
    figure.suptitle(f"Requests a second, {most} connections, 2 workers", fontsize=10)
    for axes, model in zip(figure.subplots(1, len(models), squeeze=False)[0], models, strict=True):
        rates = {system: value for (m, count, system), value in throughput.items() if (m, count) == (model, most)}
        ranked = sorted(rates, key=rates.__getitem__)
        colours = [ACCENT if system == "ours" else GREY for system in ranked]
        bars = axes.barh(
            [results["labels"][system] for system in ranked], [rates[system] for system in ranked], color=colours
        )
        axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=8)
        axes.set_title(model, fontsize=9)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.2)
    figure.savefig(path, dpi=120)


def write_histograms(results: Results, path: Path) -> None:
    """Draw a row of small histograms for each model, one for each stage of an answer."""
    models = list(dict.fromkeys(row["model"] for row in results["stages"]))
    stages = list(dict.fromkeys(row["stage"] for row in results["stages"]))
    figure = Figure(figsize=(1.6 * len(stages) + 1, 1.4 * len(models) + 0.6), layout="constrained")
    figure.suptitle("Answers by what each stage takes, in microseconds", fontsize=10)
    for line, model in zip(figure.subplots(len(models), len(stages), squeeze=False, sharex=True), models, strict=True):
        for axes, stage in zip(line, stages, strict=True):
            rows = [row for row in results["stages"] if (row["model"], row["stage"]) == (model, stage)]
            ends = [row["below_us"] for row in rows]
            axes.bar(
                [end / 2 for end in ends],
                [row["requests"] for row in rows],
                width=[end / 2 for end in ends],
                align="edge",
                color=ACCENT,
            )
            axes.set_xscale("log")
            axes.set_yticks([])
            axes.set_title(stage if model == models[0] else "", fontsize=9)
            axes.tick_params(labelsize=7)
            axes.spines[["top", "right", "left"]].set_visible(False)
        line[0].set_ylabel(model, fontsize=9)
    figure.savefig(path, dpi=120)
