"""The best action for many rows at once, with what an uplift adds to the effects; as the service chooses with one."""

import numpy as np

from churn.learning.choosing import weigh_actions
from churn.learning.measures import Rates
from churn.learning.stakes import Stakes
from churn.outcomes.exposures import Numbers
from churn.retention.offers.actions import BANNER_ALONE, NOTHING
from churn.retention.offers.document import WithoutOffer
from churn.retention.offers.formula import find_effect
from churn.training.uplift.lessons import Places


def choose_by_uplift(
    stakes: Stakes, probability: Numbers, rates: Rates, adjustment: Numbers, *, without_offer: WithoutOffer = "nothing"
) -> Places:
    """Choose for each row the action with the largest net value above 0, as an index of `Stakes.actions`, (n,).

    The banner alone is one of them: its effect is the adjustment. Where nothing is worth it and the banner alone is
    known to harm, it is nothing; else what `without_offer` says.

    Args:
        adjustment: what is added to each action's effect, in points of leaving prevented, (n, a).
    """
    nothing, banner = stakes.actions.index(NOTHING), stakes.actions.index(BANNER_ALONE)
    said = find_effect(probability[:, None], stakes.saves, rates.by_segment.value[stakes.segment])
    added = np.minimum(adjustment, probability[:, None] - said)  # no more leaving is prevented than there is
    net = np.nan_to_num(weigh_actions(stakes, probability, rates, added), nan=-np.inf)
    net[:, nothing] = 0
    has_banner = ~np.isnan(stakes.saves[:, banner])
    is_harmless = np.nan_to_num(added[:, banner]) >= 0
    otherwise = np.where(has_banner & is_harmless & (without_offer == "reasons"), banner, nothing)
    order = np.array([*stakes.offers, banner])  # of equal ones the first
    best = order[net[:, order].argmax(axis=1)]
    return np.asarray(np.where(net[:, order].max(axis=1) > 0, best, otherwise), dtype=np.int64)
