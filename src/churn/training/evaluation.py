"""How good a model's probabilities are on rows it has not seen, and what they rest on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import brier_score_loss, confusion_matrix, f1_score, log_loss, roc_auc_score

from churn.contract.declaration import Contract, Rows
from churn.explain.trained import TrainedModel
from churn.training.groups import Labels

type Probabilities = npt.NDArray[np.floating[Any]]

DECISION = 0.5
RESAMPLES = 1000
BINS = 10
CHANCES = 4000


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """The rows whose probability falls into one of ten equal parts of 0..1."""

    mean_predicted: float
    observed_share: float
    count: int


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


def evaluate(labels: Labels, probabilities: Probabilities, seed: int) -> Evaluation:
    """Measure probabilities of leaving (n,) against labels (n,). Both labels must occur.

    The seed is that of the bootstrap behind the AUC's interval.
    """
    predicted = np.asarray(probabilities, dtype=np.float64)
    positive = predicted >= DECISION
    auc_low, auc_high = estimate_auc_interval(labels, predicted, seed)
    points = measure_calibration(labels, predicted)
    return Evaluation(
        rows=len(labels),
        base_rate=float(np.mean(labels)),
        auc=float(roc_auc_score(labels, predicted)),
        auc_low=auc_low,
        auc_high=auc_high,
        f1=float(f1_score(labels, positive)),
        log_loss=float(log_loss(labels, predicted)),
        brier=float(brier_score_loss(labels, predicted)),
        expected_calibration_error=compute_calibration_error(points),
        calibration=points,
        confusion=Confusion(*map(int, confusion_matrix(labels, positive, labels=[False, True]).ravel())),
    )


def estimate_auc_interval(labels: Labels, probabilities: Probabilities, seed: int) -> tuple[float, float]:
    """Estimate a 95 % percentile interval of the AUC from 1,000 bootstrap resamples, drawn within each label.

    Rows are sorted once. A resample is then a weight per row, and its AUC the share of (left, stayed) pairs in the
    right order, ties counting half (Mann-Whitney; Efron and Tibshirani 1993, chapter 13).
    """
    _, rank = np.unique(probabilities, return_inverse=True)
    left, stayed = (rank[np.asarray(labels) == label] for label in (1, 0))
    rng = np.random.default_rng(seed)

    def resampled_auc() -> float:
        left_at = np.bincount(rng.choice(left, len(left)), minlength=rank.max() + 1)
        stayed_at = np.bincount(rng.choice(stayed, len(stayed)), minlength=rank.max() + 1)
        beaten = np.cumsum(stayed_at) - stayed_at / 2
        return float(left_at @ beaten) / (len(left) * len(stayed))

    low, high = np.quantile([resampled_auc() for _ in range(RESAMPLES)], [0.025, 0.975])
    return float(low), float(high)


def measure_calibration(labels: Labels, probabilities: Probabilities) -> list[CalibrationPoint]:
    """Compare predicted with observed in ten equal parts of 0..1, empty ones left out (Naeini et al. 2015)."""
    part = np.minimum((probabilities * BINS).astype(np.intp), BINS - 1)
    return [
        CalibrationPoint(
            mean_predicted=float(probabilities[part == number].mean()),
            observed_share=float(np.asarray(labels)[part == number].mean()),
            count=int((part == number).sum()),
        )
        for number in np.unique(part)
    ]


def compute_calibration_error(points: Sequence[CalibrationPoint]) -> float:
    """Compute the mean distance of predicted and observed, weighted by counts (Naeini et al. 2015)."""
    gaps = [point.count * abs(point.mean_predicted - point.observed_share) for point in points]
    return sum(gaps) / sum(point.count for point in points)


def find_largest_by_chance(points: Sequence[CalibrationPoint], confidence: float = 0.95) -> float:
    """Find the calibration error that a perfectly calibrated model rarely exceeds on as many rows.

    It stays below in the share `confidence` of all draws.

    Each part's mean of labels is taken for normal, with the variance of labels that are drawn as was predicted.
    """
    counts = np.array([point.count for point in points])
    predicted = np.array([point.mean_predicted for point in points])
    deviations = np.sqrt(counts * predicted * (1 - predicted))
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
