"""A model's tables as arrays: read from the bytes of their files, and checked before the kernel believes an index."""

import io
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from churn.explain.kernel import lanes, most_columns, most_features

HEADER_BYTES = 128  # as NumPy writes it for these shapes
ALIGNED_BYTES = 64
LARGEST_LOG_ODDS = 1e6
"""Of a leaf or a base value: far beyond any model's, and far from where float32 overflows."""
LARGEST_SHARE = 1.01
"""1, and what adding weights in float32 may add to it."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Compiled trees, as arrays that may lie in memory of several processes.

    Args:
        base: float64 (1,), the base value in log-odds.
        thresholds: float32, all features' one after the other; each feature's rise.
        threshold_ends: int64 (features,), where each feature's end.
        groups: int64 (groups, 5): number d of features, where they begin in `features`, number of leaves (0 for a
            grid), where their bytes begin in `passes`, where their numbers begin in `numbers`. Each group's begin where
            the earlier one's end.
        features: int64, the groups' features one after the other.
        passes: uint8, per group of leaves and feature (bins, leaves): 1 where the bin meets the leaf's condition.
        numbers: float32; of a grid (bins of each feature..., d) contributions; of leaves (leaves,) values, then
            (d, leaves) shares.
    """

    base: npt.NDArray[np.float64]
    thresholds: npt.NDArray[np.float32]
    threshold_ends: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64]
    features: npt.NDArray[np.int64]
    passes: npt.NDArray[np.uint8]
    numbers: npt.NDArray[np.float32]

    def save(self, folder: Path, prefix: str = "") -> None:
        """Write each array as a `.npy` file, whose name begins with the prefix."""
        for name in ARRAYS:
            np.save(folder / file_name(name, prefix), getattr(self, name), allow_pickle=False)

    @classmethod
    def read(cls, files: Mapping[str, memoryview], prefix: str = "") -> Self:
        """Read the arrays from the bytes of their files, without a copy.

        Raises:
            ValueError: the arrays are not sound. A file that holds no array may raise anything that NumPy does.
        """
        tables = cls(**{name: _read_array(name, files[file_name(name, prefix)]) for name in ARRAYS})
        tables.require_sound()
        return tables

    def arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """Return the arrays by name."""
        return {name: getattr(self, name) for name in ARRAYS}

    def require_sound(self) -> None:
        """Refuse what would lead the kernel, which checks nothing, past an end or to an answer that is no number.

        Integers of the arrays are compared first. They are added as Python's, which do not wrap, or not at all.

        Raises:
            ValueError: names the array.
        """
        if len(self.base) != 1 or not _lies_within(self.base, LARGEST_LOG_ODDS):
            raise ValueError("base is no log-odds")
        if not _lies_within(self.numbers, LARGEST_LOG_ODDS):
            raise ValueError("numbers are no log-odds")
        if self.passes.max(initial=0) > 1:
            raise ValueError("passes are not 0 or 1")
        bins = self._count_bins()
        if not ((self.features >= 0) & (self.features < len(bins))).all():
            raise ValueError("features are out of range")
        self._require_filled_arrays(bins)

    def _count_bins(self) -> npt.NDArray[np.int64]:
        """Return each feature's number of bins: one between and beside its thresholds, and one for a missing value."""
        ends, count = self.threshold_ends, len(self.thresholds)
        if len(ends) > most_columns:
            raise ValueError("there are too many features")
        if (
            not len(ends)
            or not ((ends >= 0) & (ends <= count)).all()
            or (ends[1:] < ends[:-1]).any()
            or ends[-1] != count
        ):
            raise ValueError("thresholds do not add up")
        rising = self.thresholds[1:] > self.thresholds[:-1]
        rising[ends[(ends > 0) & (ends < count)] - 1] = True  # where the next feature's begin
        if not (np.isfinite(self.thresholds).all() and rising.all()):
            raise ValueError("thresholds do not rise")
        return np.diff(ends, prepend=0) + 2

    def _require_filled_arrays(self, bins: npt.NDArray[np.int64]) -> None:
        """Refuse groups that leave a gap, overlap, or end elsewhere than the arrays."""
        first, first_pass, first_number = 0, 0, 0
        for d, begin, leaves, passes, numbers in self.groups.tolist():
            if not (0 < d <= most_features and begin == first <= len(self.features) - d):
                raise ValueError("groups do not add up")
            if leaves < 0 or leaves % lanes:
                raise ValueError("groups do not add up")
            asked = bins[self.features[first : first + d]].tolist()
            if passes != first_pass:
                raise ValueError("passes do not add up")
            if numbers != first_number:
                raise ValueError("numbers do not add up")
            first += d
            first_pass += leaves * sum(asked)
            first_number += (d + 1) * leaves or d * math.prod(asked)
            shares = self.numbers[numbers + leaves : first_number] if leaves else self.numbers[:0]
            if not (shares.min(initial=0) >= 0 and shares.max(initial=0) <= LARGEST_SHARE):
                raise ValueError("numbers hold shares that are none")
        if first != len(self.features):
            raise ValueError("features do not add up")
        if first_pass != len(self.passes):
            raise ValueError("passes do not add up")
        if first_number != len(self.numbers):
            raise ValueError("numbers do not add up")


# What each array's type and row are like.
ARRAYS: Mapping[str, npt.NDArray[Any]] = {
    "base": np.zeros(0),
    "thresholds": np.zeros(0, np.float32),
    "threshold_ends": np.zeros(0, np.int64),
    "groups": np.zeros((0, 5), np.int64),
    "features": np.zeros(0, np.int64),
    "passes": np.zeros(0, np.uint8),
    "numbers": np.zeros(0, np.float32),
}


def file_name(array: str, prefix: str = "") -> str:
    """Return the name of the file that holds an array."""
    return f"{prefix}tables_{array}.npy"


def _read_array(name: str, content: memoryview) -> npt.NDArray[Any]:
    expected, header = ARRAYS[name], io.BytesIO(content[:HEADER_BYTES])
    with warnings.catch_warnings(action="error"):  # NumPy would guess at some headers, and warn
        version = np.lib.format.read_magic(header)
        shape, is_column_major, dtype = np.lib.format.read_array_header_1_0(header)
    if (version, dtype, shape[1:], is_column_major) != ((1, 0), expected.dtype, expected.shape[1:], False):
        raise ValueError(f"{name} is {dtype} {shape}")
    if header.tell() % ALIGNED_BYTES or len(content) - header.tell() != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{name} is {dtype} {shape}, which its file's length does not fit")
    return np.frombuffer(content, dtype, offset=header.tell()).reshape(shape)


def _lies_within(numbers: npt.NDArray[np.floating[Any]], largest: float) -> bool:
    """Say whether all numbers lie between -largest and largest; NaN does not."""
    return bool(-largest <= numbers.min(initial=0) and numbers.max(initial=0) <= largest)
