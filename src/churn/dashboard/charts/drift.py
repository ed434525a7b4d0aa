"""Draw drift: each distribution at training, and now."""

from churn.dashboard.charts.drawing import Chart
from churn.dashboard.charts.plots import Series, draw_histogram
from churn.dashboard.report import Report
from churn.dashboard.words import format_time
from churn.monitoring.comparison import BAND_WORDS, PROBABILITY, DriftComparison
from churn.monitoring.drift import Distribution, Drift

ROOM = 46  # letters below a chart
TEN = 10
TONES = {"steady": "good", "moved": "warning", "far": "bad", "too few": "calm"}


def report_drift(comparison: DriftComparison) -> Report:
    """Report all that could be compared, the score first."""
    charts = [(item, _draw_distribution(comparison, item)) for item in comparison.known]
    return Report(
        topic=f"Drift of {comparison.manifest.model_version}",
        headline=comparison.summary,
        basis=_describe_basis(comparison),
        body="drift_body.html",
        values={"charts": charts, "words": BAND_WORDS, "tones": TONES, "comparison": comparison},
        charts=[chart for _, chart in charts],
    )


def _describe_basis(comparison: DriftComparison) -> str:
    live = comparison.live
    if not live or not live.records:
        return f"{comparison.missing} Scores are from {comparison.source}, since each instance started."
    return (
        f"The latest {live.records:,} predictions of {comparison.manifest.model_version}, from "
        f"{format_time(live.first)} to {format_time(live.last)}, against the holdout that it was measured on."
    )


def _draw_distribution(comparison: DriftComparison, item: Drift) -> Chart:
    reference = item.reference
    first = 1 if reference.edges and not (reference.counts[0] or item.live[0]) else 0  # such as "below 0"
    return draw_histogram(
        name=f"drift-{reference.name}",
        title=comparison.name(item),
        summary=f"PSI {item.index:.3f}: {BAND_WORDS[item.band]}.",
        bins=[comparison.name_bin(item, name) for name in reference.bins[first:]],
        ticks={at - first: label for at, label in _label_ticks(reference).items()},
        sides=(
            Series("at training", "stable", reference.counts[first:]),
            Series("now", "live", item.live[first:]),
        ),
        small=True,
        centred=not reference.edges,
    )


def _label_ticks(reference: Distribution) -> dict[int, str]:
    """Label the boundaries between bins, as many as have room."""
    labels = {at: _format_edge(edge, reference.name) for at, edge in enumerate(reference.edges, 1)}
    if not labels:
        return {}
    every = -(-len(labels) * (max(map(len, labels.values())) + 2) // ROOM)
    return {at: label for at, label in labels.items() if at % every == 0 or every == 1}


def _format_edge(edge: float, name: str) -> str:
    return f"{edge:.0%}" if name == PROBABILITY else f"{edge:,.0f}" if edge >= TEN else f"{edge:g}"
