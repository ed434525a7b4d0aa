"""How right one version was: the order of its probabilities, and their size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import binomtest

from churn.outcomes.estimates import ALPHA, Estimate, estimate_share
from churn.outcomes.join import LabelledPrediction

BINS = 10
TOP_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Bin:
    """The predictions in one tenth of 0..1: their mean, and the share that left."""

    mean_predicted: float
    left: Estimate
    count: int


@dataclass(frozen=True, slots=True)
class ModelQuality:
    """How right one version was. Each subscriber counts once.

    Args:
        auc: as seen: of all, treated or not; None if only one label occurs.
        auc_untreated: the AUC had nobody been treated: those held out stand for those who were. None if too few were.
        trained_auc: on the holdout at training; None if no bundle has it.
        calibration: in ascending order of probability.
        calibration_error: the mean distance of predicted and observed, weighted by the bins' counts.
        lift: the share that left among the tenth with the highest probabilities, divided by the share among all.
            None if nobody left.
    """

    version: str
    count: int
    left: int
    auc: Estimate | None
    trained_auc: float | None
    calibration: tuple[Bin, ...]
    calibration_error: float
    lift: Estimate | None
    auc_untreated: Estimate | None = None


def measure_quality(
    version: str,
    predictions: Sequence[LabelledPrediction],
    trained_auc: float | None = None,
    untreated: Mapping[str, float] | None = None,
) -> ModelQuality:
    """Measure how right a version was, by at least one prediction.

    Args:
        untreated: for how many each subscriber stands whom the banner never reached.
    """
    scores = np.array([prediction.probability for prediction in predictions])
    left = np.array([prediction.left for prediction in predictions])
    bins = _calibrate(scores, left)
    gaps = [bin_.count * abs(bin_.mean_predicted - bin_.left.value) for bin_ in bins]
    return ModelQuality(
        version=version,
        count=len(left),
        left=int(left.sum()),
        auc=measure_auc(scores, left) if 0 < left.sum() < len(left) else None,
        trained_auc=trained_auc,
        calibration=bins,
        calibration_error=sum(gaps) / len(left),
        lift=measure_lift(scores, left) if left.any() else None,
        auc_untreated=_measure_untreated(scores, left, predictions, untreated) if untreated else None,
    )


def measure_auc(
    scores: NDArray[np.float64], left: NDArray[np.bool_], weights: NDArray[np.float64] | None = None
) -> Estimate:
    """Measure the area under the ROC curve; both labels must occur.

    The variance is that of DeLong, DeLong and Clarke-Pearson (Biometrics 1988): of the mean, over those who left, of
    the share of those who stayed with a lower score, and the reverse. With weights it is that of a ratio of sums, by
    the influence function. The interval is computed on log-odds, so that it stays between 0 and 1.

    Args:
        scores, left: of each subscriber.
        weights: for how many each stands, more than 0; by default for one.
    """
    weights = np.ones(len(scores)) if weights is None else weights
    gone, stayed = (scores[left], weights[left]), (scores[~left], weights[~left])
    above, below = _share_below(*stayed, gone[0]), 1 - _share_below(*gone, stayed[0])
    area = float(np.average(above, weights=gone[1]))
    if min(len(above), len(below)) == 1 or not 0 < area < 1:
        return Estimate(area, 0.0, 1.0)
    variance = _variance_of_mean(above - area, gone[1]) + _variance_of_mean(below - area, stayed[1])
    deviation = np.sqrt(variance) / (area * (1 - area))
    middle, half = np.log(area / (1 - area)), ndtri(1 - ALPHA / 2) * deviation
    low, high = (float(1 / (1 + np.exp(-end))) for end in (middle - half, middle + half))
    return Estimate(area, low, high)


def _share_below(
    scores: NDArray[np.float64], weights: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of the weight that lies below each point; what lies on it counts half."""
    order = np.argsort(scores)
    sums = np.concatenate([[0.0], np.cumsum(weights[order])])
    ends = [np.searchsorted(scores[order], points, side=side) for side in ("left", "right")]
    return np.asarray((sums[ends[0]] + sums[ends[1]]) / 2 / sums[-1])


def _variance_of_mean(rest: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    return float(((weights * rest) ** 2).sum() / weights.sum() ** 2 * len(rest) / (len(rest) - 1))


def _measure_untreated(
    scores: NDArray[np.float64],
    left: NDArray[np.bool_],
    predictions: Sequence[LabelledPrediction],
    untreated: Mapping[str, float],
) -> Estimate | None:
    weights = np.array([untreated.get(prediction.identity, 0.0) for prediction in predictions])
    counted = weights > 0
    if not 0 < left[counted].sum() < counted.sum():
        return None
    return measure_auc(scores[counted], left[counted], weights[counted])


def _calibrate(scores: NDArray[np.float64], left: NDArray[np.bool_]) -> tuple[Bin, ...]:
    at = np.minimum((scores * BINS).astype(int), BINS - 1)
    bins = []
    for number in np.unique(at):
        own = at == number
        share = estimate_share(int(left[own].sum()), int(own.sum()), expected=float((number + 0.5) / BINS))
        bins.append(Bin(float(scores[own].mean()), share, int(own.sum())))
    return tuple(bins)


def measure_lift(scores: NDArray[np.float64], left: NDArray[np.bool_]) -> Estimate:
    """Measure the lift of the top tenth; somebody must have left.

    With a top of a part f it is 1 / (f + (1 - f) r), where r is the share that left among the others, divided by that
    among the top. Both shares have Wilson's interval (JASA 1927), and from these comes that of their ratio (Donner and
    Zou, Statistical Methods in Medical Research 2012).
    """
    most = max(1, round(TOP_SHARE * len(scores)))
    order, part = np.argsort(-scores, kind="stable"), most / len(scores)
    top, others = left[order[:most]], left[order[most:]]
    value = float(top.mean() / left.mean())
    if not len(others):
        return Estimate(value, 0.0, 1 / TOP_SHARE)
    low, high = (1 / (part + (1 - part) * ratio) for ratio in reversed(_bound_ratio(others, top)))
    return Estimate(value, low, high)


def _bound_ratio(over: NDArray[np.bool_], under: NDArray[np.bool_]) -> tuple[float, float]:
    """Bound the ratio of two shares that are not both zero, each of other subscribers."""
    first, second = float(over.mean()), float(under.mean())
    (first_low, first_high), (second_low, second_high) = map(_bound_share, (over, under))

    def bound(own: float, other: float, sign: int) -> float:
        rest = max((first * second) ** 2 - own * other * (2 * first - own) * (2 * second - other), 0)
        divisor = other * (2 * second - other)
        return (first * second + sign * rest**0.5) / divisor if divisor else float("inf")

    return bound(first_low, second_high, -1), bound(first_high, second_low, 1)


def _bound_share(left: NDArray[np.bool_]) -> tuple[float, float]:
    interval = binomtest(int(left.sum()), len(left)).proportion_ci(1 - ALPHA, method="wilson")
    return float(interval.low), float(interval.high)
