"""A mean bounded at any moment, for paired answers: it surely lies between these bounds, at every look.

For numbers x between 0 and 1 with a mean of m at most, somebody bets that the mean is more, with a part c of the stake
each time. After each number the stake is

    1 + c (x / m - 1)

times what it was, and that never grows on average: the wealth is a test supermartingale. By Ville's inequality (1939)
it ever reaches 1/alpha with probability alpha at most. All m for which it has not are a confidence sequence
(Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", 2024). Here many bet, each with
another part c, and share one wealth: a mixture. It depends on how often each number came, and not on their order
(Robbins 1970; Orabona and Jun 2024). So the counts suffice. A share is such a mean, of zeros and ones.

This holds if each number's mean, given all before, is at most m: for subscribers who come as they come, and a pair of
models that stays the same.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import expit

type Numbers = npt.NDArray[np.float64]

# The parts of the stake: from one in 100,000 to nearly all, evenly in log-odds. They decide how soon one is sure, never
# whether one is right. A mean that is nearly zero needs small ones.
PARTS = expit(np.linspace(-11.5, 5, 50))
_HALVINGS = 40
_LEAST = 1e-12  # a mean that is tested


def lower_bound(values: Numbers, counts: Numbers, alpha: Numbers | float) -> Numbers:
    """Return what each mean surely exceeds, at this look and all others, (...); 0 if nothing can be said.

    The values lie between 0 and 1, (k,), and each came `counts` times, (..., k). Each bound is ever wrong with a chance
    of alpha at most, (...).
    """
    occurred = counts.reshape(-1, len(values)).any(axis=0)
    values, counts, needed = values[occurred], counts[..., occurred], -np.log(alpha)
    low, high = np.zeros(counts.shape[:-1]), counts @ values / np.maximum(counts.sum(axis=-1), 1)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        exceeded = log_wealth(values, counts, np.maximum(middle, _LEAST)) >= needed
        low, high = np.where(exceeded, middle, low), np.where(exceeded, high, middle)
    return low


def upper_bound(values: Numbers, counts: Numbers, alpha: Numbers | float) -> Numbers:
    """Return what each mean surely stays below, at this look and all others, (...); 1 if nothing can be said."""
    return np.asarray(1 - lower_bound(1 - values, counts, alpha))


def log_wealth(values: Numbers, counts: Numbers, mean: Numbers | float, parts: Numbers = PARTS) -> Numbers:
    """Return the logarithm of what a stake of one became by bets that the true mean is above this one, (...).

    The larger `mean`, which is above 0, the smaller the wealth. The values, (k,), came `counts` times, (..., k). The
    mean is one number, or has the shape of the counts without their last axis. Each bet is one of `parts` of its stake.
    """
    growth = np.log1p(parts * (values[:, None] / np.asarray(mean)[..., None, None] - 1))
    log_wealths = (counts[..., None, :] @ growth)[..., 0, :]
    return np.asarray(log_sum(log_wealths) - np.log(len(parts)))


def log_sum(logarithms: Numbers) -> Numbers:
    """Return the logarithm of the sum along the last axis, on small arrays eight times sooner than SciPy does."""
    most = logarithms.max(axis=-1)
    return np.asarray(most + np.log(np.exp(logarithms - most[..., None]).sum(axis=-1)))
