"""Reads what XGBoost writes as JSON."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from churn.explain.tree_by_tree import unite_thresholds
from churn.explain.trees import Ensemble, NotTabular, Tree, build_ensemble


def read_ensemble(model_json: bytes) -> Ensemble:
    """Read what `Booster.save_raw("json")` gives.

    Raises:
        NotTabular: a linear booster, categorical splits, or more than one output; names which.
    """
    learner = json.loads(model_json)["learner"]
    booster = learner["gradient_booster"]
    if booster["name"] != "gbtree":
        raise NotTabular(f"its booster is {booster['name']}, not gbtree")
    trees = booster["model"]["trees"]
    weights = booster["model"].get("weight_drop") or [1.0] * len(trees)  # of trees trained with dropout
    for tree in trees:
        _require_plain(tree)
    params = learner["learner_model_param"]
    read = [_read_tree(tree, weight) for tree, weight in zip(trees, weights, strict=True)]
    return build_ensemble(_read_base_margin(params["base_score"]), read, int(params["num_feature"]))


def read_thresholds(model_json: bytes) -> list[npt.NDArray[np.float32]]:
    """Read the thresholds of each feature from what `Booster.save_raw("json")` gives; none if it has no trees."""
    learner = json.loads(model_json)["learner"]
    trees = learner["gradient_booster"].get("model", {}).get("trees", [])
    together = unite_thresholds(_read_tree(tree, 1.0).collect_thresholds() for tree in trees)
    features = int(learner["learner_model_param"]["num_feature"])
    return [together.get(feature, np.zeros(0, dtype=np.float32)) for feature in range(features)]


def _require_plain(tree: Mapping[str, Any]) -> None:
    if int(tree["tree_param"]["size_leaf_vector"]) > 1:
        raise NotTabular("its trees have several outputs")
    if any(tree["split_type"]):
        raise NotTabular("its trees split on categories")


def _read_base_margin(base_score: str) -> float:
    """Return the base score in log-odds, as float32; XGBoost keeps it as a probability."""
    scores = [float(score) for score in base_score.strip("[]").split(",")]
    if len(scores) != 1:
        raise NotTabular("it has several outputs")
    return float(np.float32(math.log(scores[0] / (1 - scores[0]))))


def _read_tree(tree: Mapping[str, Any], weight: float) -> Tree:
    numbers = np.array(tree["split_conditions"], dtype=np.float32)
    return Tree(
        left=tree["left_children"],
        right=tree["right_children"],
        features=tree["split_indices"],
        thresholds=numbers,
        missing_left=tree["default_left"],
        covers=tree["sum_hessian"],
        values=numbers.astype(np.float64) * weight,
    )
