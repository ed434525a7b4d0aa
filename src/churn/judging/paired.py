"""A mean that is known from counts, at any moment: surely above this, surely below that, however often one looks.

For numbers x between 0 and 1 whose mean is m at most, whoever bets on more, a part c of the stake each time, has after
each number

    1 + c (x / m - 1)

times what they had, and that never grows on average: their wealth is a test supermartingale. By Ville's inequality
(1939) it ever reaches 1/alpha with probability alpha at most. All m at which it has not are a confidence sequence
(Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", 2024). Here many bet, each another
part c, and share one wealth: a mixture, which depends on how often each number came and not on their order (Robbins
1970; Orabona and Jun 2024). So the counts are all that need be kept. A share is such a mean, of zeros and ones.

It holds if each number's mean, given all before, is at most m: for subscribers who come as they come, and a pair of
models that stays the same.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logsumexp

type Numbers = npt.NDArray[np.float64]

# Decides how soon one is sure, never whether one is right: from one in 100,000 to nearly all, evenly in log-odds.
_PARTS = expit(np.linspace(-11.5, 5, 50))
_HALVINGS = 40


def surely_above(values: Numbers, counts: Numbers, alpha: float) -> float:
    """What the mean is above, with probability 1 - alpha for all looks so far and to come; 0 if nothing can be said.

    Args:
        values: between 0 and 1, (k,).
        counts: how often each came, (k,).
        alpha: the chance that this is ever wrong, at most.
    """
    came = counts > 0
    values, counts = values[came], counts[came]
    low, high = 0.0, float(values @ counts / max(counts.sum(), 1))
    for _ in range(_HALVINGS if high > 0 else 0):
        middle = (low + high) / 2
        if log_wealth(values, counts, middle) >= -np.log(alpha):
            low = middle
        else:
            high = middle
    return low


def surely_below(values: Numbers, counts: Numbers, alpha: float) -> float:
    """What the mean is below, likewise; 1 if nothing can be said."""
    return 1 - surely_above(1 - values, counts, alpha)


def log_wealth(values: Numbers, counts: Numbers, mean: float) -> Numbers:
    """The logarithm of what a stake of one became by bets that the mean is above this one; it falls with the latter.

    Args:
        values: between 0 and 1, (k,).
        counts: how often each came, (..., k).
        mean: above 0.

    Returns:
        (...).
    """
    grown = np.log1p(_PARTS * (values[:, None] / mean - 1))
    return np.asarray(logsumexp(counts @ grown, axis=-1) - np.log(len(_PARTS)))
