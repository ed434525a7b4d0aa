"""The picture of a report: one model over the other, how far apart they are, their reasons, and the checks."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from churn.answers import LOW_BELOW, MEDIUM_BELOW
from churn.shadow.report import BIN_EDGES, ShadowReport

INK, ACCENT, SOFT = "#23395b", "#d1495b", "#8fa3b8"
DPI = 130
# Of the tolerance; what lies farther out is drawn at the edge.
FARTHEST = 2.0


def report_plot(report: ShadowReport) -> Figure:
    """Four charts; at least one pair must have been seen."""
    figure = Figure(figsize=(12, 9.5), layout="constrained")
    (plane, scores), (reasons, checks) = figure.subplots(2, 2)
    _plane(plane, report)
    _scores(scores, report)
    _reasons(reasons, report)
    _checks(checks, report)
    for axes in (scores, reasons, checks):
        axes.grid(color="#e4e8ee", linewidth=0.8)
        axes.set_axisbelow(True)
    for axes in (plane, scores, reasons, checks):
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{report.headline}\n{report.title}, {report.scope}", x=0.01, ha="left", color=INK)
    return figure


def image(figure: Figure, kind: str) -> bytes:
    """The figure as a file of this kind, `png` or `svg`."""
    content = io.BytesIO()
    figure.savefig(content, format=kind, dpi=DPI)
    return content.getvalue()


def _plane(axes: Axes, report: ShadowReport) -> None:
    counted = np.ma.masked_equal(report.plane.T, 0)
    axes.pcolormesh(
        BIN_EDGES, BIN_EDGES, counted, cmap="Blues", norm=LogNorm(0.5, max(int(report.plane.max()), 1)), rasterized=True
    )
    axes.plot([0, 1], [0, 1], color=ACCENT, linewidth=0.8)
    for limit in (LOW_BELOW, MEDIUM_BELOW):
        axes.axvline(limit, color=SOFT, linewidth=0.8, linestyle="--")
        axes.axhline(limit, color=SOFT, linewidth=0.8, linestyle="--")
    axes.set(xlabel="champion's probability", ylabel="challenger's probability", aspect="equal")
    axes.set_title("One model over the other; dashed: tiers", loc="left", color=INK)


def _scores(axes: Axes, report: ShadowReport) -> None:
    for counts, label, colour in zip(report.scores, ("champion", "challenger"), (INK, ACCENT), strict=True):
        axes.stairs(counts, BIN_EDGES, color=colour, label=label, linewidth=1.5)
    axes.set(xlabel="probability", ylabel="subscribers", xlim=(0, 1), ylim=(0, None))
    axes.legend(frameon=False)
    axes.set_title("Distribution of the scores", loc="left", color=INK)


def _reasons(axes: Axes, report: ShadowReport) -> None:
    at = np.arange(len(report.tops))
    for sign, name, colour in ((-1, "champion", INK), (1, "challenger", ACCENT)):
        shares = [100 * getattr(top, name) for top in report.tops]
        axes.barh(at + 0.2 * sign, shares, height=0.38, color=colour, label=name)
    axes.set_yticks(at, [top.feature for top in report.tops])
    axes.invert_yaxis()
    axes.set(xlabel="among the three largest contributions of so many percent")
    axes.legend(frameon=False)
    axes.set_title("Reasons", loc="left", color=INK)


def _checks(axes: Axes, report: ShadowReport) -> None:
    """Each check's confidence sequence in parts of its tolerance."""
    findings = report.verdict.findings
    for at, found in enumerate(findings):
        if found.low is None or found.high is None or found.effect is None:
            continue
        low, high, effect = (min(end / found.tolerance, FARTHEST) for end in (found.low, found.high, found.effect))
        colour = ACCENT if found.is_outside else INK if found.decision == "promote" else SOFT
        axes.plot([low, high], [at, at], color=colour, linewidth=5, solid_capstyle="butt")
        axes.plot(effect, at, "|", color="black", markersize=14)
    axes.axvline(1, color=ACCENT, linestyle="--", linewidth=1.2)
    axes.set_yticks(range(len(findings)), [found.check for found in findings])
    axes.invert_yaxis()
    axes.set(xlim=(0, FARTHEST), xlabel="in parts of what is tolerated")
    axes.set_title("Checks: where the truth surely lies", loc="left", color=INK)
