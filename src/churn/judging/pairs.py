"""What two versions said of the same subscribers, counted, and how far they surely differ.

A part is a kind of answers, such as all scores up to 0.3. A subscriber counts 1 if only the canary puts them into it,
-1 if only stable does, and else 0. The mean of these is the difference of the part's shares, canary minus stable. So it
is the same effect as of two samples, but most of the chance has cancelled out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.special import expit

from churn.judging.mean_sequences import Numbers, log_wealth
from churn.judging.metrics import PROBABILITY_BOUNDS

# The parts of a measure, as the checks name them. Tiers and reasons have the names of the tiers and the features.
SCORE_PARTS: Final = tuple(f"up to {bound:g}" for bound in PROBABILITY_BOUNDS[:-1])
BANNER_PART: Final = "with a banner"
# -1, 0 and 1 as numbers between 0 and 1.
_HALVES = np.array([0.0, 0.5, 1.0])
# Parts of the stake, from one in a hundred to nearly all: their mean is near one half, where smaller ones win nothing.
_PARTS = expit(np.linspace(-4.6, 5, 30))


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Subscribers whom both versions answered, each counted once in the whole rollout.

    Args:
        subscribers: how many they are.
        parts: by measure and part, such as `tiers` and `high`: how many are in the part only by the canary's answer,
            and how many only by stable's. A part in which everybody is by both answers or by none has (0, 0). It is not
            left out: a check knows nothing of a part that is missing.
    """

    subscribers: int = 0
    parts: Mapping[str, Mapping[str, tuple[int, int]]] = field(default_factory=dict)

    def __add__(self, other: PairCounts) -> PairCounts:
        """Add the counts of other subscribers."""
        measures = {
            measure: _add_parts(self.parts.get(measure, {}), other.parts.get(measure, {}))
            for measure in {**self.parts, **other.parts}
        }
        return PairCounts(self.subscribers + other.subscribers, measures)

    def count_signs(self, measure: str) -> Numbers:
        """Return for each part of a measure how many subscribers count -1, 0 and 1, (parts, 3)."""
        both = np.array(list(self.parts.get(measure, {}).values()), dtype=float).reshape(-1, 2)
        canary, stable = both.T
        return np.stack([stable, self.subscribers - canary - stable, canary], axis=-1)


def effects_from_signs(signs: Numbers) -> Numbers:
    """Return the observed differences, canary minus stable, (...), from the counts of -1, 0 and 1, (..., 3)."""
    return np.asarray((signs[..., 2] - signs[..., 0]) / np.maximum(signs.sum(axis=-1), 1))


def log_evidence(signs: Numbers, effect: float) -> Numbers:
    """Return the logarithm of the evidence that each difference is above this effect, (...)."""
    return log_wealth(_HALVES, signs, (1 + effect) / 2, _PARTS)


def _add_parts(left: Mapping[str, tuple[int, int]], right: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    zero = (0, 0)
    added = {}
    for part in {**left, **right}:
        (canary, stable), (more_canary, more_stable) = left.get(part, zero), right.get(part, zero)
        added[part] = (canary + more_canary, stable + more_stable)
    return added
