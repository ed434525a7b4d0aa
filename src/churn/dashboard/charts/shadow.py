"""Draw a challenger beside the champion: both answered the same subscribers."""

from itertools import pairwise
from math import log1p
from typing import Any

from churn.businesses import find_contract
from churn.dashboard.charts.drawing import LINE, STABLE, Chart, build_layer, build_rule, draw_both
from churn.dashboard.charts.plots import Interval, Series, draw_histogram, draw_intervals, draw_shares
from churn.dashboard.report import Report, Table, report_figures
from churn.dashboard.words import format_percent, make_sentence, title_from_name
from churn.judging.findings import Finding
from churn.shadow.report import BIN_EDGES, ShadowReport, tabulate_checks, tabulate_differences

BADGES = {"promote": "fit", "hold": "not yet", "roll back": "not fit"}
TONES = {"promote": "good", "hold": "calm", "roll back": "bad"}
FARTHEST = 2.0  # of the tolerance; what lies farther out is drawn at the edge
MOST_TICKS = 5
TENTHS = 10


def report_shadow(figures: ShadowReport) -> Report:
    """Report what two models said of the same subscribers, the checks first."""
    return report_figures(
        "Shadow",
        figures.headline,
        [_draw_checks(figures), _draw_scores(figures), _draw_reasons(figures), _draw_plane(figures)],
        [
            Table(table.title, table.columns, [[title_from_name(str(first)), *rest] for first, *rest in table.rows])
            for table in tabulate_differences(figures)
        ],
        lead=make_sentence(figures.verdict.reason),
        basis=f"{figures.title}: {figures.scope}.",
        badge=BADGES[figures.verdict.decision],
        tone=TONES[figures.verdict.decision],
    )


def _draw_checks(figures: ShadowReport) -> Chart:
    """Where each check's truth surely lies, in parts of what is tolerated."""
    table = tabulate_checks(figures)
    drawing = draw_intervals(
        [_interval_from_finding(found) for found in figures.verdict.findings],
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
        drawing=drawing,
        keys=[("band", "surely in here"), ("effect", "observed"), ("limit", "tolerance")],
    )


def _interval_from_finding(found: Finding) -> Interval:
    low, high, value = ((end or 0.0) / found.tolerance for end in (found.low, found.high, found.effect))
    return Interval(title_from_name(found.check), low, high, value, found.reason)


def _draw_scores(figures: ShadowReport) -> Chart:
    edges = [f"{100 * edge:.0f}" for edge in BIN_EDGES]
    every = max(1, (len(edges) - 1) // MOST_TICKS)
    return draw_histogram(
        name="scores",
        title="Scores",
        summary="Probabilities of leaving that both gave to the same subscribers.",
        bins=[f"{low} to {high} %" for low, high in pairwise(edges)],
        ticks={at: f"{edges[at]} %" for at in range(0, len(edges), every)},
        sides=_pair_sides(*figures.scores),
    )


def _draw_reasons(figures: ShadowReport) -> Chart:
    tops = sorted(figures.tops, key=lambda each: -each.champion)
    shares = [[top.champion for top in tops], [top.challenger for top in tops]]
    counts = ([round(share * figures.pairs) for share in each] for each in shares)
    return draw_shares(
        name="reasons",
        title="Top-3 reasons",
        summary="How often each feature is among the three that weigh most.",
        names=[top.label for top in tops],
        sides=_pair_sides(*counts),
        totals=(figures.pairs, figures.pairs),
    )


def _pair_sides(champion: Any, challenger: Any) -> tuple[Series, Series]:
    return Series("champion", "stable", champion), Series("challenger", "canary", challenger)


def _draw_plane(figures: ShadowReport) -> Chart:
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
        for limit in ({"datum": end, "type": "quantitative"} for end in find_contract(figures.contract).tiers)
        for line in (build_rule(x=limit), build_rule(y=limit))
    ]
    layers = [
        build_layer(cells, {"type": "rect", "color": STABLE}, x=x, y=y, description="tip:N", **marks),
        build_layer(diagonal, {"type": "line", "color": LINE, "strokeWidth": 1.5}, x=x, y=y),
        *tiers,
    ]
    return Chart(
        name="plane",
        title="One model over the other",
        summary="How many subscribers both scored so; the darker, the more. On the diagonal both say the same.",
        columns=["Champion", "Pairs", "Challenger lower", "Alike", "Higher"],
        rows=_sum_up_by_tenth(counts),
        drawing=draw_both(layers, height=300),
        keys=[("stable", "pairs"), ("limit", "between risk tiers")],
    )


def _sum_up_by_tenth(counts: list[list[int]]) -> list[list[str]]:
    """Sum up the plane: of each tenth of the champion's scores, where the challenger's lie."""
    size, rows = len(counts) // TENTHS, []
    for tenth in range(TENTHS):
        cells = [
            (at, to, counts[at][to]) for at in range(tenth * size, (tenth + 1) * size) for to in range(len(counts))
        ]
        if total := sum(count for *_, count in cells):
            sides = [sum(count for at, to, count in cells if (to > at) - (to < at) == side) for side in (-1, 0, 1)]
            name = f"{10 * tenth} to {10 * (tenth + 1)} %"
            rows.append([name, f"{total:,}", *(format_percent(side / total, 1) for side in sides)])
    return rows
