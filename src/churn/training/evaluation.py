"""How good a model's probabilities are on rows it has not seen, and what they rest on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import brier_score_loss, confusion_matrix, f1_score, log_loss, roc_auc_score

from churn.contract.declaration import Contract, Rows
from churn.explain.trained import TrainedModel
from churn.training.groups import Labels, Weights

type Probabilities = npt.NDArray[np.floating[Any]]

DECISION = 0.5
RESAMPLES = 1000
BINS = 10
CHANCES = 4000


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """The rows whose probability falls into one of ten equal parts of 0..1.

    Args:
        stands_for: how many subscribers the rows stand for; None if each stands for itself.
        effective: how many rows of equal weight would tell as much (Kish 1965); None as before.
    """

    mean_predicted: float
    observed_share: float
    count: int
    stands_for: float | None = None
    effective: float | None = None


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of rows by what was said at probability 0.5 and what came true; positive means left."""

    true_negative: int
    false_positive: int
    false_negative: int
    true_positive: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's quality on n rows: `auc_low` and `auc_high` bound a 95 % interval, `base_rate` is the share that left.

    `f1` and `confusion` are taken at probability 0.5.
    """

    rows: int
    base_rate: float
    auc: float
    auc_low: float
    auc_high: float
    f1: float
    log_loss: float
    brier: float
    expected_calibration_error: float
    calibration: list[CalibrationPoint]
    confusion: Confusion


def evaluate(labels: Labels, probabilities: Probabilities, seed: int, weights: Weights | None = None) -> Evaluation:
    """Measure probabilities of leaving (n,) against labels (n,). Both labels must occur.

    The seed is that of the bootstrap behind the AUC's interval. With weights each row stands for so many subscribers.
    """
    predicted = np.asarray(probabilities, dtype=np.float64)
    positive = predicted >= DECISION
    auc_low, auc_high = estimate_auc_interval(labels, predicted, seed, weights)
    points = measure_calibration(labels, predicted, weights)
    counted = confusion_matrix(labels, positive, labels=[False, True], sample_weight=weights)
    return Evaluation(
        rows=len(labels),
        base_rate=float(np.average(labels, weights=weights)),
        auc=float(roc_auc_score(labels, predicted, sample_weight=weights)),
        auc_low=auc_low,
        auc_high=auc_high,
        f1=float(f1_score(labels, positive, sample_weight=weights)),
        log_loss=float(log_loss(labels, predicted, sample_weight=weights)),
        brier=float(brier_score_loss(labels, predicted, sample_weight=weights)),
        expected_calibration_error=compute_calibration_error(points),
        calibration=points,
        confusion=Confusion(*map(int, np.rint(counted).ravel())),
    )


def estimate_auc_interval(
    labels: Labels, probabilities: Probabilities, seed: int, weights: Weights | None = None
) -> tuple[float, float]:
    """Estimate a 95 % percentile interval of the AUC from 1,000 bootstrap resamples, drawn within each label.

    Rows are sorted once. A resample is then a weight per row, and its AUC the share of (left, stayed) pairs in the
    right order, ties counting half (Mann-Whitney; Efron and Tibshirani 1993, chapter 13).
    """
    _, rank = np.unique(probabilities, return_inverse=True)
    left, stayed = (np.flatnonzero(np.asarray(labels) == label) for label in (1, 0))
    rng = np.random.default_rng(seed)

    def resample(rows: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        drawn = rng.choice(rows, len(rows))
        return np.bincount(rank[drawn], None if weights is None else weights[drawn], minlength=rank.max() + 1)

    def resampled_auc() -> float:
        left_at, stayed_at = resample(left), resample(stayed)
        beaten = np.cumsum(stayed_at) - stayed_at / 2
        return float(left_at @ beaten / (left_at.sum() * stayed_at.sum()))

    low, high = np.quantile([resampled_auc() for _ in range(RESAMPLES)], [0.025, 0.975])
    return float(low), float(high)


def measure_calibration(
    labels: Labels, probabilities: Probabilities, weights: Weights | None = None
) -> list[CalibrationPoint]:
    """Compare predicted with observed in ten equal parts of 0..1, empty ones left out (Naeini et al. 2015)."""
    part = np.minimum((probabilities * BINS).astype(np.intp), BINS - 1)

    def measure(rows: npt.NDArray[np.bool_]) -> CalibrationPoint:
        own = None if weights is None else weights[rows]
        return CalibrationPoint(
            mean_predicted=float(np.average(probabilities[rows], weights=own)),
            observed_share=float(np.average(np.asarray(labels)[rows], weights=own)),
            count=int(rows.sum()),
            stands_for=None if own is None else float(own.sum()),
            effective=None if own is None else count_effective(own),
        )

    return [measure(part == number) for number in np.unique(part)]


def count_effective(weights: Weights) -> float:
    """Count how many rows of equal weight would tell as much: (sum w)^2 / sum w^2 (Kish 1965)."""
    return float(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0.0


def compute_calibration_error(points: Sequence[CalibrationPoint]) -> float:
    """Compute the mean distance of predicted and observed, weighted by counts (Naeini et al. 2015)."""
    gaps = [_weigh(point) * abs(point.mean_predicted - point.observed_share) for point in points]
    return sum(gaps) / sum(map(_weigh, points))


def _weigh(point: CalibrationPoint) -> float:
    return float(point.count) if point.stands_for is None else point.stands_for


def find_largest_by_chance(points: Sequence[CalibrationPoint], confidence: float = 0.95) -> float:
    """Find the calibration error that a perfectly calibrated model rarely exceeds on as many rows.

    It stays below in the share `confidence` of all draws.

    Each part's mean of labels is taken for normal, with the variance of labels that are drawn as was predicted.
    """
    counts = np.array([_weigh(point) for point in points])
    effective = np.array([point.count if point.effective is None else point.effective for point in points])
    predicted = np.array([point.mean_predicted for point in points])
    deviations = counts * np.sqrt(predicted * (1 - predicted) / effective)
    drawn = np.abs(np.random.default_rng(0).standard_normal((CHANCES, len(points))))
    return float(np.quantile(drawn @ deviations, confidence) / counts.sum())


def compute_contributions(model: TrainedModel, rows: Rows) -> npt.NDArray[np.float64]:
    """Compute each feature's contribution in log-odds: path-dependent TreeSHAP (Lundberg et al. 2020).

    Return float64 (n, features), without the base value.
    """
    return model.explain(rows)[:, :-1].astype(np.float64)


def rank_features(contract: type[Contract], model: TrainedModel, rows: Rows) -> dict[str, float]:
    """Rank a contract's features by their mean absolute contribution in log-odds, largest first."""
    strength = np.abs(compute_contributions(model, rows)).mean(axis=0)
    named = zip(contract.feature_names(), map(float, strength), strict=True)
    return dict(sorted(named, key=lambda pair: -pair[1]))


def compute_shares(strengths: Mapping[str, float]) -> dict[str, float]:
    """Divide strengths by their sum; all zero if the sum is."""
    total = sum(strengths.values()) or 1.0
    return {name: strength / total for name, strength in strengths.items()}
