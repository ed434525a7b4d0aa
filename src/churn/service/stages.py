"""How long each stage of an answer takes, kept as histograms, at the cost of a few microseconds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

type Stage = Literal["parse", "validate", "encode", "explain", "reasons", "retention", "serialise", "log"]

STAGES: tuple[Stage, ...] = get_args(Stage.__value__)
# A bucket's upper bound is a power of two of nanoseconds; 2^63 is 292 years.
BUCKETS = 64


class Bucket(NamedTuple):
    """Of a histogram: how many took longer than half of `below_us` and less than it, in microseconds."""

    below_us: float
    requests: int


class Stages:
    """The histograms of one process.

    Args:
        cells: where they are counted.
        first: of each stage, its first of BUCKETS cells; the one behind them is the sum, in nanoseconds.
    """

    def __init__(self, cells: memoryview[float], first: Mapping[Stage, int]) -> None:
        self._cells = cells
        self._first = first

    def clock(self) -> StageClock:
        """A clock that starts now."""
        return StageClock(self._cells, self._first)

    def histogram(self, stage: Stage) -> list[Bucket]:
        """The buckets from the first to the last that anything fell into."""
        first = self._first[stage]
        counts = [int(count) for count in self._cells[first : first + BUCKETS]]
        filled = [bits for bits, count in enumerate(counts) if count]
        return [Bucket(2**bits / 1000, counts[bits]) for bits in range(filled[0], filled[-1] + 1)] if filled else []


class StageClock:
    """Goes with one request and notes how long each of its stages took."""

    __slots__ = ("_cells", "_first", "_since_ns")

    def __init__(self, cells: memoryview[float], first: Mapping[Stage, int]) -> None:
        self._cells = cells
        self._first = first
        self._since_ns = time.perf_counter_ns()

    def done(self, stage: Stage) -> None:
        """Ends a stage, and begins the next."""
        now_ns = time.perf_counter_ns()
        took_ns = now_ns - self._since_ns
        first = self._first[stage]
        self._cells[first + took_ns.bit_length()] += 1
        self._cells[first + BUCKETS] += took_ns
        self._since_ns = now_ns
