"""Subscribers of whom both versions say something: how often each combination of answers occurs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr, ndtri

from churn.judging.metrics import PROBABILITY_BOUNDS, TOP_REASONS
from churn.judging.sequences import Numbers

SUBSCRIBERS: Final = 40_000
# The first bin of the probability in each tier above the lowest.
MEDIUM_FROM, HIGH_FROM = 6, 13
# How strong each feature's contribution is, by its standard deviation: the first is among the top three of 85 % of the
# subscribers, the third of 50 %, the last of 2 %.
STRENGTHS: Final = (4.41, 2.24, 1.32, 1.0, 0.73, 0.63, 0.54, 0.5, 0.43, 0.34)

type Patterns = NDArray[np.int_]


@dataclass(frozen=True, slots=True)
class Model:
    """How a version rates subscribers.

    Args:
        scores: the two parameters of the probability's beta distribution.
        noise: how far its ranking differs from the first version's, as a share of the ranks' variance.
        strengths: of each feature's contribution.
    """

    scores: tuple[float, float] = (1.2, 2.4)
    noise: float = 0.0
    strengths: tuple[float, ...] = STRENGTHS


@dataclass(frozen=True, slots=True)
class Differences:
    """What two versions say otherwise of subscribers, by measure.

    Args:
        patterns: for each measure every combination of -1, 0 and 1 that occurs, (combinations, parts).
        shares: how often each of them occurs, (combinations,).
    """

    patterns: dict[str, Patterns]
    shares: dict[str, Numbers]

    def true_effects(self, measure: str) -> Numbers:
        """Return the differences of the parts' shares in the whole population."""
        return np.asarray(self.shares[measure] @ self.patterns[measure])

    def draw(self, subscribers: Any, random: np.random.Generator) -> dict[str, Numbers]:
        """Draw so many subscribers for each run: how many count -1, 0 and 1 in each part, (runs, parts, 3)."""
        signs = {}
        for measure, patterns in self.patterns.items():
            drawn = random.multinomial(subscribers, self.shares[measure])
            canary, stable = drawn @ (patterns > 0), drawn @ (patterns < 0)
            same = np.asarray(subscribers)[..., None] - canary - stable
            signs[measure] = np.stack([stable, same, canary], axis=-1).astype(float)
        return signs


def rank_features(model: Model) -> NDArray[np.bool_]:
    """Return which features are among the three largest contributions, (subscribers, features)."""
    features = np.random.default_rng(12).standard_normal((SUBSCRIBERS, len(STRENGTHS)))
    ranked = np.argsort(-np.abs(features * np.array(model.strengths)), axis=1, kind="stable")
    reasons = np.zeros(features.shape, dtype=bool)
    np.put_along_axis(reasons, ranked[:, :TOP_REASONS], values=True, axis=1)
    return reasons


@cache
def compare_models(stable: Model, canary: Model) -> Differences:
    """Let both versions rate the same subscribers, always the same ones."""
    of_canary, patterns, shares = _answer(canary), {}, {}
    for measure, of_stable in _answer(stable).items():
        differences = of_canary[measure].astype(int) - of_stable
        patterns[measure], times = np.unique(differences, axis=0, return_counts=True)
        shares[measure] = times / SUBSCRIBERS
    return Differences(patterns, shares)


@cache
def _answer(model: Model) -> dict[str, NDArray[np.bool_]]:
    """Return for each measure which subscribers are in each part, (subscribers, parts)."""
    random = np.random.default_rng(11)
    # Evenly spread ranks, so that chance moves no share of the population.
    ranks = (random.permutation(SUBSCRIBERS) + 0.5) / SUBSCRIBERS
    noise = ndtri((random.permutation(SUBSCRIBERS) + 0.5) / SUBSCRIBERS)
    mixed = ndtr(np.sqrt(1 - model.noise) * ndtri(ranks) + np.sqrt(model.noise) * noise)
    probability = betaincinv(*model.scores, mixed)
    bins = np.searchsorted(PROBABILITY_BOUNDS, probability)
    tiers = (bins >= MEDIUM_FROM).astype(int) + (bins >= HIGH_FROM)
    return {
        "scores": probability[:, None] <= np.array(PROBABILITY_BOUNDS[:-1]),
        "banners": (bins >= HIGH_FROM)[:, None],
        "tiers": tiers[:, None] == np.arange(3),
        "reasons": rank_features(model),
    }
