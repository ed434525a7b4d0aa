"""Two models' answers about the same subscribers, compared one by one: what is a flip, and what is agreement.

The service counts by it and the report reads by it, so both mean the same.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from churn.answers import DECIMALS, TierLimits
from churn.judging.metrics import TOP_REASONS

# The smallest difference of two probabilities as they are shown; there are so many of them between 0 and 1.
STEPS = 10**DECIMALS

type Numbers = npt.NDArray[np.float64]
type Whole = npt.NDArray[np.int64]
type Flags = npt.NDArray[np.bool_]


class ModelAnswers(NamedTuple):
    """What one model said of n subscribers.

    Args:
        probability: as shown, float64 (n,).
        contributions: in log-odds, not rounded, float64 (n, features).
    """

    probability: Numbers
    contributions: Numbers


class Differences(NamedTuple):
    """What differs, of each of n subscribers.

    Args:
        champion_tier, challenger_tier: 0 for low, 1 for medium, 2 for high.
        champion_banner, challenger_banner: whether the probability is above the threshold.
        same_set: whether the three largest contributions belong to the same features.
        same_order: whether they also have the same order.
        same_signs: whether each of the champion's three works in the same direction for the challenger.
        shift: the challenger's probability minus the champion's, in steps of the last decimal that is shown.
    """

    champion_tier: Whole
    challenger_tier: Whole
    champion_banner: Flags
    challenger_banner: Flags
    same_set: Flags
    same_order: Flags
    same_signs: Flags
    shift: Whole


def compare_answers(
    champion: ModelAnswers, challenger: ModelAnswers, threshold: Numbers | float, tiers: TierLimits
) -> Differences:
    """Compare what two models said of the same n subscribers.

    Args:
        threshold: the banner is shown above this probability; one, or one for each subscriber.
        tiers: the contract's limits.
    """
    top, challenger_top = find_strongest(champion.contributions), find_strongest(challenger.contributions)
    directions = (
        np.take_along_axis(is_raising(answers.contributions), top, axis=1) for answers in (champion, challenger)
    )
    return Differences(
        tiers_from_probabilities(champion.probability, tiers),
        tiers_from_probabilities(challenger.probability, tiers),
        champion.probability > threshold,
        challenger.probability > threshold,
        np.asarray((np.sort(top, axis=1) == np.sort(challenger_top, axis=1)).all(axis=1)),
        np.asarray((top == challenger_top).all(axis=1)),
        np.asarray(np.equal(*directions).all(axis=1)),
        steps_from_probabilities(challenger.probability) - steps_from_probabilities(champion.probability),
    )


def tiers_from_probabilities(probability: Numbers, limits: TierLimits) -> Whole:
    """Return 0, 1 or 2 for low, medium and high, as `tier_from_probability` says it."""
    return np.asarray(np.searchsorted(limits, probability, side="right"))


def steps_from_probabilities(probability: Numbers) -> Whole:
    """Return a shown probability as a whole number of its last decimal."""
    steps: Whole = np.rint(probability * STEPS).astype(np.int64)
    return steps


def find_strongest(contributions: Numbers) -> Whole:
    """Find the three features with the largest contributions, ranked as reasons are: their numbers, (n, 3)."""
    ranked = np.argsort(-np.abs(contributions), axis=1, kind="stable")  # equal ones in the contract's order
    return np.asarray(ranked[:, :TOP_REASONS])


def is_raising(contributions: Numbers) -> Flags:
    """Say whether each contribution, as shown, increases the risk."""
    return np.asarray(np.round(contributions, DECIMALS) > 0)
