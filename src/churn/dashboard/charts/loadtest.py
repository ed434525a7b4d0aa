"""Draw a load test: each answer over time, and latency by percentile."""

import json
from collections.abc import Sequence
from math import log10
from typing import Any

from churn.dashboard.charts.drawing import EFFECT, LIMIT, SOFT, STABLE, Chart, build_layer, build_rule, draw_both
from churn.dashboard.report import Report, Table, report_figures
from churn.dashboard.words import make_sentence
from churn.loadtest.plan import LoadPlan, OpenLoop
from churn.loadtest.report import LoadReport
from churn.loadtest.samples import Sample
from churn.loadtest.words import describe_load, describe_verdict, rows_from_report

PERCENTILES = (50.0, 90.0, 99.0, 99.9, 99.99, 99.999)
MOST_POINTS, SLOWEST = 1500, 300
MOST_CURVE = 200
PARTS = 10  # of the time, in the table
LATENCY = {
    "field": "ms",
    "type": "quantitative",
    "scale": {"type": "log"},
    "axis": {"format": "~g", "title": "milliseconds", "values": [10.0**power for power in range(-2, 6)]},
}


def report_load(plan: LoadPlan, figures: LoadReport, samples: Sequence[Sample]) -> Report:
    """Report a load test; without an answer there is nothing to draw."""
    charts = [_draw_time(plan, samples), _draw_percentiles(plan, samples)] if figures.latency else []
    return report_figures(
        f"Load test of {plan.url}",
        make_sentence(describe_load(plan)).removesuffix("."),
        charts,
        [Table("What was measured", ["measure", "value"], rows_from_report(plan, figures))],
        lead=f"Objective {describe_verdict(plan, figures)}.",
        badge="met" if figures.passed else "missed",
        tone="good" if figures.passed else "bad",
    )


def _draw_time(plan: LoadPlan, samples: Sequence[Sample]) -> Chart:
    answered = [sample for sample in samples if sample.error is None]
    failed = [sample for sample in samples if sample.error is not None]
    points = [{"at": sample.intended_s, "ms": sample.latency_ms} for sample in _thin_out(answered)]
    crosses = [{"at": sample.intended_s, "tip": f"{sample.error}"} for sample in failed[:MOST_POINTS]]
    x = {"field": "at", "type": "quantitative", "axis": {"title": "seconds"}}
    point = {"type": "point", "filled": True, "size": 9, "opacity": 0.5, "color": STABLE}
    layers = [
        build_layer(points, point, x=x, y=LATENCY),
        _draw_objective(plan),
    ]
    if crosses:
        cross = {"type": "point", "shape": "cross", "size": 40, "color": LIMIT}
        layers.append(build_layer(crosses, cross, x=x, y={"value": "height"}, description="tip:N"))
    due = "was due" if isinstance(plan.loop, OpenLoop) else "was sent"
    thinned = (
        f" Of {len(answered):,} answers the slowest and some others are drawn." if len(points) < len(answered) else ""
    )
    return Chart(
        name="time",
        title="Each answer over time",
        summary=f"Latency in milliseconds, by when the request {due}.{thinned}",
        columns=["From second", "Answers", "Median, ms", "Slowest, ms", "Failed"],
        rows=_sum_up_by_time(samples),
        drawing=draw_both(layers, height=250),
        keys=[("stable", "an answer"), ("limit", f"objective: p99 under {plan.slo_p99_ms:,g} ms")],
    )


