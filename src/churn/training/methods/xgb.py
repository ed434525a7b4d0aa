"""XGBoost, whose calibration goes into the leaves and the base score."""

import json
import math
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import xgboost
from xgboost import XGBClassifier

from churn.contract.declaration import Contract, Rows
from churn.explain.trained import TrainedModel
from churn.explain.xgb import XgboostModel
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

LEAF = -1  # in place of a child


class XgboostMethod(ServableMethod):
    """Trees of XGBoost, grown level by level."""

    name: ClassVar[str] = "XGBoost"
    compared: ClassVar[Params] = {"trees": 200, "max_depth": 4, "learning_rate": 0.05}
    size: ClassVar[str] = "max_depth"
    plain_sizes: ClassVar[tuple[int, ...]] = (1, 3, 6)
    plain: ClassVar[Params] = {"learning_rate": 0.05, "subsample": 0.8, "colsample_bytree": 0.8}

    def build(self, directions: Directions, seed: int, params: Params) -> XGBClassifier:
        """Build an XGBClassifier, which gives the same booster as `xgboost.train` with these parameters."""
        trees, own = split_trees(params)
        return XGBClassifier(
            n_estimators=trees, monotone_constraints=tuple(directions), n_jobs=THREADS, random_state=seed, **own
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
    ) -> XgboostModel:
        """Fit a booster."""
        classifier = self.build(contract.monotone_constraints(), seed, params)
        booster = classifier.fit(rows, labels, sample_weight=weights).get_booster()
        booster.feature_names = contract.feature_names()
        return XgboostModel(booster)

    def stop_early(
        self, directions: Directions, seed: int, params: Params, seen: Labelled, unseen: Labelled
    ) -> tuple[npt.NDArray[np.floating[Any]], int]:
        """Stop early by XGBoost's own means."""
        model = self.build(directions, seed, {**params, "trees": MOST_TREES})
        model.set_params(early_stopping_rounds=PATIENCE, eval_metric="logloss")
        model.fit(*seen, eval_set=[unseen], verbose=False)
        return model.predict_proba(unseen[0])[:, 1], int(model.best_iteration) + 1

    def calibrate(self, model: TrainedModel, slope: float, intercept: float) -> XgboostModel:
        """Multiply each leaf and move the base score."""
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

    def suggest(self, trial: Any) -> dict[str, int | float]:
        """Draw depth, rate, shares of rows and columns, and what holds leaves back."""
        return {
            "max_depth": trial.suggest_int("max_depth", 2, 6),
            "learning_rate": suggest_number(trial, "learning_rate", 0.02, 0.3, log=True),
            "subsample": suggest_number(trial, "subsample", 0.5, 1.0),
            "colsample_bytree": suggest_number(trial, "colsample_bytree", 0.4, 1.0),
            "min_child_weight": suggest_number(trial, "min_child_weight", 1, 100, log=True),
            "reg_lambda": suggest_number(trial, "reg_lambda", 0.1, 30, log=True),
        }

    def count_leaves(self, params: Params) -> int:
        """Count 2^depth leaves."""
        return int(2 ** params[self.size])
