"""What the page of the shadow shows: a challenger and the champion on the same subscribers, over the last days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from churn.contract.declaration import Contract
from churn.dashboard.charts.drawing import Chart
from churn.dashboard.charts.plots import Interval, Side, by_name, drawn_intervals, histogram
from churn.dashboard.words import named
from churn.judging.findings import Finding
from churn.prediction_log.places import Places
from churn.shadow.reading import EVER, choose_bundles, read_pairs
from churn.shadow.report import BIN_EDGES, ShadowReport, build_report
from churn.shadow.tables import ReportTable, tabulate_checks, tabulate_differences

DAYS = 7
TONES = {"promote": "good", "hold": "calm", "roll back": "bad"}
FARTHEST = 2.0  # of the tolerance; what lies farther out is drawn at the edge
MOST_TICKS = 5


@dataclass(frozen=True)
class Shadowing:
    """The page's values.

    Args:
        report: of the two bundles that answered last.
    """

    report: ShadowReport

    @property
    def headline(self) -> str:
        """The verdict in a few words."""
        return self.report.headline

    @property
    def reason(self) -> str:
        """Why."""
        reason = self.report.verdict.reason
        return f"{reason[:1].upper()}{reason[1:]}."

    @property
    def compared(self) -> str:
        """Which bundles, how much, and of which time."""
        return f"{self.report.title}: {self.report.scope}."

    @property
    def tone(self) -> str:
        """How the verdict looks."""
        return TONES[self.report.verdict.decision]

    @property
    def charts(self) -> list[Chart]:
        """The checks first."""
        return [_checks_chart(self.report), _scores_chart(self.report), _reasons_chart(self.report)]

    @property
    def tables(self) -> list[ReportTable]:
        """What the charts do not show."""
        return tabulate_differences(self.report)


def shadowing(places: Places, contract: type[Contract], now: datetime) -> Shadowing | None:
    """Compares the two bundles that answered last; None if no challenger has answered in the last days.

    Raises:
        DataError: a segment is damaged; names it.
        OSError: a folder cannot be read.
        ChurnError: the object store cannot be used.
    """
    tallies = read_pairs(places, contract, during=(now - timedelta(days=DAYS), EVER[1]))
    chosen = choose_bundles(tallies, None, None)
    return Shadowing(build_report(chosen, tallies[chosen])) if chosen and tallies[chosen].pairs else None


def _checks_chart(report: ShadowReport) -> Chart:
    """Where each check's truth surely lies, in parts of what is tolerated."""
    table = tabulate_checks(report)
    narrow, wide = drawn_intervals(
        [_parts(found) for found in report.verdict.findings],
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


def _scores_chart(report: ShadowReport) -> Chart:
    edges = [f"{100 * edge:.0f}" for edge in BIN_EDGES]
    every = max(1, (len(edges) - 1) // MOST_TICKS)
    return histogram(
        name="scores",
        title="Scores",
        summary="Probabilities of leaving that both gave to the same subscribers.",
        bins=[f"{low} to {high} %" for low, high in pairwise(edges)],
        ticks={at: f"{edges[at]} %" for at in range(0, len(edges), every)},
        sides=_sides(*report.scores),
    )


def _reasons_chart(report: ShadowReport) -> Chart:
    tops = sorted(report.tops, key=lambda each: -each.champion)
    shares = [[top.champion for top in tops], [top.challenger for top in tops]]
    counts = ([round(share * report.pairs) for share in each] for each in shares)
    return by_name(
        name="reasons",
        title="Top-3 reasons",
        summary="How often each feature is among the three that weigh most.",
        names=[named(top.feature) for top in tops],
        sides=_sides(*counts),
        totals=(report.pairs, report.pairs),
    )


def _sides(champion: Any, challenger: Any) -> tuple[Side, Side]:
    return Side("champion", "stable", champion), Side("challenger", "canary", challenger)
