"""Pairs summed up: all that the report says is in these counts, so a day's pairs need not be kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from churn.contract.declaration import Contract
from churn.model.pairs import STEPS, Differences, Numbers, Side, Whole, compare, strongest
from churn.shadow.groups import Grouping, groupings

# Of the probability, in the picture of one model over the other.
BINS = 50
LARGE = 0.1


class Block(NamedTuple):
    """Some pairs.

    Args:
        values: encoded, (n, features).
        threshold: the banner is shown above this probability, (n,).
        champion, challenger: what each said.
    """

    values: Numbers
    threshold: Numbers
    champion: Side
    challenger: Side


# What is summed up of each pair, in each group: a number between 0 and 1.
MEASURES: Mapping[str, Callable[[Differences], Numbers]] = {
    "tier flips": lambda found: (found.champion_tier != found.challenger_tier).astype(float),
    "banner flips": lambda found: (found.champion_banner != found.challenger_banner).astype(float),
    "other top 3": lambda found: (~found.same_set).astype(float),
    "other order": lambda found: (~found.same_order).astype(float),
    "other direction": lambda found: (~found.same_signs).astype(float),
    "large differences": lambda found: (np.abs(found.shift) > LARGE * STEPS).astype(float),
    "difference": lambda found: np.abs(found.shift) / STEPS,
}


@dataclass(eq=False)
class Tally:
    """The sums over all pairs of two bundles so far.

    Args:
        contract: of both.

    Attributes:
        pairs: how many.
        unpaired: records for which the challenger has no answer.
        shifts: how many pairs have which difference, challenger minus champion, from -1 to 1 in steps of the last
            decimal.
        sums: of each measure.
        tiers: the champion's (rows) by the challenger's, (3, 3).
        banners: whether the champion shows one (rows) by whether the challenger does, (2, 2).
        plane: how many have which probabilities, the champion's (rows) by the challenger's.
        tops: in how many pairs each feature is among the champion's three (first row), and the challenger's.
        groups: of each grouping the number of pairs and then the sum of each measure, (levels, 1 + measures).
        first_us, last_us: when the earliest and the latest were made, in microseconds since 1970.
    """

    contract: type[Contract]
    pairs: int = 0
    unpaired: int = 0
    shifts: Whole = field(default_factory=lambda: np.zeros(2 * STEPS + 1, dtype=np.int64))
    sums: Numbers = field(default_factory=lambda: np.zeros(len(MEASURES)))
    tiers: Whole = field(default_factory=lambda: np.zeros((3, 3), dtype=np.int64))
    banners: Whole = field(default_factory=lambda: np.zeros((2, 2), dtype=np.int64))
    plane: Whole = field(default_factory=lambda: np.zeros((BINS, BINS), dtype=np.int64))
    first_us: int | None = None
    last_us: int | None = None

    def __post_init__(self) -> None:
        self.tops: Whole = np.zeros((2, len(self.contract.features)), dtype=np.int64)
        self.groupings: list[Grouping] = groupings(self.contract)
        self.groups = [np.zeros((len(each.levels), 1 + len(MEASURES))) for each in self.groupings]

    def saw(self, first_us: int, last_us: int) -> None:
        """Records of this time were read."""
        self.first_us = first_us if self.first_us is None else min(self.first_us, first_us)
        self.last_us = last_us if self.last_us is None else max(self.last_us, last_us)

    def add(self, block: Block) -> None:
        """Sums up some pairs more."""
        found = compare(block.champion, block.challenger, block.threshold)
        measured = np.stack([measure(found) for measure in MEASURES.values()])
        self.pairs += len(block.values)
        self.sums += measured.sum(axis=1)
        self.shifts += np.bincount(found.shift + STEPS, minlength=2 * STEPS + 1)
        self.tiers += _crossed(found.champion_tier, found.challenger_tier, 3)
        self.banners += _crossed(found.champion_banner, found.challenger_banner, 2)
        self.plane += _crossed(_bins(block.champion.probability), _bins(block.challenger.probability), BINS)
        self.tops += np.stack(
            [
                np.bincount(strongest(side.contributions).ravel(), minlength=self.tops.shape[1])
                for side in (block.champion, block.challenger)
            ]
        )
        for grouping, sums in zip(self.groupings, self.groups, strict=True):
            level = grouping.of(block.values, block.champion.probability)
            sums[:, 0] += np.bincount(level, minlength=len(sums))
            for at, numbers in enumerate(measured, 1):
                sums[:, at] += np.bincount(level, numbers, minlength=len(sums))


def _crossed(rows: Whole | np.ndarray, columns: Whole | np.ndarray, size: int) -> Whole:
    counted = np.bincount(rows.astype(np.int64) * size + columns, minlength=size * size)
    return counted.reshape(size, size)


def _bins(probability: Numbers) -> Whole:
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)
