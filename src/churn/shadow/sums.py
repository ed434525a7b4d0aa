"""Pairs summed up. The report needs these sums only, so no pairs of a day are kept."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, get_args

import numpy as np

from churn.answers import RiskTier
from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.model.pairs import (
    STEPS,
    Differences,
    Flags,
    ModelAnswers,
    Numbers,
    Whole,
    compare_answers,
    find_strongest,
)

# Of the probability, in the picture of one model over the other.
BINS = 50
LARGE = 0.1
TIERS: tuple[RiskTier, ...] = get_args(RiskTier.__value__)


@dataclass(frozen=True, slots=True)
class PairMeasure:
    """How two answers about one subscriber differ, as a number between 0 and 1.

    Args:
        measure: computes it, for many pairs at once.
        is_share: whether each pair is 0 or 1, so that the mean is a share.
    """

    name: str
    meaning: str
    measure: Callable[[Differences], Numbers | Flags]
    is_share: bool = True

    def describe(self, mean: float | None) -> str:
        """Write a mean: a share in percent, or a difference of probabilities."""
        if mean is None:
            return "-"
        return f"{100 * mean:.2f} %" if self.is_share else f"{mean:.4f}"


TIER_FLIPS: Final = PairMeasure(
    "tier flips", "another risk tier", lambda pairs: pairs.champion_tier != pairs.challenger_tier
)
BANNER_FLIPS: Final = PairMeasure(
    "banner flips", "a banner from one of the two only", lambda pairs: pairs.champion_banner != pairs.challenger_banner
)
OTHER_TOP: Final = PairMeasure(
    "other top 3", "other features among the three largest contributions", lambda pairs: ~pairs.same_set
)
OTHER_ORDER: Final = PairMeasure(
    "other order", "another order of them, or other features", lambda pairs: ~pairs.same_order
)
OTHER_DIRECTION: Final = PairMeasure(
    "other direction", "one of the champion's three reasons works the other way", lambda pairs: ~pairs.same_signs
)
LARGE_DIFFERENCES: Final = PairMeasure(
    "large differences",
    f"probabilities more than {LARGE:g} apart",
    lambda pairs: np.abs(pairs.shift) > LARGE * STEPS,
)
DIFFERENCE: Final = PairMeasure(
    "difference",
    "how far the probabilities lie apart, on average",
    lambda pairs: np.abs(pairs.shift) / STEPS,
    is_share=False,
)
ALL = (TIER_FLIPS, BANNER_FLIPS, OTHER_TOP, OTHER_ORDER, OTHER_DIRECTION, LARGE_DIFFERENCES, DIFFERENCE)
MEASURES: Final = {measure.name: measure for measure in ALL}


class PairBlock(NamedTuple):
    """Some pairs."""

    values: Numbers  # encoded, (n, features)
    threshold: Numbers  # the banner is shown above this probability, (n,)
    champion: ModelAnswers
    challenger: ModelAnswers


class Grouping(NamedTuple):
    """One way to divide subscribers.

    Args:
        levels: the names of the groups.
        feature: the field's number in the contract; None for the champion's tier.
        bounds: between the bands of a number, or between the tiers; None where the encoded value is the group's number.
        unknown: the group of unknown values; None where there are none.
    """

    name: str
    levels: tuple[str, ...]
    feature: int | None = None
    bounds: tuple[float, ...] | None = None
    unknown: int | None = None

    def label(self, level: str, contract: type[Contract]) -> str:
        """Return a group's name for people: `Internet service: DSL`, or `Tenure: short`."""
        if self.feature is None:
            return f"Risk tier: {level}"
        spec = contract.features[self.feature]
        at = self.levels.index(level)
        label = spec.bands[at].label if at < len(spec.bands) else ""
        return f"{spec.label}: {label or level}"

    def assign(self, values: Numbers, probability: Numbers) -> Whole:
        """Return the number of each subscriber's group, (n,), from encoded values, (n, features)."""
        column = probability if self.feature is None else values[:, self.feature]
        known = column if self.unknown is None else np.nan_to_num(column)
        level = known.astype(np.int64) if self.bounds is None else self._find_levels(known)
        return level if self.unknown is None else np.where(np.isnan(column), self.unknown, level)

    def _find_levels(self, numbers: Numbers) -> Whole:
        return np.asarray(np.searchsorted(self.bounds or (), numbers, side="right"))


def list_groupings(contract: type[Contract]) -> list[Grouping]:
    """Return all groupings of a contract: the tier first, then its fields in order."""
    return [
        Grouping("risk tier", TIERS, bounds=contract.tiers),
        *(_group_by(at, spec) for at, spec in enumerate(contract.features)),
    ]


