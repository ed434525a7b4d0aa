"""What one track, stable or canary, answered: counts that only grow, and their differences between two looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BINS


@dataclass(frozen=True, slots=True)
class Counts:
    """Of POST /predict, since some moment.

    Args:
        requests: that were answered, by 2xx or 5xx; what the caller did wrong (4xx) says nothing of a version.
        errors: those answered by 5xx, or cut off.
        latency: how many took how long: one number for each bucket of LATENCY_BOUNDS_S, not summed up, and the last for
            all beyond.
        predictions: those that were answered by a probability.
        probability: how many of them fell into each of PROBABILITY_BINS bins.
        tiers: how many of them each tier got.
        banners: how many of them were above the threshold.
        top_features: in how many of them each feature was among the three largest contributions.
        top_sets: how many of them had which three.
    """

    requests: int = 0
    errors: int = 0
    latency: tuple[int, ...] = (0,) * (len(LATENCY_BOUNDS_S) + 1)
    predictions: int = 0
    probability: tuple[int, ...] = (0,) * PROBABILITY_BINS
    tiers: Mapping[str, int] = field(default_factory=dict)
    banners: int = 0
    top_features: Mapping[str, int] = field(default_factory=dict)
    top_sets: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Counts) -> Counts:
        return self._joined(other, 1)

    def __sub__(self, other: Counts) -> Counts:
        """What came since `other` was counted; the counters must not have begun anew in between."""
        return self._joined(other, -1)

    def numbers(self) -> Iterator[int]:
        """All that was counted, one after the other."""
        yield from (self.requests, self.errors, self.predictions, self.banners, *self.latency, *self.probability)
        for named in (self.tiers, self.top_features, self.top_sets):
            yield from named.values()

    def _joined(self, other: Counts, sign: int) -> Counts:
        def numbers(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(a + sign * b for a, b in zip(one, two, strict=True))

        def named(one: Mapping[str, int], two: Mapping[str, int]) -> dict[str, int]:
            joined = Counter(one)
            for name, count in two.items():
                joined[name] += sign * count
            return dict(joined)

        return Counts(
            self.requests + sign * other.requests,
            self.errors + sign * other.errors,
            numbers(self.latency, other.latency),
            self.predictions + sign * other.predictions,
            numbers(self.probability, other.probability),
            named(self.tiers, other.tiers),
            self.banners + sign * other.banners,
            named(self.top_features, other.top_features),
            named(self.top_sets, other.top_sets),
        )
