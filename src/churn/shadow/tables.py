"""The report as tables, for the terminal and the page alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from churn.judging.findings import Finding
from churn.shadow.report import CrossTable, ShadowReport
from churn.shadow.sums import MEASURES


class ReportTable(NamedTuple):
    """A table with its title."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | int]]


def tabulate_checks(report: ShadowReport) -> ReportTable:
    """Return what each check found."""
    columns = ["check", "observed", "surely between", "tolerated", "decision"]
    return ReportTable("Checks", columns, [_check_row(finding) for finding in report.verdict.findings])


def tabulate_differences(report: ShadowReport) -> list[ReportTable]:
    """Return the differences over all pairs, by tier, by banner, and by group of subscribers."""
    return [
        _tabulate_measures(report),
        _tabulate_cross("tier", report.tiers),
        _tabulate_cross("banner", report.banners),
        _tabulate_groups(report),
    ]


def _tabulate_measures(report: ShadowReport) -> ReportTable:
    rows = [[name, MEASURES[name].meaning, MEASURES[name].describe(mean)] for name, mean in report.means.items()]
    for name, value in report.shift.items():
        meaning = "challenger minus champion" if name == "mean" else "of the size of the difference"
        rows.append([f"{name} of the difference" if name == "mean" else name, meaning, f"{value:.4f}"])
    return ReportTable("Differences", ["measure", "what it is", "all pairs"], rows)


def _tabulate_cross(name: str, table: CrossTable) -> ReportTable:
    """Cross the champion's answer (rows) with the challenger's."""
    columns = [f"champion's {name}", *(f"challenger: {answer}" for answer in table)]
    return ReportTable(f"By {name}", columns, [[answer, *counts.values()] for answer, counts in table.items()])


def _tabulate_groups(report: ShadowReport) -> ReportTable:
    rows: list[list[str | int]] = [
        [
            f"{group.grouping}: {group.level}",
            group.pairs,
            *(MEASURES[name].describe(mean) for name, mean in group.means.items()),
        ]
        for group in report.groups
    ]
    return ReportTable("By group of subscribers", ["group", "pairs", *MEASURES], rows)


def _check_row(finding: Finding) -> list[str]:
    describe = MEASURES[finding.check].describe
    return [
        finding.check,
        describe(finding.effect),
        f"{describe(finding.low)} and {describe(finding.high)}",
        describe(finding.tolerance),
        "beyond" if finding.is_outside else "within" if finding.is_within else "not yet sure",
    ]
