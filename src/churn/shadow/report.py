"""What the sums say, as figures: for tables, for the picture, and for scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from churn.judging.judge import Verdict
from churn.model.pairs import STEPS, Whole
from churn.shadow.checks import DEFAULT_CHECKS, PairedCheck, judge_pairs
from churn.shadow.groups import TIERS
from churn.shadow.reading import Bundles
from churn.shadow.tally import BINS, MEASURES, Tally

BANNER = ("no banner", "banner")
PERCENTILES = (50, 90, 99)

type Table = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Group:
    """One group of subscribers: how many pairs, and the mean of each measure; nothing where there is no pair."""

    grouping: str
    level: str
    pairs: int
    means: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Top:
    """In which share of the pairs a feature is among the three largest contributions."""

    feature: str
    champion: float
    challenger: float


@dataclass(frozen=True, slots=True)
class Report:
    """What two models said of the same subscribers.

    Args:
        contract: its name.
        bundles: which two.
        others: how many pairs of other two bundles there are at the same time.
        first, last: when the earliest and the latest record was made.
        pairs: subscribers that both answered.
        unpaired: records to which the challenger said nothing.
        means: of each measure over all pairs.
        shift: of the difference, challenger minus champion: mean, and of its size percentiles and the maximum.
        tiers: pairs by the champion's tier and then the challenger's.
        banners: likewise by whether there is a banner.
        tops: each feature.
        groups: in the contract's order.
        plane: pairs by both probabilities, in bins of the same width, the champion's (rows) by the challenger's.
        verdict: the judge's.
    """

    contract: str
    bundles: Bundles
    others: Mapping[str, int]
    first: datetime
    last: datetime
    pairs: int
    unpaired: int
    means: Mapping[str, float | None]
    shift: Mapping[str, float]
    tiers: Table
    banners: Table
    tops: Sequence[Top]
    groups: Sequence[Group]
    plane: Whole
    verdict: Verdict


def make_report(
    bundles: Bundles,
    tally: Tally,
    *,
    others: Mapping[str, int] | None = None,
    checks: Sequence[PairedCheck] = DEFAULT_CHECKS,
) -> Report:
    """The figures of what was summed up of two bundles; at least one record must have been read."""
    features = tally.contract.feature_names()
    shares = (tally.tops / max(tally.pairs, 1)).T.tolist()
    return Report(
        contract=tally.contract.contract_name,
        bundles=bundles,
        others=others or {},
        first=_moment(tally.first_us or 0),
        last=_moment(tally.last_us or 0),
        pairs=tally.pairs,
        unpaired=tally.unpaired,
        means=_means(tally.pairs, tally.sums.tolist()),
        shift=_shift(tally.shifts),
        tiers=_table(TIERS, tally.tiers),
        banners=_table(BANNER, tally.banners),
        tops=[Top(feature, *both) for feature, both in zip(features, shares, strict=True)],
        groups=_groups(tally),
        plane=tally.plane,
        verdict=judge_pairs(tally, checks),
    )


def score_counts(report: Report) -> tuple[list[int], list[int]]:
    """How many probabilities each model gave in each bin, the champion's and the challenger's."""
    return report.plane.sum(axis=1).tolist(), report.plane.sum(axis=0).tolist()


def bin_edges() -> list[float]:
    """The bins' bounds, one more than there are bins."""
    return np.linspace(0, 1, BINS + 1).tolist()


def _groups(tally: Tally) -> list[Group]:
    return [
        Group(grouping.name, level, int(pairs), _means(pairs, sums))
        for grouping, found in zip(tally.groupings, tally.groups, strict=True)
        for level, (pairs, *sums) in zip(grouping.levels, found.tolist(), strict=True)
    ]


def _means(pairs: float, sums: Sequence[float]) -> dict[str, float | None]:
    return {measure: total / pairs if pairs else None for measure, total in zip(MEASURES, sums, strict=True)}


def _shift(shifts: Whole) -> dict[str, float]:
    """Exact: a shown probability has few decimals, so each difference is counted by itself."""
    if not shifts.any():
        return {}
    steps = np.arange(-STEPS, STEPS + 1)
    sizes = shifts[STEPS:].copy()
    sizes[1:] += shifts[:STEPS][::-1]
    below = np.cumsum(sizes)
    # The smallest size that so many percent of the pairs do not exceed.
    found = {f"p{each}": int(np.searchsorted(below, below[-1] * each / 100)) / STEPS for each in PERCENTILES}
    return {
        "mean": float(steps @ shifts) / int(below[-1]) / STEPS,
        **found,
        "max": int(np.flatnonzero(sizes)[-1]) / STEPS,
    }


def _table(names: Sequence[str], counts: Whole) -> dict[str, dict[str, int]]:
    return {
        name: dict(zip(names, map(int, row), strict=True)) for name, row in zip(names, counts.tolist(), strict=True)
    }


def _moment(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us / 1e6, UTC)


def as_json(report: Report) -> dict[str, Any]:
    """The report for scripts; the plane as the two distributions of the score."""
    champion, challenger = score_counts(report)
    found = {name: value for name, value in asdict(report).items() if name != "plane"}
    return found | {
        "bundles": report.bundles._asdict(),
        "first": report.first.isoformat(),
        "last": report.last.isoformat(),
        "scores": {"edges": bin_edges(), "champion": champion, "challenger": challenger},
    }
