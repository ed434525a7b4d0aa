"""What another choice of actions would have been worth, from a log whose actions were drawn with known chances.

For a row with the money m, the chosen action d and its chance e(d), with g for a guess of the money:

    g(d) + [taken = d] (m - g(d)) / e(d)

is unbiased for what d would have brought, however poor the guess, if e(d) > 0 (doubly robust: Dudík, Langford and Li
2011). Where e(d) is 0 the log says nothing of the choice, and no weight mends that. So the share of such rows decides
whether there is a value at all. The effective sample size does not: it looks best where overlap lacks.

Beside it stands the self-normalised mean of Swaminathan and Joachims (2015), which needs no guess:

    sum of [taken = d] m / e(d), divided by the sum of [taken = d] / e(d)

Both are values against nothing: what d brings, less what nothing brings on the same rows.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from churn.judging.asymptotic_sequences import bound_mean
from churn.learning.guessing import Guess, find_money, guess_outcomes
from churn.learning.stakes import Stakes
from churn.outcomes.effects import TUNED_FOR
from churn.outcomes.estimates import ALPHA, Estimate
from churn.outcomes.exposures import Exposures, Flags, Numbers
from churn.retention.offers.actions import NOTHING

type Choice = npt.NDArray[np.int64]

MOST_WITHOUT_OVERLAP = 0.01


@dataclass(frozen=True, slots=True)
class Valuation:
    """What a choice is worth on n rows, against nothing or against another choice, for each subscriber.

    Args:
        subscribers: n.
        money: in the policy's currency, doubly robust.
        kept: the share of subscribers whose leaving it prevents, doubly robust; no assumption is in it.
        beside: the money by the self-normalised mean.
        without_overlap: the share of rows whose chosen action the log could not have taken.
        effective: the effective sample size, as a number of subscribers: (sum of weights)^2 / sum of weights^2.
        matched: how many subscribers had the chosen action.
    """

    subscribers: int
    money: Estimate
    kept: Estimate
    beside: Estimate
    without_overlap: float
    effective: float
    matched: int

    @property
    def is_refused(self) -> bool:
        """Tell whether the log says too little: the values must then not be used."""
        return not self.subscribers or self.without_overlap > MOST_WITHOUT_OVERLAP


@dataclass(frozen=True, slots=True)
class RowValues:
    """What one choice brings in each of n rows, doubly robust.

    Args:
        money: in the policy's currency, (n,).
        kept: minus the chance to leave, (n,).
    """

    money: Numbers
    kept: Numbers


def find_logged_choice(exposures: Exposures) -> Choice:
    """Return the action that the policy of each row thought best, (n,): no other was likelier in the treatment."""
    chances = exposures.propensities.copy()
    chances[:, exposures.actions.index(NOTHING)] -= exposures.holdout_share
    return np.asarray(chances.argmax(axis=1))


def evaluate_choice(
    exposures: Exposures, stakes: Stakes, chosen: Choice, *, against: Choice | None = None, guess: Guess | None = None
) -> Valuation:
    """Value a choice against nothing, or against another choice on the same rows (paired).

    Args:
        chosen: for each row an index of `Stakes.actions`, (n,).
        against: another one, (n,); nothing if None.
        guess: of `guess_outcomes`, if it is there already.
    """
    nothing = np.full(len(exposures), exposures.actions.index(NOTHING))
    other = nothing if against is None else against
    if not len(exposures):
        unknown = Estimate(np.nan, np.nan, np.nan)
        return Valuation(0, unknown, unknown, unknown, np.nan, 0.0, 0)
    guess = guess_outcomes(exposures, stakes) if guess is None else guess
    new, old = (value_rows(exposures, stakes, choice, guess) for choice in (chosen, other))
    weights = _weigh(exposures, chosen)
    lacks = (find_chances(exposures, chosen) == 0) | (find_chances(exposures, other) == 0)
    money = find_money(exposures, stakes)
    beside, influence = _normalise(money, weights)
    beside_other, influence_other = _normalise(money, _weigh(exposures, other))
    return Valuation(
        subscribers=len(exposures),
        money=estimate_mean(new.money - old.money),
        kept=estimate_mean(new.kept - old.kept),
        beside=estimate_mean(beside - beside_other + influence - influence_other),
        without_overlap=float((lacks & (chosen != other)).mean()),
        effective=float(weights.sum() ** 2 / (weights**2).sum()) if weights.any() else 0.0,
        matched=int((weights > 0).sum()),
    )


def value_rows(exposures: Exposures, stakes: Stakes, chosen: Choice, guess: Guess) -> RowValues:
    """Value a choice in each row, doubly robust. Where the log could not have taken it, only the guess speaks."""
    rows, weights = np.arange(len(exposures)), _weigh(exposures, chosen)
    money, leaving = guess.money[rows, chosen], guess.leaving[rows, chosen]
    return RowValues(
        money=money + weights * (find_money(exposures, stakes) - money),
        kept=-leaving - weights * (exposures.left - leaving),
    )


def estimate_mean(values: Numbers, among: Flags | None = None) -> Estimate:
    """Return the mean of rows' values, with its interval: an asymptotic confidence sequence."""
    values = values if among is None else values[among]
    mean = float(values.mean())
    low, high = bound_mean(mean, float(values.std()), len(values), ALPHA, tuned_for=TUNED_FOR)
    return Estimate(mean, float(low), float(high), every_look=True, is_asymptotic=True)


def find_chances(exposures: Exposures, chosen: Choice) -> Numbers:
    """Return the chance of each row's chosen action, (n,); 0 for one that no row could have had."""
    known = chosen < len(exposures.actions)
    return np.where(known, exposures.propensities[np.arange(len(chosen)), np.where(known, chosen, 0)], 0.0)


def _weigh(exposures: Exposures, chosen: Choice) -> Numbers:
    """Return 1 / chance where the chosen action was taken, else 0, (n,)."""
    chances = find_chances(exposures, chosen)
    return np.where((exposures.taken == chosen) & (chances > 0), 1 / np.where(chances > 0, chances, 1), 0.0)


def _normalise(money: Numbers, weights: Numbers) -> tuple[float, Numbers]:
    """Return the self-normalised mean, and each row's influence on it, (n,), of mean 0."""
    if not weights.any():
        return np.nan, np.full(len(money), np.nan)
    mean = float((weights * money).sum() / weights.sum())
    return mean, weights * (money - mean) / weights.mean()
