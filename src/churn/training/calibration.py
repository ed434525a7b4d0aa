"""A model whose probabilities are off is calibrated by a slope and an intercept on its log-odds (Platt, 1999).

Both go into the trees: each leaf is multiplied by the slope, and the base score is moved. So the registered model is
the calibrated one, and contributions add up to its log-odds as always.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xgboost
from sklearn.linear_model import LogisticRegression

from churn.contract.declaration import Contract, Rows
from churn.explain.xgb import XgboostModel
from churn.training.evaluation import (
    Probabilities,
    compute_calibration_error,
    find_largest_by_chance,
    measure_calibration,
)
from churn.training.fit import SEED, fit_xgboost
from churn.training.folds import draw_folds
from churn.training.groups import Indices, Labels

LARGEST_ERROR = 0.03
LEAF = -1  # in place of a child


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
    model: XgboostModel,
    rows: Rows,
    labels: Labels,
    params: Mapping[str, int | float],
    *,
    groups: Indices | None = None,
) -> tuple[XgboostModel, Calibration]:
    """Calibrate a model if models that were fitted as it was are surely off on the rows that they did not see.

    Args:
        contract: of the model.
        model: fitted on all of these rows.
        rows: float32 (n, features), of the training part only.
        labels: 0 (stayed) or 1 (left), (n,).
        params: what the model was fitted with.
        groups: the group of each row, which is in one fold.
    """
    margins = np.zeros(len(labels))
    for fitted, measured in draw_folds(labels, SEED, groups):
        part = fit_xgboost(contract, rows[fitted], labels[fitted], params, SEED)
        margins[measured] = part.compute_margins(rows[measured])
    calibration = find_calibration(labels, margins)
    if not calibration.is_applied:
        return model, calibration
    return apply_calibration(model, calibration.slope, calibration.intercept), calibration


def find_calibration(labels: Labels, margins: npt.NDArray[np.float64]) -> Calibration:
    """Find out whether log-odds (n,) are off, and if so which slope and intercept mend that."""
    probabilities: Probabilities = np.exp(-np.logaddexp(0.0, -margins))
    points = measure_calibration(labels, probabilities)
    error, allowed = compute_calibration_error(points), max(LARGEST_ERROR, find_largest_by_chance(points))
    if error <= allowed:
        return Calibration(error, allowed)
    fitted = LogisticRegression(C=np.inf).fit(margins.reshape(-1, 1), labels)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if not slope > 0:  # it would turn the order around, and each direction of the contract
        return Calibration(error, allowed)
    return Calibration(error, allowed, slope, intercept)


def apply_calibration(model: XgboostModel, slope: float, intercept: float) -> XgboostModel:
    """Return the model whose log-odds are those of `model`, times the slope, plus the intercept."""
    document = json.loads(bytes(model.native.save_raw("json")))
    learner = document["learner"]
    [base] = json.loads(f"[{learner['learner_model_param']['base_score'].strip('[]')}]")
    margin = slope * math.log(base / (1 - base)) + intercept
    learner["learner_model_param"]["base_score"] = f"[{1 / (1 + math.exp(-margin))!r}]"
    for tree in learner["gradient_booster"]["model"]["trees"]:
        tree["base_weights"] = [slope * weight for weight in tree["base_weights"]]
        tree["split_conditions"] = [
            slope * value if child == LEAF else value
            for value, child in zip(tree["split_conditions"], tree["left_children"], strict=True)
        ]
    booster = xgboost.Booster()
    booster.load_model(bytearray(json.dumps(document).encode()))
    booster.feature_names = model.native.feature_names
    return XgboostModel(booster)
