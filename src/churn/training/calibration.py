"""A model whose probabilities are off is calibrated by a slope and an intercept on its log-odds (Platt, 1999).

Each method puts both into its own library's trees: each leaf is multiplied by the slope, and where the trees begin is
moved. So the registered model is the calibrated one, and contributions add up to its log-odds as always.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from churn.contract.declaration import Contract, Rows
from churn.explain.trained import TrainedModel
from churn.training.evaluation import (
    Probabilities,
    compute_calibration_error,
    find_largest_by_chance,
    measure_calibration,
)
from churn.training.folds import SEED, draw_folds
from churn.training.groups import Indices, Labels, Weights
from churn.training.methods.method import Recipe

LARGEST_ERROR = 0.03


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was found out of fold, and what was done about it.

    Args:
        error: the calibration error out of fold.
        allowed: the largest one that a model may have on so many rows.
        slope: by which log-odds were multiplied; 1 if nothing was done.
        intercept: what was added to them afterwards; 0 if nothing was done.
    """

    error: float
    allowed: float
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def is_applied(self) -> bool:
        """Tell whether the model was changed."""
        return (self.slope, self.intercept) != (1.0, 0.0)

    def describe(self) -> str:
        """Say in a sentence what was found and done."""
        said = f"the calibration error out of fold is {self.error:.4f}, at most {self.allowed:.4f} allowed"
        if self.error <= self.allowed:
            return said
        if not self.is_applied:
            return f"{said}; no slope above 0 mends it, so the model stays as it is"
        return f"{said}: calibrated, log-odds times {self.slope:.4f} {self.intercept:+.4f}"


def calibrate(
    contract: type[Contract],
    model: TrainedModel,
    rows: Rows,
    labels: Labels,
    recipe: Recipe,
    *,
    groups: Indices | None = None,
    weights: Weights | None = None,
) -> tuple[TrainedModel, Calibration]:
    """Calibrate a model if models that were fitted as it was are surely off on the rows that they did not see.

    Args:
        contract: of the model.
        model: fitted on all of these rows.
        rows: float32 (n, features), of the training part only.
        labels: 0 (stayed) or 1 (left), (n,).
        recipe: what the model was fitted by.
        groups: the group of each row, which is in one fold.
        weights: for how many subscribers each row stands; each for itself if not given.
    """
    margins = compute_out_of_fold(contract, rows, labels, recipe, groups=groups, weights=weights)
    calibration = find_calibration(labels, margins, weights)
    if not calibration.is_applied:
        return model, calibration
    return recipe.method.calibrate(model, calibration.slope, calibration.intercept), calibration


def compute_out_of_fold(
    contract: type[Contract],
    rows: Rows,
    labels: Labels,
    recipe: Recipe,
    *,
    groups: Indices | None = None,
    weights: Weights | None = None,
) -> npt.NDArray[np.float64]:
    """Compute the log-odds of each row by a model that did not see its fold, (n,). Arguments as above."""
    margins = np.zeros(len(labels))
    for fitted, measured in draw_folds(labels, SEED, groups):
        part = recipe.fit(contract, rows[fitted], labels[fitted], None if weights is None else weights[fitted])
        margins[measured] = part.compute_margins(rows[measured])
    return margins


def find_calibration(labels: Labels, margins: npt.NDArray[np.float64], weights: Weights | None = None) -> Calibration:
    """Find out whether log-odds (n,) are off, and if so which slope and intercept mend that."""
    probabilities: Probabilities = np.exp(-np.logaddexp(0.0, -margins))
    points = measure_calibration(labels, probabilities, weights)
    error, allowed = compute_calibration_error(points), max(LARGEST_ERROR, find_largest_by_chance(points))
    if error <= allowed:
        return Calibration(error, allowed)
    fitted = LogisticRegression(C=np.inf).fit(margins.reshape(-1, 1), labels, sample_weight=weights)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if not slope > 0:  # it would turn the order around, and each direction of the contract
        return Calibration(error, allowed)
    return Calibration(error, allowed, slope, intercept)
