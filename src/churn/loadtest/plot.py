"""The picture of a load test: latency over time, and latency by percentile."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from churn.loadtest.plan import LoadPlan, OpenLoop
from churn.loadtest.report import LoadReport
from churn.loadtest.samples import Sample
from churn.loadtest.words import describe_load, describe_verdict

INK, ACCENT, SOFT = "#23395b", "#d1495b", "#5c6b7d"
DPI = 130
PERCENTILES = (50.0, 90.0, 99.0, 99.9, 99.99, 99.999)


def latency_plot(plan: LoadPlan, report: LoadReport, samples: Sequence[Sample]) -> Figure:
    """Every answer over time on the left, latency by percentile on the right; both share one logarithmic scale."""
    figure = Figure(figsize=(12, 5.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    answered = [sample for sample in samples if sample.error is None]
    failed = [sample for sample in samples if sample.error is not None]
    latencies_ms = np.array([sample.latency_ms for sample in answered])
    left.scatter([sample.intended_s for sample in answered], latencies_ms, s=7, alpha=0.45, color=INK, linewidths=0)
    if failed:
        label = f"{len(failed):,} failed"
        at = [sample.intended_s for sample in failed]
        left.plot(at, [0.015] * len(at), "x", color=ACCENT, transform=left.get_xaxis_transform(), label=label)
        left.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    _percentile_curve(right, latencies_ms)
    _mark_percentiles(right, report)
    _objective(plan, left, right)
    left.set(xlabel=f"{_time_of(plan)}, seconds since the start", ylabel="latency, milliseconds", yscale="log")
    left.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    left.set_title("Each answer over time", loc="left", color=INK)
    right.set(xlabel="percentile of the answers")
    right.tick_params(labelleft=False)
    right.set_title("Latency by percentile", loc="left", color=INK)
    for axes in (left, right):
        axes.grid(color="#e4e8ee", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(_title(plan, report), x=0.01, ha="left", color=INK)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as an image file."""
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=DPI)
    return image.getvalue()


def _title(plan: LoadPlan, report: LoadReport) -> str:
    load = describe_load(plan)
    first = f"{load[0].upper()}{load[1:]}: {report.requests:,} requests to {plan.url}"
    return f"{first}\nObjective {describe_verdict(plan, report)}"


def _time_of(plan: LoadPlan) -> str:
    return "when the request was due" if isinstance(plan.loop, OpenLoop) else "when the request was sent"


def _nines(percentile: float) -> float:
    """Where a percentile stands: 90 at 1, 99 at 2, 99.9 at 3, so that the slowest few have as much room as the rest."""
    return float(-np.log10(1 - percentile / 100))


def _percentile_curve(axes: Axes, latencies_ms: np.ndarray) -> None:
    ordered = np.sort(latencies_ms)
    count = len(ordered)
    # The slowest of n stands where the share of slower ones is half of one in n; at none it would be infinitely far.
    slower = np.maximum(count - np.arange(1, count + 1), 0.5) / max(count, 1)
    axes.plot(-np.log10(slower), ordered, color=INK, drawstyle="steps-pre")
    shown = [percentile for percentile in PERCENTILES if (100 - percentile) / 100 * count >= 1] or [50.0]
    axes.xaxis.set_major_locator(FixedLocator([_nines(percentile) for percentile in shown]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda nines, _: f"{100 * (1 - 10**-nines):.6g} %"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _mark_percentiles(axes: Axes, report: LoadReport) -> None:
    if report.latency is None:
        return
    latency, slowest = report.latency, float(np.log10(2 * report.answered))
    for name, at, value_ms, side in (
        ("median", _nines(50), latency.median_ms, "left"),
        ("p99", _nines(99), latency.p99_ms, "right"),
        ("max", slowest, latency.max_ms, "right"),
    ):
        away = (8, -12) if side == "left" else (-6, 6)  # from the curve, which rises to the right
        axes.plot(at, value_ms, "o", color=INK, markersize=5)
        axes.annotate(f"{name} {value_ms:,.1f} ms", (at, value_ms), away, textcoords="offset points", ha=side)


def _objective(plan: LoadPlan, *several: Axes) -> None:
    for axes in several:
        axes.axhline(plan.slo_p99_ms, color=ACCENT, linestyle="--", linewidth=1.2)
    several[0].annotate(
        f"objective: p99 under {plan.slo_p99_ms:,g} ms",
        (0.01, plan.slo_p99_ms),
        (0, 4),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        color=ACCENT,
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1},
    )