def _group_by(at: int, spec: FeatureSpec) -> Grouping:
    """Group by a field. Categories and yes or no are groups of their own; numbers have the bands of their wording."""
    if spec.words is not None:
        levels, bounds = tuple(band.name for band in spec.bands), spec.bounds[:-1]
    else:
        levels, bounds = spec.categories or ("no", "yes"), None
    if not spec.is_nullable:
        return Grouping(spec.name, levels, at, bounds)
    return Grouping(spec.name, (*levels, spec.unknown.name), at, bounds, unknown=len(levels))


@dataclass(eq=False)
class PairSums:
    """The sums over all pairs of two bundles so far.

    Attributes:
        unpaired: records without the challenger's answer.
        shifts: pairs by difference, challenger minus champion, from -1 to 1 in steps of the last decimal.
        totals: of each measure.
        tiers: the champion's (rows) by the challenger's, (3, 3).
        banners: whether the champion shows one (rows) by whether the challenger does, (2, 2).
        plane: pairs by probability, the champion's (rows) by the challenger's.
        tops: pairs with each feature among the champion's three (first row), and the challenger's.
        groups: of each grouping the number of pairs and then the sum of each measure, (levels, 1 + measures).
        first_us, last_us: when the earliest and the latest record was made, in microseconds since 1970.
    """

    contract: type[Contract]
    pairs: int = 0
    unpaired: int = 0
    shifts: Whole = field(default_factory=lambda: np.zeros(2 * STEPS + 1, dtype=np.int64))
    totals: Numbers = field(default_factory=lambda: np.zeros(len(MEASURES)))
    tiers: Whole = field(default_factory=lambda: np.zeros((3, 3), dtype=np.int64))
    banners: Whole = field(default_factory=lambda: np.zeros((2, 2), dtype=np.int64))
    plane: Whole = field(default_factory=lambda: np.zeros((BINS, BINS), dtype=np.int64))
    first_us: int | None = None
    last_us: int | None = None

    def __post_init__(self) -> None:
        self.tops: Whole = np.zeros((2, len(self.contract.features)), dtype=np.int64)
        self.groupings = list_groupings(self.contract)
        self.groups = [np.zeros((len(grouping.levels), 1 + len(MEASURES))) for grouping in self.groupings]

    def extend_period(self, first_us: int, last_us: int) -> None:
        """Note that records of this time were read."""
        self.first_us = first_us if self.first_us is None else min(self.first_us, first_us)
        self.last_us = last_us if self.last_us is None else max(self.last_us, last_us)

    def add(self, block: PairBlock) -> None:
        """Add some pairs."""
        differences = compare_answers(block.champion, block.challenger, block.threshold, self.contract.tiers)
        measured = np.stack([measure.measure(differences).astype(np.float64) for measure in ALL])
        self.pairs += len(block.values)
        self.totals += measured.sum(axis=1)
        self.shifts += np.bincount(differences.shift + STEPS, minlength=2 * STEPS + 1)
        self.tiers += _cross(differences.champion_tier, differences.challenger_tier, 3)
        self.banners += _cross(differences.champion_banner, differences.challenger_banner, 2)
        self.plane += _cross(_bins(block.champion.probability), _bins(block.challenger.probability), BINS)
        for at, answers in enumerate((block.champion, block.challenger)):
            strongest = find_strongest(answers.contributions).ravel()
            self.tops[at] += np.bincount(strongest, minlength=self.tops.shape[1])
        for grouping, sums in zip(self.groupings, self.groups, strict=True):
            level = grouping.assign(block.values, block.champion.probability)
            sums[:, 0] += np.bincount(level, minlength=len(sums))
            for at, numbers in enumerate(measured, 1):
                sums[:, at] += np.bincount(level, numbers, minlength=len(sums))

    def count_values(self, measure: PairMeasure) -> tuple[Numbers, Numbers]:
        """Return the values that a measure takes, and how often it took each."""
        if measure.is_share:
            hits = self.totals[ALL.index(measure)]
            return np.array([0.0, 1.0]), np.array([self.pairs - hits, hits])
        return np.abs(np.arange(-STEPS, STEPS + 1)) / STEPS, self.shifts.astype(float)


def _cross(rows: Whole | np.ndarray, columns: Whole | np.ndarray, size: int) -> Whole:
    """Count each combination of row and column."""
    counts = np.bincount(rows.astype(np.int64) * size + columns, minlength=size * size)
    return counts.reshape(size, size)


def _bins(probability: Numbers) -> Whole:
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)
