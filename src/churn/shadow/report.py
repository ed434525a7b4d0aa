"""The report: its figures for charts and scripts, and its tables for the terminal and the page alike."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np

from churn.judging.findings import Finding
from churn.judging.judge import Verdict
from churn.model.pairs import STEPS, Whole
from churn.shadow.actions import ActionComparison, json_from_actions
from churn.shadow.checks import DEFAULT_CHECKS, PairedCheck, judge_pairs
from churn.shadow.reading import BundlePair
from churn.shadow.sums import BINS, MEASURES, TIERS, PairSums

PERCENTILES = (50, 90, 99)
# The bounds of the bins of the probability, one more than there are bins.
BIN_EDGES: Final[list[float]] = np.linspace(0, 1, BINS + 1).tolist()
VERDICTS = {
    "promote": "fit to be rolled out",
    "hold": "not yet to be rolled out",
    "roll back": "not to be rolled out",
}

type CrossTable = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class SubscriberGroup:
    """One group of subscribers: how many pairs, and the mean of each measure, None without a pair.

    The label names it for people.
    """

    grouping: str
    level: str
    label: str
    pairs: int
    means: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class TopShare:
    """The share of the pairs with a feature among the three largest contributions."""

    feature: str
    label: str
    champion: float
    challenger: float


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """What two models said of the same subscribers.

    Args:
        others: pairs of other two bundles at the same time.
        first, last: when the earliest and the latest record was made.
        unpaired: records without the challenger's answer.
        means: of each measure over all pairs.
        shift: of the difference, challenger minus champion: mean, and of its size percentiles and the maximum.
        tiers, banners: pairs by the champion's answer and then the challenger's.
        actions: what both would do for subscribers with a banner; None if nobody compared it.
        plane: pairs by both probabilities, in bins of the same width, the champion's (rows) by the challenger's.
    """

    contract: str
    bundles: BundlePair
    others: Mapping[str, int]
    first: datetime
    last: datetime
    pairs: int
    unpaired: int
    means: Mapping[str, float | None]
    shift: Mapping[str, float]
    tiers: CrossTable
    banners: CrossTable
    tops: Sequence[TopShare]
    groups: Sequence[SubscriberGroup]
    plane: Whole
    verdict: Verdict
    actions: ActionComparison | None = None

    @property
    def headline(self) -> str:
        """The verdict in a few words."""
        return f"{self.bundles.challenger} is {VERDICTS[self.verdict.decision]}"

    @property
    def title(self) -> str:
        """Which bundles are compared."""
        return f"Champion {self.bundles}"

    @property
    def scope(self) -> str:
        """Say how many pairs there are, and of what time."""
        missing = f", {self.unpaired:,} more without the challenger's answer" if self.unpaired else ""
        first, last = (f"{moment:%Y-%m-%d %H:%M:%S}" for moment in (self.first, self.last))
        return f"{self.pairs:,} pairs from {first} to {last} UTC{missing}"

    @property
    def scores(self) -> tuple[list[int], list[int]]:
        """How many probabilities the champion gave in each bin, and the challenger."""
        return self.plane.sum(axis=1).tolist(), self.plane.sum(axis=0).tolist()


def build_report(
    bundles: BundlePair,
    sums: PairSums,
    *,
    others: Mapping[str, int] | None = None,
    checks: Sequence[PairedCheck] = DEFAULT_CHECKS,
    actions: ActionComparison | None = None,
) -> ShadowReport:
    """Build the report of two bundles from their sums. At least one record must have been read."""
    contract = sums.contract
    shares = (sums.tops / max(sums.pairs, 1)).T.tolist()
    return ShadowReport(
        contract=contract.contract_name,
        bundles=bundles,
        others=others or {},
        first=_datetime_from_us(sums.first_us or 0),
        last=_datetime_from_us(sums.last_us or 0),
        pairs=sums.pairs,
        unpaired=sums.unpaired,
        means=_means(sums.pairs, sums.totals.tolist()),
        shift=_summarize_shifts(sums.shifts),
        tiers=_cross_table(TIERS, sums.tiers),
        banners=_cross_table(("no banner", "banner"), sums.banners),
        tops=[TopShare(spec.name, spec.label, *both) for spec, both in zip(contract.features, shares, strict=True)],
        groups=[
            SubscriberGroup(grouping.name, level, grouping.label(level, contract), int(pairs), _means(pairs, totals))
            for grouping, rows in zip(sums.groupings, sums.groups, strict=True)
            for level, (pairs, *totals) in zip(grouping.levels, rows.tolist(), strict=True)
        ],
        plane=sums.plane,
        verdict=judge_pairs(sums, checks),
        actions=actions,
    )


def json_from_report(report: ShadowReport) -> dict[str, Any]:
    """Return the report for scripts, with the plane as the two distributions of the score."""
    champion, challenger = report.scores
    figures = {name: value for name, value in asdict(report).items() if name not in {"plane", "actions"}}
    return figures | {
        "actions": json_from_actions(report.actions),
        "bundles": report.bundles._asdict(),
        "first": report.first.isoformat(),
        "last": report.last.isoformat(),
        "scores": {"edges": BIN_EDGES, "champion": champion, "challenger": challenger},
    }


class ReportTable(NamedTuple):
    """A table with its title."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | int]]


