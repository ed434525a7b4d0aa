"""What one track, stable or canary, answered: counts that only grow, and their differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import numpy as np

from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BINS

NO_LATENCY: Final = (0,) * (len(LATENCY_BOUNDS_S) + 1)
# The fields of Counts that say which of the other numbers are no evidence.
REPEATS: Final = (
    *("retries", "retried_errors", "retried_latency"),
    *("repeats", "repeated_errors", "repeated_refused", "repeated_latency", "unsorted"),
)


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
        retries: of the requests, those that somebody sent again.
        retried_errors, retried_latency: of the errors, and of the latency, those.
        repeats: of the other requests, those of a subscriber who had an answer within the last minute.
        repeated_errors, repeated_refused, repeated_latency: of the errors, the refused and the latency, those.
        unsorted: of the requests, those of services that do not tell these seven.
    """

    requests: int = 0
    errors: int = 0
    refused: int = 0
    latency: tuple[int, ...] = NO_LATENCY
    predictions: int = 0
    probability: tuple[int, ...] = (0,) * PROBABILITY_BINS
    tiers: Mapping[str, int] = field(default_factory=dict)
    banners: int = 0
    top_features: Mapping[str, int] = field(default_factory=dict)
    top_sets: Mapping[str, int] = field(default_factory=dict)
    retries: int = 0
    retried_errors: int = 0
    retried_latency: tuple[int, ...] = NO_LATENCY
    repeats: int = 0
    repeated_errors: int = 0
    repeated_refused: int = 0
    repeated_latency: tuple[int, ...] = NO_LATENCY
    unsorted: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Add two counts, field by field."""
        return self._combine(other, 1)

    def __sub__(self, other: Counts) -> Counts:
        """Return what came since `other` was counted. No counter may have restarted in between."""
        return self._combine(other, -1)

    def drop_retries(self) -> Counts:
        """Return these counts with each request counted once, as its first try ended."""
        left = self._take(self.retries, self.retried_errors, 0, self.retried_latency)
        return replace(left, retries=0, retried_errors=0, retried_latency=NO_LATENCY)

    def drop_repeats(self) -> Counts:
        """Return these counts with each minute of a subscriber counted once, as its first answer was."""
        # A file of before tells of failures only, and each of them is a request.
        requests = np.maximum(self.repeats, self.repeated_errors)
        left = self._take(requests, self.repeated_errors, self.repeated_refused, self.repeated_latency)
        return replace(left, repeats=0, repeated_errors=0, repeated_refused=0, repeated_latency=NO_LATENCY)

    @property
    def has_repeats(self) -> bool:
        """Whether some subscriber had more than one answer within a minute."""
        repeats = (self.repeats, self.repeated_errors, self.repeated_refused, *self.repeated_latency)
        return any(np.any(number) for number in repeats)

    def ignore_repeats(self) -> Counts:
        """Return these counts as if nobody had told which of them are retries or repeats."""
        return replace(self, **{name: getattr(Counts(), name) for name in REPEATS})

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

    def _take(self, requests: Any, errors: Any, refused: Any, latency: tuple[Any, ...]) -> Counts:
        # Counters are not read in one instant, so a retry or a repeat may be told before its request.
        return replace(
            self,
            requests=_at_least_zero(self.requests - requests),
            errors=_at_least_zero(self.errors - errors),
            refused=_at_least_zero(self.refused - refused),
            latency=tuple(_at_least_zero(all_ - some) for all_, some in zip(self.latency, latency, strict=True)),
        )

    def _combine(self, other: Counts, sign: int) -> Counts:
        def combine(left: Any, right: Any) -> Any:
            if isinstance(left, Mapping):
                return {name: left.get(name, 0) + sign * right.get(name, 0) for name in {**left, **right}}
            if isinstance(left, tuple):
                return tuple(a + sign * b for a, b in zip(left, right, strict=True))
            return left + sign * right

        names = [counted.name for counted in fields(self)]
        return Counts(**{name: combine(getattr(self, name), getattr(other, name)) for name in names})


@dataclass(frozen=True, slots=True)
class StepAnswers:
    """What both tracks answered in one step of a rollout, since the same moment.

    Args:
        stable: with the baseline's answers.
        earlier: what stable answered before that moment, as far as known. It is a guess of how it answers in this step.
        baseline: what the old version answered on a machine like the canary's; None without such a machine.
    """

    stable: Counts
    canary: Counts
    earlier: Counts = field(default_factory=Counts)
    baseline: Counts | None = None

    def tracks(self) -> Mapping[str, Counts]:
        """Return all counts of the step by whose they are."""
        counts = {"stable": self.stable, "canary": self.canary, "earlier": self.earlier}
        return counts | ({} if self.baseline is None else {"baseline": self.baseline})

    @property
    def has_repeats(self) -> bool:
        """Whether some subscriber had more than one answer within a minute, on a track."""
        return any(counts.has_repeats for name, counts in self.tracks().items() if name != "earlier")

    def drop_repeats(self) -> StepAnswers:
        """Return the step with each minute of a subscriber counted once."""
        return replace(self, **{name: counts.drop_repeats() for name, counts in self.tracks().items()})

    def compare_machines(self) -> StepAnswers:
        """Return the step with the baseline in the place of stable, where there is one."""
        return self if self.baseline is None else replace(self, stable=self.baseline)


def count_each_request_once(stable: Counts, canary: Counts) -> tuple[Counts, Counts]:
    """Drop the retries of both tracks; or ignore retries and repeats of both, where one of them tells of none."""
    if np.any(stable.unsorted) or np.any(canary.unsorted):
        return stable.ignore_repeats(), canary.ignore_repeats()
    return stable.drop_retries(), canary.drop_retries()


def _at_least_zero(number: Any) -> Any:
    return np.maximum(number, 0) if isinstance(number, np.ndarray) else max(int(number), 0)
