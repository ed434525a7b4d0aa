"""The effect over people who were drawn with different shares, bounded at any moment.

People who are drawn with one share are a stratum: there the arms differ by chance alone. Between strata they do not.
If the share falls from .10 to .05 while fewer people leave, the holdout is older, and more of it left.

For each stratum `judging.sequences` has an e-process against each effect. Strata are different people, so the product
is an e-process against all their effects together. By Ville's inequality (1939) the effects for which it has not
reached 1/alpha hold the true ones at every look. The mean effect, weighted by people, lies between its least and its
largest value there. Nothing is assumed of how the effects differ. With two strata or more, the least value is bounded
by Lagrange's dual, which never exceeds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar

from churn.judging.sequences import Numbers, Proportions, confidence_sequence, log_likelihood, log_mixture

_POINTS: Final = 1025  # of each stratum's effect, evenly between its own bounds


@dataclass(frozen=True, slots=True)
class Stratum:
    """The people of one stratum, by arm: how many, and how many of these left.

    Args:
        holdout, treatment: those of whom it is known.
        holdout_missing, treatment_missing: those of whom nobody knows yet; they come on top.
        share: of the people who were held out; None if no record says it.
        policy_version: if none does, it tells what belongs together.
        others: who were in neither arm, though they could have been. They count for the mean alone.
    """

    holdout: int
    treatment: int
    holdout_left: int
    treatment_left: int
    holdout_missing: int = 0
    treatment_missing: int = 0
    share: float | None = None
    policy_version: str | None = None
    others: int = 0

    @property
    def people(self) -> int:
        """Count everybody."""
        return self.holdout + self.treatment + self.holdout_missing + self.treatment_missing + self.others

    @property
    def is_comparable(self) -> bool:
        """Return whether it is known of somebody in each arm."""
        return bool(self.holdout and self.treatment)

    @property
    def effect(self) -> float:
        """Return the observed effect: the treatment's share that left, minus the holdout's."""
        return self.treatment_left / self.treatment - self.holdout_left / self.holdout


def average_effect(strata: Sequence[Stratum]) -> float:
    """Average the observed effects, weighted by people. Each stratum is comparable."""
    return float(np.average([stratum.effect for stratum in strata], weights=[stratum.people for stratum in strata]))


def bound_effect(strata: Sequence[Stratum], alpha: float) -> tuple[float, float]:
    """Bound the mean effect, weighted by people, at every look. It holds whatever the people did who are missing.

    Each stratum is comparable; there is at least one.
    """
    weights = np.array([stratum.people for stratum in strata])
    # Of those missing: fewest leave with the banner, and most without it; then the other way round.
    stayed, left = (_complete(strata, missing_treated_left=left) for left in (False, True))
    weights = weights / weights.sum()
    return _bound_both(stayed, weights, alpha)[0], _bound_both(left, weights, alpha)[1]


def _complete(strata: Sequence[Stratum], *, missing_treated_left: bool) -> Proportions:
    """Count those missing of the treatment as left or not, and those of the holdout the other way round."""
    rows = [
        (
            stratum.holdout_left + stratum.holdout_missing * (not missing_treated_left),
            stratum.holdout + stratum.holdout_missing,
            stratum.treatment_left + stratum.treatment_missing * missing_treated_left,
            stratum.treatment + stratum.treatment_missing,
        )
        for stratum in strata
    ]
    return Proportions(*np.array(rows, dtype=float).T)


def _bound_both(proportions: Proportions, weights: Numbers, alpha: float) -> tuple[float, float]:
    if len(weights) == 1:
        first, last = confidence_sequence(proportions, alpha)
        return float(first[0]), float(last[0])
    mixture = log_mixture(proportions)
    least = mixture - log_likelihood(proportions)
    # The evidence that one stratum may have at most, if all others have the least they can.
    most = -np.log(alpha) - (least.sum() - least)
    first, last = confidence_sequence(proportions, np.exp(-most))
    effects = np.linspace(first, last, _POINTS, axis=-1)
    columns = Proportions(*(numbers[:, None] for numbers in proportions[:4]))
    evidence = mixture[:, None] - log_likelihood(columns, effects)
    step = float(weights @ (effects[:, 1] - effects[:, 0]))
    least_sum = _bound_least(weights[:, None] * effects, evidence, -np.log(alpha)) - step
    most_sum = -_bound_least(-weights[:, None] * effects, evidence, -np.log(alpha)) + step
    return max(least_sum, float(weights @ first)), min(most_sum, float(weights @ last))


def _bound_least(values: Numbers, evidence: Numbers, most: float) -> float:
    """Bound the least sum of values, one of each row, whose evidence sums to `most` at most."""

    def dual(log_price: float) -> float:
        price = np.exp(log_price)
        return float((values + price * evidence).min(axis=-1).sum() - price * most)

    return -float(minimize_scalar(lambda log_price: -dual(log_price), bounds=(-25, 5), method="bounded").fun)
