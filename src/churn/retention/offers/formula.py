"""What an offer is worth, in numbers or in arrays of them.

    effect = probability * save_rate * strength
    cost   = take_up * full_cost * (1 - (probability - effect) * (1 - leavers_use))
    net    = effect * margin - cost

`effect` is the share of leaving that the offer prevents, in points. The cost is what is paid: somebody who accepts and
leaves all the same has used up only the share `leavers_use` of what the offer costs in full.
"""

import numpy as np
import numpy.typing as npt

type Numbers = npt.NDArray[np.float64]


def find_effect[N: (float, Numbers)](probability: N, save_rate: N, strength: N) -> N:
    """Return by how much the offer lowers the probability of leaving; below 0 if it harms.

    Args:
        probability: of leaving without an offer.
        save_rate: the share of leaving that the policy assumes to be prevented among all who are offered it.
        strength: what was measured, as a multiple of it.
    """
    return probability * save_rate * strength


def find_full_cost(monthly_discount: float, months: int, cost_dollars: float) -> float:
    """Return what an offer costs for somebody who accepts and stays, in the policy's currency."""
    return months * monthly_discount + cost_dollars


def find_cost[N: (float, Numbers)](probability: N, effect: N, take_up: N, full_cost: N, leavers_use: N) -> N:
    """Return the expected cost of making an offer, as it is paid.

    Args:
        probability: of leaving without an offer.
        effect: by how much the offer lowers it.
        take_up: the share who accept, of those who are offered it.
        full_cost: for somebody who accepts and stays.
        leavers_use: the share of the full cost that somebody has used up who accepts and leaves all the same.
    """
    return take_up * full_cost * (1 - (probability - effect) * (1 - leavers_use))


def find_net[N: (float, Numbers)](effect: N, margin: N, cost: N) -> N:
    """Return the expected net value of making an offer to somebody whom it is worth `margin` to keep."""
    return effect * margin - cost
