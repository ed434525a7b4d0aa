"""scikit-learn's histogram gradient boosting, whose calibration goes into the leaves and where it begins."""

from copy import deepcopy
from itertools import islice
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from churn.contract.declaration import Contract, Rows
from churn.explain.kernel import most_features
from churn.explain.skl import SklearnModel, widen
from churn.explain.trained import TrainedModel
from churn.training.groups import Labels, Weights
from churn.training.methods.method import (
    MOST_TREES,
    PATIENCE,
    THREADS,
    Directions,
    Labelled,
    Params,
    ServableMethod,
    split_trees,
    suggest_number,
)

# ruff: noqa: SLF001 - scikit-learn has no other way to its trees, nor to where it begins


class HistogramMethod(ServableMethod):
    """Histogram trees of scikit-learn, grown leaf by leaf."""

    name: ClassVar[str] = "histogram gradient boosting"
    compared: ClassVar[Params] = {"trees": 200, "max_leaf_nodes": 16, "learning_rate": 0.05}
    size: ClassVar[str] = "max_leaf_nodes"
    plain_sizes: ClassVar[tuple[int, ...]] = (2, 8, 31)
    plain: ClassVar[Params] = {"learning_rate": 0.05, "max_features": 0.8}

    def build(self, directions: Directions, seed: int, params: Params) -> HistGradientBoostingClassifier:
        """Build a classifier whose paths are no longer than tables take."""
        trees, own = split_trees(params)
        return HistGradientBoostingClassifier(
            max_iter=trees,
            max_depth=most_features,
            early_stopping=False,
            monotonic_cst=list(directions),
            random_state=seed,
            **own,
        )

    def fit(
        self,
        contract: type[Contract],
        rows: Rows,
        labels: Labels,
        params: Params,
        seed: int = 0,
        *,
        weights: Weights | None = None,
    ) -> SklearnModel:
        """Fit a classifier to the decimals that the rows stand for, which it is asked about later."""
        model = self.build(contract.monotone_constraints(), seed, params)
        with threadpool_limits(THREADS):
            model.fit(widen(rows), labels, sample_weight=weights)
        model.feature_names_in_ = np.array(contract.feature_names(), dtype=object)
        model._feature_subsample_rng = None  # was needed to fit only, and is no type that a reader trusts
        return _wrap(model)

    def stop_early(
        self, directions: Directions, seed: int, params: Params, seen: Labelled, unseen: Labelled
    ) -> tuple[npt.NDArray[np.floating[Any]], int]:
        """Stop early by scikit-learn's own means, and leave out the trees after the best."""
        model = self.build(directions, seed, {**params, "trees": MOST_TREES})
        model.set_params(early_stopping=True, n_iter_no_change=PATIENCE, tol=0.0)
        with threadpool_limits(THREADS):
            model.fit(*seen, X_val=unseen[0], y_val=unseen[1])
            best = max(1, int(np.argmax(model.validation_score_)))  # the first score is that of no tree
            [said] = islice(model.staged_predict_proba(unseen[0]), best - 1, best)
        return said[:, 1], best

    def calibrate(self, model: TrainedModel, slope: float, intercept: float) -> SklearnModel:
        """Multiply each leaf and move the start."""
        native = deepcopy(model.native)
        native._baseline_prediction = slope * native._baseline_prediction + intercept
        for predictors in native._predictors:
            for predictor in predictors:
                predictor.nodes["value"] *= slope
        return _wrap(native)

    def suggest(self, trial: Any) -> dict[str, int | float]:
        """Draw leaves, rate, the share of columns, and what holds leaves back."""
        return {
            "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 4, 64, log=True),
            "learning_rate": suggest_number(trial, "learning_rate", 0.02, 0.3, log=True),
            "max_features": suggest_number(trial, "max_features", 0.4, 1.0),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 5, 200, log=True),
            "l2_regularization": suggest_number(trial, "l2_regularization", 0.1, 30, log=True),
        }


def _wrap(native: HistGradientBoostingClassifier) -> SklearnModel:
    return SklearnModel(native, skops.io.dumps(native))
