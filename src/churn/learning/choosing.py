"""The best action for many rows at once: the formula by which the service chooses, with any rates."""

import numpy as np
import numpy.typing as npt

from churn.learning.measures import Rates
from churn.learning.stakes import Stakes
from churn.outcomes.exposures import Numbers
from churn.retention.offers.actions import BANNER_ALONE, NOTHING
from churn.retention.offers.document import WithoutOffer
from churn.retention.offers.formula import find_cost, find_effect, find_net

CENTS = 2
DOUBTFUL, LARGE = 1e-6, 1e7  # near half a cent, in cents; and where a double no longer holds so small a part


def weigh_actions(stakes: Stakes, probability: Numbers, rates: Rates, adjustment: Numbers | float = 0.0) -> Numbers:
    """Return the expected net value of each action against nothing, (n, a); NaN where it is not possible.

    It is in the policy's currency, in whole cents, and rests on the assumed margin and months kept.

    Args:
        stakes: of n rows.
        probability: of leaving, (n,).
        rates: what the policy counts with.
        adjustment: what an uplift model adds to each effect, in points of leaving prevented, (n, a) or one number.
    """
    effect = find_effect(probability[:, None], stakes.saves, rates.by_segment.value[stakes.segment]) + adjustment
    cost = find_cost(probability[:, None], effect, rates.take_up.value, stakes.full_cost, rates.leavers_use.value)
    return round_to_cents(find_net(effect, stakes.gain, cost))


def round_to_cents(amounts: Numbers) -> Numbers:
    """Round amounts as Python's `round` does, to the last bit. NumPy's differs near half a cent, and if large."""
    rounded = np.round(amounts, CENTS)
    from_half = np.abs(np.abs(amounts) * 10**CENTS % 1 - 0.5)
    doubtful = (from_half < DOUBTFUL) | (np.abs(amounts) > LARGE)
    rounded[doubtful] = [round(amount, CENTS) for amount in amounts[doubtful].tolist()]
    return np.asarray(rounded + 0.0)


def choose_actions(
    stakes: Stakes,
    probability: Numbers,
    rates: Rates,
    *,
    without_offer: WithoutOffer = "nothing",
    adjustment: Numbers | float = 0.0,
) -> npt.NDArray[np.int64]:
    """Choose for each row the action that the service would choose, as an index of `Stakes.actions`, (n,).

    That is the offer with the largest net value above 0, of equal ones the first in the policy. Where there is none, it
    is what `without_offer` says: nothing, or the banner with reasons alone, if there are any.
    """
    nothing, banner = stakes.actions.index(NOTHING), stakes.actions.index(BANNER_ALONE)
    has_banner = ~np.isnan(stakes.saves[:, banner])
    otherwise = np.where(has_banner & (without_offer == "reasons"), banner, nothing)
    net = np.nan_to_num(weigh_actions(stakes, probability, rates, adjustment)[:, stakes.offers], nan=-np.inf)
    if not net.shape[1]:
        return otherwise
    return np.where(net.max(axis=1) > 0, stakes.offers[net.argmax(axis=1)], otherwise)
