"""Reads what XGBoost writes as JSON."""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from churn.explain.tree_by_tree import unite_thresholds
from churn.explain.trees import Ensemble, NotTabular, Tree, build_ensemble

LOGISTIC: Final = frozenset({"binary:logistic", "reg:logistic"})
SQUARED_ERROR: Final = "reg:squarederror"


def read_ensemble(model_json: bytes) -> Ensemble:
    """Read what `Booster.save_raw("json")` gives.

    Raises:
        NotTabular: a linear booster, categorical splits, more than one output, or an objective that is neither logistic
            nor squared error; names which.
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
    margin = _read_base_margin(params["base_score"], learner["objective"]["name"])
    return build_ensemble(margin, read, int(params["num_feature"]))


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


def _read_base_margin(base_score: str, objective: str) -> float:
    """Return what XGBoost begins to add leaves to, as float32. It keeps it as the objective shows it."""
    scores = [float(score) for score in base_score.strip("[]").split(",")]
    if len(scores) != 1:
        raise NotTabular("it has several outputs")
    [score] = scores
    if objective == SQUARED_ERROR:
        return float(np.float32(score))
    if objective not in LOGISTIC:
        raise NotTabular(f"its objective is {objective}, whose base score is not read")
    if not 0 < score < 1:
        raise NotTabular(f"its base score is {score:g}, which is no probability between 0 and 1")
    return float(np.float32(math.log(score / (1 - score))))


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
