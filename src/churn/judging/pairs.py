"""What two versions said of the same subscribers, counted: who is in a part of the answers by one version only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from churn.judging.metrics import PROBABILITY_BOUNDS

# The parts of a measure, as the checks name them. Tiers and reasons have the names of the tiers and the features.
SCORE_PARTS: Final = tuple(f"up to {bound:g}" for bound in PROBABILITY_BOUNDS[:-1])
BANNER_PART: Final = "with a banner"


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


def _add_parts(left: Mapping[str, tuple[int, int]], right: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    zero = (0, 0)
    added = {}
    for part in {**left, **right}:
        (canary, stable), (more_canary, more_stable) = left.get(part, zero), right.get(part, zero)
        added[part] = (canary + more_canary, stable + more_stable)
    return added
