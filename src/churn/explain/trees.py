"""Reading an ensemble in XGBoost's own format as what explanation needs: leaves, each with the conditions on its path.

A path's conditions on one feature are an interval, since every split cuts the feature's axis at a threshold. Intervals
are kept as bins, so that all comparing of float32 numbers happens once per feature and row: bin 0 is a missing value,
bin b > 0 holds the values with exactly b - 1 thresholds at or below them. XGBoost goes left where value < threshold,
both float32, which is where bin <= index of the threshold + 1. A split that only tells missing values from all others
has an infinite threshold, which cuts the axis nowhere.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


class NotTabular(Exception):  # noqa: N818 - a statement about a model, not a failure
    """A model that cannot be compiled into tables; says why."""


@dataclass(frozen=True, slots=True)
class SplitCondition:
    """What a path asks of one feature.

    Args:
        lowest, highest: the bins that pass, both included.
        missing: whether a missing value passes.
        share: of the training weight that passes, among what reached the splits on this feature.
    """

    lowest: int
    highest: int
    missing: bool
    share: float

    def mark_bins(self, bins: int) -> npt.NDArray[np.int64]:
        """Return 1 for each of a feature's bins that passes, 0 for the others."""
        numbers = np.arange(bins)
        passed = (self.lowest <= numbers) & (numbers <= self.highest)
        passed[0] = self.missing
        return passed.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf's value in log-odds, and its path's condition on each feature it asks about."""

    value: float
    conditions: Mapping[int, SplitCondition]


@dataclass(frozen=True, slots=True)
class Ensemble:
    """All leaves of all trees.

    Args:
        margin: log-odds before any tree.
        thresholds: per feature, float32, rising, without repetition.
        values: per tree, float64 (nodes,); a leaf's value in log-odds at its node's number.
        thresholds_by_tree: per tree, the thresholds of each feature that it asks about; float32, rising.
    """

    margin: float
    thresholds: Sequence[npt.NDArray[np.float32]]
    leaves: Sequence[Leaf]
    values: Sequence[npt.NDArray[np.float64]] = ()
    thresholds_by_tree: Sequence[Mapping[int, npt.NDArray[np.float32]]] = ()

    def sum_margins(self, leaves: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Add up log-odds in double precision, where XGBoost uses single: (n, trees) node numbers in, (n,) out."""
        return self.margin + sum(
            (values[nodes] for values, nodes in zip(self.values, leaves.T, strict=True)), start=np.zeros(len(leaves))
        )


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
    thresholds = _list_thresholds(trees, int(params["num_feature"]))
    values = [
        np.array(tree["split_conditions"], dtype=np.float32).astype(np.float64) * weight
        for tree, weight in zip(trees, weights, strict=True)
    ]
    leaves = [leaf for tree, own in zip(trees, values, strict=True) for leaf in _walk_leaves(tree, own, thresholds)]
    by_tree = [_collect_thresholds([tree]) for tree in trees]
    return Ensemble(_read_base_margin(params["base_score"]), thresholds, leaves, values, by_tree)


def read_thresholds(model_json: bytes) -> list[npt.NDArray[np.float32]]:
    """Read the thresholds of each feature from what `Booster.save_raw("json")` gives; none if it has no trees."""
    learner = json.loads(model_json)["learner"]
    trees = learner["gradient_booster"].get("model", {}).get("trees", [])
    return _list_thresholds(trees, int(learner["learner_model_param"]["num_feature"]))


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


def _is_leaf(tree: Mapping[str, Any], node: int) -> bool:
    return bool(tree["left_children"][node] == -1)


def _list_thresholds(trees: Sequence[Mapping[str, Any]], features: int) -> list[npt.NDArray[np.float32]]:
    thresholds = _collect_thresholds(trees)
    return [thresholds.get(feature, np.zeros(0, dtype=np.float32)) for feature in range(features)]


def _collect_thresholds(trees: Sequence[Mapping[str, Any]]) -> dict[int, npt.NDArray[np.float32]]:
    thresholds: dict[int, set[float]] = defaultdict(set)
    for tree in trees:
        for node, feature in enumerate(tree["split_indices"]):
            if not _is_leaf(tree, node):
                thresholds[feature].add(tree["split_conditions"][node])
    return {
        feature: np.unique(np.array(sorted(filter(math.isfinite, own)), dtype=np.float32))
        for feature, own in thresholds.items()
    }


def _walk_leaves(
    tree: Mapping[str, Any], values: npt.NDArray[np.float64], thresholds: Sequence[npt.NDArray[np.float32]]
) -> Iterator[Leaf]:
    cover = tree["sum_hessian"]
    waiting: list[tuple[int, dict[int, SplitCondition]]] = [(0, {})]
    while waiting:
        node, conditions = waiting.pop()
        if _is_leaf(tree, node):
            yield Leaf(float(values[node]), conditions)
            continue
        feature = tree["split_indices"][node]
        axis = thresholds[feature]
        threshold = np.float32(tree["split_conditions"][node])
        last_left = 0 if threshold == -np.inf else 1 + int(np.searchsorted(axis, threshold))
        before = conditions.get(feature, SplitCondition(1, len(axis) + 1, missing=True, share=1.0))
        missing_left = bool(tree["default_left"][node])
        for child, low, high, missing in (
            (tree["left_children"][node], before.lowest, min(before.highest, last_left), missing_left),
            (tree["right_children"][node], max(before.lowest, last_left + 1), before.highest, not missing_left),
        ):
            if not cover[node] > 0:
                raise NotTabular("a split in it was reached by no training row")
            share = before.share * cover[child] / cover[node]
            after = SplitCondition(low, high, before.missing and missing, share)
            waiting.append((child, conditions | {feature: after}))
