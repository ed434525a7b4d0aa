"""Figures of a trained model: is it right, where is it wrong, and what does it rest on."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
import numpy.typing as npt
import shap
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from churn.contract.declaration import Contract, Rows
from churn.training.candidates import Candidate
from churn.training.evaluation import BINS, DECISION, Evaluation

INK, ACCENT, SOFT = "#23395b", "#d1495b", "#c9d3df"
MOST_POINTS = 3_000
"""More dots in a SHAP summary take longer to draw and show nothing more."""


def plot_calibration(evaluation: Evaluation) -> Figure:
    """Draw observed against predicted share of leavers, with the number of subscribers in each part below."""
    figure = Figure(figsize=(6, 6.5), layout="constrained")
    axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    predicted = [point.mean_predicted for point in evaluation.calibration]
    axes.plot([0, 1], [0, 1], color=SOFT, linestyle="--", label="perfectly calibrated")
    axes.plot(predicted, [point.observed_share for point in evaluation.calibration], "o-", color=ACCENT, label="model")
    axes.set(ylabel="observed share that left", xlim=(0, 1), ylim=(0, 1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(frameon=False, loc="upper left")
    _write_title(
        axes,
        "Calibration on the holdout",
        f"expected calibration error {evaluation.expected_calibration_error:.2%}, Brier score {evaluation.brier:.4f}",
    )
    counts.bar(predicted, [point.count for point in evaluation.calibration], width=0.7 / BINS, color=SOFT)
    counts.set(xlabel="predicted churn probability", ylabel="subscribers")
    counts.xaxis.set_major_formatter(PercentFormatter(1))
    _tidy(axes, counts)
    return figure


def plot_confusion(evaluation: Evaluation) -> Figure:
    """Draw counts of subscribers by what was predicted at probability 0.5 and what came true."""
    counts = np.reshape(astuple(evaluation.confusion), (2, 2))
    share = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    figure = Figure(figsize=(5.5, 5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        axes.text(
            column,
            row,
            f"{count:,}\n{share[row, column]:.1%} of row",
            ha="center",
            va="center",
            color="white" if share[row, column] > DECISION else INK,
        )
    axes.set_xticks([0, 1], ["stays", "leaves"])
    axes.set_yticks([0, 1], ["stayed", "left"])
    axes.set(xlabel=f"predicted at probability {DECISION}", ylabel="what came true")
    _write_title(axes, "Confusion matrix on the holdout", f"F1 {evaluation.f1:.4f}, {evaluation.rows:,} subscribers")
    return figure


def plot_feature_strengths(contract: type[Contract], strengths: Mapping[str, float]) -> Figure:
    """Draw each feature's mean |SHAP| in log-odds, by name, on top the first, which is the largest."""
    labels = contract.labels()
    figure = Figure(figsize=(7, 1.4 + 0.32 * len(strengths)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh([labels[name] for name in strengths], list(strengths.values()), color=INK)
    axes.bar_label(bars, fmt="%.3f", padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set(xlabel="mean |SHAP| (log-odds)")
    _write_title(axes, "What the model rests on", "mean absolute contribution on the holdout")
    _tidy(axes)
    return figure


def plot_contributions(contract: type[Contract], contributions: npt.NDArray[np.float64], rows: Rows) -> Figure:
    """Draw a beeswarm: a dot per subscriber and feature, placed by contribution, coloured by encoded value.

    Contributions are float64 (n, features), in log-odds, encoded rows float32 (n, features). The first 3,000 are drawn.
    """
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    drawn = slice(MOST_POINTS)
    explanation = shap.Explanation(contributions[drawn], data=rows[drawn], feature_names=[*contract.labels().values()])
    # shap spreads the dots by the global random state, which is left as it was found.
    state = np.random.get_state()  # noqa: NPY002 - it is the one that shap uses
    np.random.seed(0)  # noqa: NPY002
    try:
        shap.plots.beeswarm(
            explanation, max_display=len(contract.features), ax=axes, color_bar=False, show=False, plot_size=None
        )
    finally:
        np.random.set_state(state)  # noqa: NPY002
    bar = figure.colorbar(ScalarMappable(cmap=shap.plots.colors.red_blue), ax=axes, ticks=[0, 1], aspect=40)
    bar.ax.set_yticklabels(["low", "high"])
    bar.set_label("encoded value of the feature", labelpad=-10)
    bar.outline.set_visible(False)
    axes.set_xlabel("SHAP value: contribution to the log-odds of leaving", fontsize="medium")
    axes.tick_params(labelsize="medium")
    figure.set_size_inches(8, 1.6 + 0.42 * len(contract.features))
    _write_title(axes, "How each feature moves the risk", f"{len(rows[drawn]):,} subscribers of the holdout")
    return figure


def plot_candidates(candidates: Sequence[Candidate]) -> Figure:
    """Draw each candidate's cross-validated AUC with its standard error, best on top."""
    names = [f"{candidate.name}\n{candidate.seconds:.1f} s" for candidate in candidates]
    figure = Figure(figsize=(7, 1.4 + 0.55 * len(candidates)), layout="constrained")
    axes = figure.subplots()
    axes.errorbar(
        [candidate.mean_auc for candidate in candidates],
        range(len(candidates)),
        xerr=[candidate.standard_error for candidate in candidates],
        fmt="o",
        color=INK,
        ecolor=ACCENT,
        capsize=4,
    )
    for row, candidate in enumerate(candidates):
        axes.annotate(f"{candidate.mean_auc:.4f}", (candidate.mean_auc, row), (0, 7), textcoords="offset points")
    axes.set_yticks(range(len(candidates)), names)
    axes.invert_yaxis()
    axes.margins(x=0.12, y=0.15)
    axes.set(xlabel="AUC: mean and standard error over the folds")
    _write_title(axes, "Candidates compared", "cross-validation on the training part; seconds for all folds")
    _tidy(axes)
    return figure


def _write_title(axes: Axes, title: str, below: str) -> None:
    axes.set_title(f"{title}\n", loc="left", fontweight="bold", color=INK)
    axes.text(0, 1.02, below, transform=axes.transAxes, color="#5c6b7d", fontsize="small")


def _tidy(*several: Any) -> None:
    for axes in several:
        axes.spines[["top", "right"]].set_visible(False)


def render_figures(figures: Mapping[str, Figure]) -> dict[str, bytes]:
    """Render figures as PNG files of a run, by their paths."""
    rendered = {}
    for name, figure in figures.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=120)
        rendered[f"plots/{name}.png"] = buffer.getvalue()
    return rendered
