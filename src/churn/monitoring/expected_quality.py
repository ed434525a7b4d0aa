"""The AUC that is expected before anybody knows who left: estimated from the probabilities alone.

If a model is calibrated, a share p of those with the probability p leaves. Then the probabilities say how often
somebody who leaves will stand above somebody who stays. NannyML calls this confidence-based performance estimation
(CBPE, https://nannyml.readthedocs.io/en/stable/how_it_works/performance_estimation.html). Its library needs pandas and
LightGBM, and its interval is that of chunks of training data. So the few lines are ours.

Let subscriber i leave with the chance p_i, each by themselves. With k = 1 where i stands above j, and 1/2 in a tie:

    AUC = sum over i != j of p_i (1 - p_j) k_ij / sum over i != j of p_i (1 - p_j)

The AUC that will be measured on the same subscribers varies around it, since nobody knows yet who leaves. By the delta
method its variance is the sum of p_i (1 - p_i) (dAUC/dp_i)^2.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

FEWEST_EXPECTED: Final = 30  # to leave, and to stay: with fewer the interval is too narrow
MOST_LOST: Final = 0.02  # of the AUC at training: surely more is told
_NORMAL_95: Final = 1.959964  # the normal distribution's quantile at .975


@dataclass(frozen=True, slots=True)
class ExpectedAuc:
    """The AUC that is expected of a calibrated model, had nobody been treated.

    Args:
        value: the estimate.
        low, high: the 95 % interval of the AUC that will be measured on the same subscribers.
        count: the number of predictions.
    """

    value: float
    low: float
    high: float
    count: int

    def is_below(self, trained: float | None) -> bool:
        """Return whether it is surely more than 0.02 below that of training; False if that is not known."""
        return trained is not None and self.high < trained - MOST_LOST


def estimate_auc(probabilities: NDArray[np.float64]) -> ExpectedAuc | None:
    """Estimate the AUC of calibrated predictions, (n,); None if too few are expected to leave, or to stay."""
    levels, place, count = np.unique(probabilities, return_inverse=True, return_counts=True)
    leaving, staying = count * levels, count * (1 - levels)  # expected, at each level
    if min(leaving.sum(), staying.sum()) < FEWEST_EXPECTED:
        return None
    # For each level: how many who stay stand below it, and how many who leave above it; half of those in a tie.
    staying_below = np.cumsum(staying) - staying / 2
    leaving_above = leaving.sum() - np.cumsum(leaving) + leaving / 2
    uncertain = levels * (1 - levels)
    pairs = leaving.sum() * staying.sum()
    with_themselves = float(count @ uncertain)
    value = (leaving @ staying_below - with_themselves / 2) / (pairs - with_themselves)
    moves = (staying_below - leaving_above) / pairs + value * (1 / staying.sum() - 1 / leaving.sum())
    deviation = float(np.sqrt(count @ (uncertain * moves**2)))
    return ExpectedAuc(float(value), *_find_interval(float(value), deviation), len(place))


def _find_interval(value: float, deviation: float) -> tuple[float, float]:
    """Return the interval, made on log-odds so that it stays between 0 and 1."""
    if not 0 < value < 1:
        return value, value
    half = _NORMAL_95 * deviation / (value * (1 - value))
    low, high = expit(logit(value) + np.array([-half, half]))
    return float(low), float(high)