def _draw_percentiles(plan: LoadPlan, samples: Sequence[Sample]) -> Chart:
    """Draw 99, 99.9 and 99.99 % equally far apart, so that the slowest few have as much room as the rest."""
    ordered = sorted(sample.latency_ms for sample in samples if sample.error is None)
    count = len(ordered)
    ranks = sorted({count - round(count ** (at / MOST_CURVE)) for at in range(MOST_CURVE + 1)} | {count - 1})
    # The slowest of n stands where the share of slower ones is half of one in n; at none it would be infinitely far.
    curve = [{"at": -log10(max(count - rank - 1, 0.5) / count), "ms": ordered[rank]} for rank in ranks if rank >= 0]
    shown = [percentile for percentile in PERCENTILES if (100 - percentile) / 100 * count >= 1] or [50.0]
    values = [(ordered[-(-count * round(1000 * percentile) // 100_000) - 1], percentile) for percentile in shown]
    marks: list[dict[str, Any]] = [
        {
            "at": _place_percentile(percentile),
            "ms": ms,
            "words": f"{ms:,.1f}",
            "tip": f"{percentile:g} % within {ms:,.1f} ms",
        }
        for ms, percentile in values
    ]
    marks.append({"at": log10(2 * count), "ms": ordered[-1], "words": f"{ordered[-1]:,.1f}", "tip": "the slowest"})
    labels = {f"{round(_place_percentile(percentile), 3):g}": f"{percentile:g} %" for percentile in shown}
    axis = {
        "values": [round(_place_percentile(percentile), 3) for percentile in shown],
        "labelExpr": f"{json.dumps(labels)}[datum.value]",
        "title": None,
    }
    x = {"field": "at", "type": "quantitative", "axis": axis}
    line = {"type": "line", "interpolate": "step-before", "color": STABLE, "strokeWidth": 2}
    words = {"type": "text", "align": "right", "dx": -7, "dy": -7, "color": SOFT}
    point = {"type": "point", "filled": True, "size": 50, "color": EFFECT, "opacity": 1}
    layers = [
        build_layer(curve, line, x=x, y=LATENCY),
        _draw_objective(plan),
        build_layer(marks, point, x=x, y=LATENCY, description="tip:N"),
        build_layer(marks, words, x=x, y=LATENCY, text="words:N"),
    ]
    return Chart(
        name="percentiles",
        title="Latency by percentile",
        summary="So many percent of the answers took at most so many milliseconds. The last point is the slowest.",
        columns=["Percentile", "Milliseconds"],
        rows=[*([f"{percentile:g} %", f"{ms:,.2f}"] for ms, percentile in values), ["slowest", f"{ordered[-1]:,.2f}"]],
        drawing=draw_both(layers, height=250),
        keys=[("stable", "answers"), ("limit", f"objective: p99 under {plan.slo_p99_ms:,g} ms")],
    )


def _draw_objective(plan: LoadPlan) -> dict[str, Any]:
    return build_rule(y={"datum": plan.slo_p99_ms, "type": "quantitative"})


def _place_percentile(percentile: float) -> float:
    """Return where a percentile stands: 90 at 1, 99 at 2, 99.9 at 3."""
    return -log10(1 - percentile / 100)


def _thin_out(answered: Sequence[Sample]) -> list[Sample]:
    """Return the slowest answers and evenly spread others, as many as can be told apart."""
    if len(answered) <= MOST_POINTS:
        return list(answered)
    ordered = sorted(answered, key=lambda sample: sample.latency_ms)
    rest = ordered[:-SLOWEST]
    return rest[:: -(-len(rest) // (MOST_POINTS - SLOWEST))] + ordered[-SLOWEST:]


def _sum_up_by_time(samples: Sequence[Sample]) -> list[list[str]]:
    size, rows = max(sample.intended_s for sample in samples) / PARTS or 1.0, []
    for part in range(PARTS):
        own = [sample for sample in samples if min(int(sample.intended_s / size), PARTS - 1) == part]
        ordered = sorted(sample.latency_ms for sample in own if sample.error is None)
        median, slowest = (f"{ordered[at]:,.2f}" if ordered else "-" for at in ((len(ordered) - 1) // 2, -1))
        rows.append([f"{part * size:,.1f}", f"{len(ordered):,}", median, slowest, f"{len(own) - len(ordered):,}"])
    return rows
