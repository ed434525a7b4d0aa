"""LightGBM, whose calibration goes into the leaves: it keeps where trees begin in those of the first one."""

from typing import Any, ClassVar

import lightgbm
import numpy as np
import numpy.typing as npt
from lightgbm import LGBMClassifier

from churn.contract.declaration import Contract, Rows
from churn.explain.kernel import most_features
from churn.explain.lgb import LightgbmModel
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


class LightgbmMethod(ServableMethod):
    """Trees of LightGBM, grown leaf by leaf."""

    name: ClassVar[str] = "LightGBM"
    compared: ClassVar[Params] = {"trees": 200, "num_leaves": 16, "learning_rate": 0.05}
    size: ClassVar[str] = "num_leaves"
    plain_sizes: ClassVar[tuple[int, ...]] = (2, 8, 31)
    plain: ClassVar[Params] = {"learning_rate": 0.05, "subsample": 0.8, "subsample_freq": 1, "colsample_bytree": 0.8}

    def build(self, directions: Directions, seed: int, params: Params) -> LGBMClassifier:
        """Build an LGBMClassifier whose paths are no longer than tables take."""
        trees, own = split_trees(params)
        return LGBMClassifier(
            n_estimators=trees,
            max_depth=most_features,
            monotone_constraints=list(directions),
            deterministic=True,
            force_row_wise=True,
            n_jobs=THREADS,
            verbose=-1,
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
    ) -> LightgbmModel:
        """Fit a booster."""
        model = self.build(contract.monotone_constraints(), seed, params)
        model.fit(rows, labels, sample_weight=weights, feature_name=contract.feature_names())
        return LightgbmModel(model.booster_.model_to_string())

    def stop_early(
        self, directions: Directions, seed: int, params: Params, seen: Labelled, unseen: Labelled
    ) -> tuple[npt.NDArray[np.floating[Any]], int]:
        """Stop early by LightGBM's own means."""
        model = self.build(directions, seed, {**params, "trees": MOST_TREES})
        stop = lightgbm.early_stopping(PATIENCE, verbose=False)
        model.fit(*seen, eval_X=unseen[0], eval_y=unseen[1], callbacks=[stop])
        return np.asarray(model.predict_proba(unseen[0]))[:, 1], int(model.best_iteration_)

    def calibrate(self, model: TrainedModel, slope: float, intercept: float) -> LightgbmModel:
        """Multiply each leaf, and move those of the first tree."""
        booster = lightgbm.Booster(model_str=model.native.model_to_string())
        trees = booster.dump_model()["tree_info"]
        for number, leaves in enumerate(tree["num_leaves"] for tree in trees):
            for leaf in range(leaves):
                value = slope * booster.get_leaf_output(number, leaf) + (intercept if number == 0 else 0.0)
                booster.set_leaf_output(number, leaf, value)
        return LightgbmModel(booster.model_to_string())

    def suggest(self, trial: Any) -> dict[str, int | float]:
        """Draw leaves, rate, shares of rows and columns, and what holds leaves back."""
        return {
            "num_leaves": trial.suggest_int("num_leaves", 4, 64, log=True),
            "learning_rate": suggest_number(trial, "learning_rate", 0.02, 0.3, log=True),
            "subsample": suggest_number(trial, "subsample", 0.5, 1.0),
            "subsample_freq": 1,
            "colsample_bytree": suggest_number(trial, "colsample_bytree", 0.4, 1.0),
            "min_child_samples": trial.suggest_int("min_child_samples", 5, 200, log=True),
            "reg_lambda": suggest_number(trial, "reg_lambda", 0.1, 30, log=True),
        }
