"""What one track, stable or canary, answered: counts that only grow, and their differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BINS


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Answers of POST /predict since some moment. In a simulation each number is an array, with one value per run.

    Args:
        requests: answered with 2xx or 5xx.
        errors: answered with 5xx, or cut off.
        refused: answered with 4xx. That is the caller's mistake, unless one version refuses more than the other.
        latency: requests in each bucket of LATENCY_BOUNDS_S, not cumulative; the last number counts all beyond.
        predictions: requests that were answered with a probability.
        probability: predictions in each of PROBABILITY_BINS bins.
        tiers: predictions in each tier.
        banners: predictions above the threshold.
        top_features: predictions that have this feature among the three largest contributions.
        top_sets: predictions that have these three.
    """

    requests: int = 0
    errors: int = 0
    refused: int = 0
    latency: tuple[int, ...] = (0,) * (len(LATENCY_BOUNDS_S) + 1)
    predictions: int = 0
    probability: tuple[int, ...] = (0,) * PROBABILITY_BINS
    tiers: Mapping[str, int] = field(default_factory=dict)
    banners: int = 0
    top_features: Mapping[str, int] = field(default_factory=dict)
    top_sets: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Counts) -> Counts:
        """Add two counts, field by field."""
        return self._combine(other, 1)

    def __sub__(self, other: Counts) -> Counts:
        """Return what came since `other` was counted. No counter may have restarted in between."""
        return self._combine(other, -1)

    def numbers(self) -> Iterator[int]:
        """Yield every number, in no order that matters."""
        for counted in fields(self):
            value = getattr(self, counted.name)
            if isinstance(value, Mapping):
                yield from value.values()
            elif isinstance(value, tuple):
                yield from value
            else:
                yield value

    def _combine(self, other: Counts, sign: int) -> Counts:
        def combine(left: Any, right: Any) -> Any:
            if isinstance(left, Mapping):
                return {name: left.get(name, 0) + sign * right.get(name, 0) for name in {**left, **right}}
            if isinstance(left, tuple):
                return tuple(a + sign * b for a, b in zip(left, right, strict=True))
            return left + sign * right

        names = [counted.name for counted in fields(self)]
        return Counts(**{name: combine(getattr(self, name), getattr(other, name)) for name in names})
