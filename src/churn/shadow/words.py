"""The report in words and rows, for the terminal and the page alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from churn.judging.findings import Finding
from churn.shadow.checks import MEAN
from churn.shadow.report import Report, Table
from churn.shadow.tally import LARGE, MEASURES

VERDICTS = {
    "promote": "fit to be rolled out",
    "hold": "not yet to be rolled out",
    "roll back": "not to be rolled out",
}
MEANINGS = {
    "tier flips": "another risk tier",
    "banner flips": "a banner from one of the two only",
    "other top 3": "other features among the three largest contributions",
    "other order": "another order of them, or other features",
    "other direction": "one of the champion's three reasons works the other way",
    "large differences": f"probabilities more than {LARGE:g} apart",
    "difference": "how far the probabilities lie apart, on average",
}


class Rows(NamedTuple):
    """A table."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | int]]


def headline(report: Report) -> str:
    """The verdict in a few words."""
    return f"{report.bundles.challenger} is {VERDICTS[report.verdict.decision]}"


def title(report: Report) -> str:
    """What is compared."""
    return f"Champion {report.bundles}"


def span(report: Report) -> str:
    """How much, and of which time."""
    missing = f", {report.unpaired:,} more without the challenger's answer" if report.unpaired else ""
    first, last = (f"{moment:%Y-%m-%d %H:%M:%S}" for moment in (report.first, report.last))
    return f"{report.pairs:,} pairs from {first} to {last} UTC{missing}"


def check_rows(report: Report) -> Rows:
    """What each check found."""
    columns = ["check", "observed", "surely between", "tolerated", "decision"]
    return Rows("Checks", columns, [_check(found) for found in report.verdict.findings])


def difference_rows(report: Report) -> Rows:
    """Each measure over all pairs, and how the probabilities differ."""
    rows = [[measure, MEANINGS[measure], number(measure, mean)] for measure, mean in report.means.items()]
    for name, value in report.shift.items():
        what = "challenger minus champion" if name == "mean" else "of the size of the difference"
        rows.append([f"{name} of the difference" if name == "mean" else name, what, f"{value:.4f}"])
    return Rows("Differences", ["measure", "what it is", "all pairs"], rows)


def crossed_rows(name: str, table: Table) -> Rows:
    """The champion's answer (rows) by the challenger's."""
    columns = [f"champion's {name}", *(f"challenger: {each}" for each in table)]
    return Rows(f"By {name}", columns, [[row, *counts.values()] for row, counts in table.items()])


def group_rows(report: Report) -> Rows:
    """Each group of subscribers."""
    rows: list[list[str | int]] = [
        [f"{group.grouping}: {group.level}", group.pairs, *(number(each, mean) for each, mean in group.means.items())]
        for group in report.groups
    ]
    return Rows("By group of subscribers", ["group", "pairs", *MEASURES], rows)


def number(measure: str, mean: float | None) -> str:
    """A measure's mean: a share in percent, or a difference of probabilities."""
    if mean is None:
        return "-"
    return f"{mean:.4f}" if measure == MEAN else f"{100 * mean:.2f} %"


def _check(found: Finding) -> list[str]:
    ends = " and ".join(number(found.check, end) for end in (found.low, found.high))
    return [
        found.check,
        number(found.check, found.effect),
        ends,
        number(found.check, found.tolerance),
        "beyond" if found.is_outside else "within" if found.decision == "promote" else "not yet sure",
    ]
