"""How right one version was: the order of its probabilities, and their size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

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
        auc: None if only one label occurs.
        trained_auc: on the holdout at training; None if no bundle has it.
        calibration: in ascending order of probability.
        calibration_error: the mean distance of predicted and observed, weighted by the bins' counts.
        lift: the share that left among the tenth with the highest probabilities, divided by the share among all. The
            interval takes the share among all as known. None if nobody left.
    """

    version: str
    count: int
    left: int
    auc: Estimate | None
    trained_auc: float | None
    calibration: tuple[Bin, ...]
    calibration_error: float
    lift: Estimate | None


def measure_quality(
    version: str, predictions: Sequence[LabelledPrediction], trained_auc: float | None = None
) -> ModelQuality:
    """Measure how right a version was, by at least one prediction."""
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
        lift=_measure_lift(scores, left) if left.any() else None,
    )


def measure_auc(scores: NDArray[np.float64], left: NDArray[np.bool_]) -> Estimate:
    """Measure the area under the ROC curve; both labels must occur.

    The variance is that of DeLong, DeLong and Clarke-Pearson (Biometrics 1988), computed by ranks (Sun and Xu, IEEE
    Signal Processing Letters 2014). The interval is computed on log-odds, so that it stays between 0 and 1.
    """
    ranks, gone, stayed = rankdata(scores), int(left.sum()), int((~left).sum())
    # For each who left, the share of those who stayed with a lower score; and the reverse.
    above = (ranks[left] - rankdata(scores[left])) / stayed
    below = 1 - (ranks[~left] - rankdata(scores[~left])) / gone
    area = float(above.mean())
    if min(gone, stayed) == 1 or not 0 < area < 1:
        return Estimate(area, 0.0, 1.0)
    deviation = np.sqrt(above.var(ddof=1) / gone + below.var(ddof=1) / stayed) / (area * (1 - area))
    middle, half = np.log(area / (1 - area)), ndtri(1 - ALPHA / 2) * deviation
    low, high = (float(1 / (1 + np.exp(-end))) for end in (middle - half, middle + half))
    return Estimate(area, low, high)


def _calibrate(scores: NDArray[np.float64], left: NDArray[np.bool_]) -> tuple[Bin, ...]:
    at = np.minimum((scores * BINS).astype(int), BINS - 1)
    chosen = [at == number for number in np.unique(at)]
    return tuple(
        Bin(float(scores[own].mean()), estimate_share(int(left[own].sum()), int(own.sum())), int(own.sum()))
        for own in chosen
    )


def _measure_lift(scores: NDArray[np.float64], left: NDArray[np.bool_]) -> Estimate:
    most = max(1, round(TOP_SHARE * len(scores)))
    top = left[np.argsort(-scores, kind="stable")[:most]]
    share, base = estimate_share(int(top.sum()), most), float(left.mean())
    return Estimate(share.value / base, share.low / base, share.high / base)
