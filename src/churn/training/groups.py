"""Which rows belong together: those of one subscriber, and those that are copies of each other.

A row whose copy was trained on is not unseen. So split, sample and folds take all rows of a group or none.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from churn.contract.declaration import Rows

type Indices = npt.NDArray[np.intp]
type Labels = npt.NDArray[np.integer[Any]]
type Weights = npt.NDArray[np.float64]
"""For how many subscribers each row stands, (n,)."""

COMMON_SHARE, COMMON_ROWS = 0.01, 10
"""Of equal rows: with more, chance makes them, for the fields are few or coarse. Then nothing tells a copy."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The group of each row, and what made them.

    Args:
        numbers: (n,), from 0 in the order of the rows.
        repeated_ids: how many ids stand in several rows.
        rows_of_repeated_ids: how many rows these are.
        identical_rows: how many rows have the features of an earlier one.
        most_identical: how many rows have the features that most have.
        has_ids: whether the file says who is who.
    """

    numbers: Indices
    repeated_ids: int
    rows_of_repeated_ids: int
    identical_rows: int
    most_identical: int
    has_ids: bool

    @property
    def are_copies_joined(self) -> bool:
        """Tell whether identical rows are in one group."""
        return self.most_identical <= _count_most_copies(len(self.numbers))

    def describe(self) -> Iterator[str]:
        """Yield what the user must know, a sentence each."""
        if not self.has_ids:
            yield (
                "there is no column of ids: a hash of each row decides who is in the holdout, so a subscriber whose "
                "values change is taken for another one"
            )
        if self.repeated_ids:
            yield (
                f"{self.repeated_ids:,} ids stand in several rows ({self.rows_of_repeated_ids:,} rows): all rows of "
                "an id are on one side of the split, and of each fold"
            )
        if self.identical_rows and self.are_copies_joined:
            yield (
                f"{self.identical_rows:,} rows have the same features as an earlier one: identical rows are on one "
                "side of the split, and of each fold"
            )
        elif self.identical_rows:
            yield (
                f"{self.identical_rows:,} rows have the same features as an earlier one, and {self.most_identical:,} "
                "rows are all the same: the fields are so coarse that chance makes identical rows, so they may be "
                "on both sides of the split"
            )


def group_rows(ids: Sequence[str], rows: Rows) -> Groups:
    """Group rows that have an id or all features in common, with what they have in common themselves.

    Args:
        ids: one for each row; none if the file has none.
        rows: float32 (n, features), encoded.
    """
    features, feature_counts = _number_rows(rows)
    most_identical = int(feature_counts.max(initial=0))
    of_ids = Counter(ids)
    repeated = [count for count in of_ids.values() if count > 1]
    numbers = np.arange(len(rows))
    if ids:
        place = {identifier: number for number, identifier in enumerate(of_ids)}
        numbers = np.array([place[identifier] for identifier in ids], dtype=np.intp)
    if most_identical <= _count_most_copies(len(rows)):
        numbers = _join(numbers, features)
    return Groups(
        numbers=numbers,
        repeated_ids=len(repeated),
        rows_of_repeated_ids=sum(repeated),
        identical_rows=len(rows) - len(feature_counts),
        most_identical=most_identical,
        has_ids=bool(ids),
    )


def find_strata(labels: Labels, groups: Indices) -> tuple[Indices, Indices]:
    """Number the groups of these rows from 0. Return the number of each row, and the label of each group.

    The label is 1 if anybody in the group left.
    """
    _, numbers = np.unique(groups, return_inverse=True)
    strata = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=np.intp)
    np.maximum.at(strata, numbers, labels)
    return numbers, strata


def _count_most_copies(rows: int) -> float:
    return max(COMMON_ROWS, COMMON_SHARE * rows)


def _number_rows(rows: Rows) -> tuple[Indices, Indices]:
    """Number equal rows. Return the number of each, and how often each number is there."""
    whole = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, numbers, counts = np.unique(whole, return_inverse=True, return_counts=True)
    return numbers, counts


def _join(first: Indices, second: Indices) -> Indices:
    """Number rows so that those with a number in common, in one of both, get the same. Numbers rise with the rows."""
    offset = int(first.max(initial=-1)) + 1
    size = offset + int(second.max(initial=-1)) + 1
    links = coo_array((np.ones(len(first), dtype=np.int8), (first, second + offset)), shape=(size, size))
    _, parts = connected_components(links, directed=False)
    _, places, numbers = np.unique(parts[first], return_index=True, return_inverse=True)
    return np.argsort(np.argsort(places))[numbers]
