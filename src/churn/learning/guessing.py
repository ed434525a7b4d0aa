"""A guess of what each action would have come to for each row: with few parameters, and never from the row itself.

The chance of leaving is fitted by least squares, with p for the probability that was shown:

    left = b0 + b1 p + b2 p^2 - sum over actions of s(a) [taken = a] p

so s(a) is the share of leaving that action a prevents. Each s(a) is drawn to 0 as if some subscribers more had said so.
What is paid follows from the shares who accept and of the cost that leavers use up. A poor guess widens the interval of
a doubly robust value, and biases nothing.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from churn.learning.stakes import Stakes
from churn.outcomes.exposures import Exposures, Flags, Numbers
from churn.retention.offers.actions import NOTHING

FOLDS = 5
WORTH_OF_A_GUESS = 30  # subscribers, so many as an assumption counts for


@dataclass(frozen=True, slots=True)
class Guess:
    """What each of a actions would come to for each of n rows.

    Args:
        leaving: the chance to leave, (n, a).
        money: what it brings, in the policy's currency, (n, a): minus the margin of who leaves, minus what is paid.
    """

    leaving: Numbers
    money: Numbers


def guess_outcomes(exposures: Exposures, stakes: Stakes, *, folds: int = FOLDS) -> Guess:
    """Guess the outcome of each action for each row, by the rows of the other folds (cross-fitting)."""
    shape = (len(exposures), len(stakes.actions))
    leaving, money = np.empty(shape), np.empty(shape)
    fold = np.arange(len(exposures)) % folds
    for number in range(folds):
        own, others = fold == number, fold != number
        leaving[own] = _guess_leaving(exposures, others, own, shape[1])
        money[own] = -leaving[own] * stakes.gain[own] - _guess_paid(exposures, stakes, others, own, leaving[own])
    return Guess(leaving, money)


def find_money(exposures: Exposures, stakes: Stakes) -> Numbers:
    """Return what became of each row in money: minus the margin of who left, minus what an accepted offer has cost.

    Where nobody says what it has cost, somebody who stayed has used up all of it, and a leaver the assumed share.
    """
    rows, taken = np.arange(len(exposures)), exposures.taken
    used = np.where(exposures.left, stakes.leavers_use[taken], 1.0)
    # Where nobody says who accepted, as many did as the policy assumes.
    accepted = np.where(np.isnan(exposures.accepted), stakes.take_up[taken], exposures.accepted)
    paid = np.where(np.isnan(exposures.paid), accepted * stakes.full_cost[rows, taken] * used, exposures.paid)
    return np.asarray(-stakes.gain[rows, taken] * exposures.left - paid)


def _guess_leaving(exposures: Exposures, by: Flags, of: Flags, actions: int) -> Numbers:
    probability, left = exposures.probability[by], exposures.left[by].astype(float)
    base = _stack_powers(probability)
    tried = np.zeros((by.sum(), actions))
    tried[np.arange(len(tried)), exposures.taken[by]] = -probability
    tried[:, exposures.actions.index(NOTHING)] = 0
    terms = np.hstack([base, tried])
    penalty = np.diag([0.0] * base.shape[1] + [WORTH_OF_A_GUESS * float((probability**2).mean())] * actions)
    # A hair on the diagonal, for rows that are all alike.
    penalty += 1e-9 * np.eye(len(penalty))
    factors = np.linalg.solve(terms.T @ terms + penalty, terms.T @ left)
    shares = factors[base.shape[1] :]
    without = _stack_powers(exposures.probability[of]) @ factors[: base.shape[1]]
    return np.asarray(np.clip(without[:, None] - exposures.probability[of, None] * shares, 0, 1))


def _stack_powers(probability: Numbers) -> Numbers:
    return np.column_stack([np.ones_like(probability), probability, probability**2])


def _guess_paid(exposures: Exposures, stakes: Stakes, by: Flags, of: Flags, leaving: Numbers) -> Numbers:
    """Guess what each action costs: accepting share * full cost * (1 - leaving * what leavers do not use up)."""
    taken, count = exposures.taken[by], len(stakes.actions)
    accepted = exposures.accepted[by]
    take_up = _mean_by_action(accepted, taken, count, stakes.take_up)
    full_cost = stakes.full_cost[by][np.arange(len(taken)), taken]
    used = np.where((accepted == 1) & exposures.left[by] & (full_cost > 0), exposures.paid[by], np.nan)
    leavers_use = _mean_by_action(used / np.where(full_cost > 0, full_cost, np.nan), taken, count, stakes.leavers_use)
    return np.asarray(take_up * stakes.full_cost[of] * (1 - leaving * (1 - leavers_use)))


def _mean_by_action(values: Numbers, taken: npt.NDArray[np.int64], count: int, assumed: Numbers) -> Numbers:
    """Return the mean of the known values for each action, with the assumption among them as some subscribers."""
    known = ~np.isnan(values)
    total = np.bincount(taken[known], values[known], count) + WORTH_OF_A_GUESS * assumed
    return np.asarray(total / (np.bincount(taken[known], minlength=count) + WORTH_OF_A_GUESS))