def tabulate_checks(report: ShadowReport) -> ReportTable:
    """Return what each check found."""

    def tabulate(finding: Finding) -> list[str]:
        describe = MEASURES[finding.check].describe
        return [
            finding.check,
            describe(finding.effect),
            f"{describe(finding.low)} and {describe(finding.high)}",
            describe(finding.tolerance),
            "beyond" if finding.is_outside else "within" if finding.is_within else "not yet sure",
        ]

    columns = ["check", "observed", "surely between", "tolerated", "decision"]
    return ReportTable("Checks", columns, [tabulate(finding) for finding in report.verdict.findings])


def tabulate_differences(report: ShadowReport) -> list[ReportTable]:
    """Return the differences over all pairs, by tier, by banner, and by group of subscribers."""
    return [
        _tabulate_measures(report),
        _tabulate_cross("tier", report.tiers),
        _tabulate_cross("banner", report.banners),
        *([tabulate_actions(report.actions)] if report.actions and report.actions.subscribers else []),
        _tabulate_groups(report),
    ]


def tabulate_actions(actions: ActionComparison) -> ReportTable:
    """Return what both would do, and how often that differs."""
    share = 100 * actions.others / actions.subscribers
    deciders = " and ".join("uplift" if is_uplift else "risk" for is_uplift in actions.by_uplift)
    title = f"By action: another one for {share:.1f} % of {actions.subscribers:,} with a banner, by {deciders}"
    rows: list[list[str | int]] = [
        [champion, challenger, count] for (champion, challenger), count in actions.actions.most_common()
    ]
    return ReportTable(title, ["champion's action", "challenger's", "subscribers"], rows)


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
    rows: list[list[str | int]] = []
    for group in report.groups:
        means = [MEASURES[name].describe(mean) for name, mean in group.means.items()]
        rows.append([group.label, group.pairs, *means])
    return ReportTable("By group of subscribers", ["group", "pairs", *MEASURES], rows)


def _means(pairs: float, totals: Sequence[float]) -> dict[str, float | None]:
    return {measure: total / pairs if pairs else None for measure, total in zip(MEASURES, totals, strict=True)}


def _summarize_shifts(shifts: Whole) -> dict[str, float]:
    """Summarize the differences. Exact: a shown probability has few decimals, so each difference is counted alone."""
    if not shifts.any():
        return {}
    steps = np.arange(-STEPS, STEPS + 1)
    sizes = shifts[STEPS:].copy()
    sizes[1:] += shifts[:STEPS][::-1]
    below = np.cumsum(sizes)
    # The smallest size that so many percent of the pairs do not exceed.
    percentiles = {f"p{n}": int(np.searchsorted(below, below[-1] * n / 100)) / STEPS for n in PERCENTILES}
    return {
        "mean": float(steps @ shifts) / int(below[-1]) / STEPS,
        **percentiles,
        "max": int(np.flatnonzero(sizes)[-1]) / STEPS,
    }


def _cross_table(names: Sequence[str], counts: Whole) -> dict[str, dict[str, int]]:
    return {
        name: dict(zip(names, map(int, row), strict=True)) for name, row in zip(names, counts.tolist(), strict=True)
    }


def _datetime_from_us(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us / 1e6, UTC)
