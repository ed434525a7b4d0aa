"""Draw a challenger beside the champion: both answered the same subscribers."""

from __future__ import annotations

from itertools import pairwise
from math import log1p
from typing import Any

from churn.answers import LOW_BELOW, MEDIUM_BELOW
from churn.dashboard.charts.drawing import LINE, NARROW, STABLE, Chart, draw, layer, rule
from churn.dashboard.charts.plots import Interval, Side, by_name, drawn_intervals, histogram
from churn.dashboard.report import Report, Table, figures_report
from churn.dashboard.words import named, percent, sentence
from churn.judging.findings import Finding
from churn.shadow.report import BIN_EDGES, ShadowReport
from churn.shadow.tables import tabulate_checks, tabulate_differences

BADGES = {"promote": "fit", "hold": "not yet", "roll back": "not fit"}
TONES = {"promote": "good", "hold": "calm", "roll back": "bad"}
FARTHEST = 2.0  # of the tolerance; what lies farther out is drawn at the edge
MOST_TICKS = 5
TENTHS = 10


def shadow_report(figures: ShadowReport) -> Report:
    """Report what two models said of the same subscribers, the checks first."""
    return figures_report(
        "Shadow",
        figures.headline,
        [_checks_chart(figures), _scores_chart(figures), _reasons_chart(figures), _plane_chart(figures)],
        [
            Table(table.title, table.columns, [[named(str(first)), *rest] for first, *rest in table.rows])
            for table in tabulate_differences(figures)
        ],
        lead=sentence(figures.verdict.reason),
        basis=f"{figures.title}: {figures.scope}.",
        badge=BADGES[figures.verdict.decision],
        tone=TONES[figures.verdict.decision],
    )


def _checks_chart(figures: ShadowReport) -> Chart:
    """Where each check's truth surely lies, in parts of what is tolerated."""
    table = tabulate_checks(figures)
    narrow, wide = drawn_intervals(
        [_parts(found) for found in figures.verdict.findings],
        domain=(0, FARTHEST),
        axis={"values": [0, 0.5, 1, 1.5, 2], "labelExpr": "datum.value == 1 ? 'tolerance' : ''"},
        limit=1,
    )
    return Chart(
        name="checks",
        title="Checks",
        summary="In how many answers the two differ, of what is tolerated. Left of the line a check is within.",
        columns=table.columns,
        rows=[[str(cell) for cell in row] for row in table.rows],
        narrow=narrow,
        wide=wide,
        keys=[("band", "surely in here"), ("effect", "observed"), ("limit", "tolerance")],
    )


def _parts(found: Finding) -> Interval:
    low, high, value = ((end or 0.0) / found.tolerance for end in (found.low, found.high, found.effect))
    return Interval(named(found.check), low, high, value, found.reason)


def _scores_chart(figures: ShadowReport) -> Chart:
    edges = [f"{100 * edge:.0f}" for edge in BIN_EDGES]
    every = max(1, (len(edges) - 1) // MOST_TICKS)
    return histogram(
        name="scores",
        title="Scores",
        summary="Probabilities of leaving that both gave to the same subscribers.",
        bins=[f"{low} to {high} %" for low, high in pairwise(edges)],
        ticks={at: f"{edges[at]} %" for at in range(0, len(edges), every)},
        sides=_sides(*figures.scores),
    )


def _reasons_chart(figures: ShadowReport) -> Chart:
    tops = sorted(figures.tops, key=lambda each: -each.champion)
    shares = [[top.champion for top in tops], [top.challenger for top in tops]]
    counts = ([round(share * figures.pairs) for share in each] for each in shares)
    return by_name(
        name="reasons",
        title="Top-3 reasons",
        summary="How often each feature is among the three that weigh most.",
        names=[named(top.feature) for top in tops],
        sides=_sides(*counts),
        totals=(figures.pairs, figures.pairs),
    )


def _sides(champion: Any, challenger: Any) -> tuple[Side, Side]:
    return Side("champion", "stable", champion), Side("challenger", "canary", challenger)


def _plane_chart(figures: ShadowReport) -> Chart:
    """Draw one model over the other: how many pairs lie where."""
    edges, counts = BIN_EDGES, figures.plane.tolist()
    most = max(max(row) for row in counts)
    cells = [
        {
            "x": edges[at], "x2": edges[at + 1], "y": edges[to], "y2": edges[to + 1],
            "weight": 0.12 + 0.88 * log1p(count) / log1p(most),
            "tip": f"champion {edges[at]:.0%} to {edges[at + 1]:.0%}, challenger {edges[to]:.0%} to "
            f"{edges[to + 1]:.0%}: {count:,} pairs",
        }
        for at, row in enumerate(counts)
        for to, count in enumerate(row)
        if count
    ]  # fmt: skip
    axis = {"type": "quantitative", "scale": {"domain": [0, 1], "nice": False}}
    ticks = {"format": ".0%", "values": [0, 0.25, 0.5, 0.75, 1]}
    x = {"field": "x", **axis, "axis": {**ticks, "title": "champion"}}
    y = {"field": "y", **axis, "axis": {**ticks, "title": "challenger"}}
    weight = {"field": "weight", "type": "quantitative", "scale": None}
    marks = {"x2": {"field": "x2"}, "y2": {"field": "y2"}, "opacity": weight}
    diagonal = [{"x": end, "y": end} for end in (0, 1)]
    tiers = [
        line
        for limit in ({"datum": end, "type": "quantitative"} for end in (LOW_BELOW, MEDIUM_BELOW))
        for line in (rule(x=limit), rule(y=limit))
    ]
    layers = [
        layer(cells, {"type": "rect", "color": STABLE}, x=x, y=y, description="tip:N", **marks),
        layer(diagonal, {"type": "line", "color": LINE, "strokeWidth": 1.5}, x=x, y=y),
        *tiers,
    ]
    return Chart(
        name="plane",
        title="One model over the other",
        summary="How many subscribers both scored so; the darker, the more. On the diagonal both say the same.",
        columns=["Champion", "Pairs", "Challenger lower", "Alike", "Higher"],
        rows=_tenths(counts),
        narrow=draw({"layer": layers}, width=NARROW, height=300),
        keys=[("stable", "pairs"), ("limit", "between risk tiers")],
    )


def _tenths(counts: list[list[int]]) -> list[list[str]]:
    """Sum up the plane: of each tenth of the champion's scores, where the challenger's lie."""
    size, rows = len(counts) // TENTHS, []
    for tenth in range(TENTHS):
        cells = [
            (at, to, counts[at][to]) for at in range(tenth * size, (tenth + 1) * size) for to in range(len(counts))
        ]
        if total := sum(count for *_, count in cells):
            sides = [sum(count for at, to, count in cells if (to > at) - (to < at) == side) for side in (-1, 0, 1)]
            name = f"{10 * tenth} to {10 * (tenth + 1)} %"
            rows.append([name, f"{total:,}", *(percent(side / total, 1) for side in sides)])
    return rows
