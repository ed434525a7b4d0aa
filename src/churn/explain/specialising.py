"""Specialises trees of XGBoost: what is asked about columns whose value is known is decided, and pruned.

One booster that is fitted over features and a column per offer becomes an ordinary booster of the features, for each
offer. It says what the whole one says where the columns have these values.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xgboost

from churn.explain.trees import LEAF

type Document = dict[str, Any]
SPLITS = ("split_conditions", "split_indices", "split_type", "default_left", "base_weights", "loss_changes")


def specialise_booster(booster: xgboost.Booster, known: Mapping[int, float]) -> xgboost.Booster:
    """Decide every branch on columns whose value is known.

    The training weight of an inner node becomes the sum of what its children have, so that shares add up.

    Args:
        booster: of trees that split on numbers.
        known: the value of each of the booster's last columns, by the column's number.

    Returns:
        a booster that takes the columns before these.

    Raises:
        ValueError: the known columns are not the last ones.
    """
    kept, total = booster.num_features() - len(known), booster.num_features()
    if sorted(known) != list(range(kept, total)):
        raise ValueError(f"the known columns are {sorted(known)}, not the last of {total}")
    document = json.loads(bytes(booster.save_raw("json")))
    learner = document["learner"]
    learner["learner_model_param"]["num_feature"] = str(kept)
    for names in ("feature_names", "feature_types"):
        learner[names] = learner[names][:kept]
    model = learner["gradient_booster"]["model"]
    model["trees"] = [_rebuild_tree(tree, _list_taken(tree, known), kept) for tree in model["trees"]]
    specialised = xgboost.Booster()
    specialised.load_model(bytearray(json.dumps(document).encode()))
    return specialised


def _list_taken(tree: Document, known: Mapping[int, float]) -> Sequence[int]:
    """Return for each node the node that stands in its place, once all known branches are decided."""
    taken = list(range(len(tree["left_children"])))
    for node in reversed(taken):  # children come after their parents
        feature = tree["split_indices"][node]
        if tree["left_children"][node] == LEAF or feature not in known:
            continue
        goes_left = np.float32(known[feature]) < np.float32(tree["split_conditions"][node])
        taken[node] = taken[tree["left_children" if goes_left else "right_children"][node]]
    return taken


def _rebuild_tree(tree: Document, taken: Sequence[int], features: int) -> Document:
    """Number the nodes that are left anew, parents before children, level by level."""
    order, parents = [taken[0]], [2**31 - 1]  # XGBoost's parent of a root
    left, right = [], []
    for node in order:  # grows as it goes
        is_leaf = tree["left_children"][node] == LEAF
        left.append(LEAF if is_leaf else len(order))
        right.append(LEAF if is_leaf else len(order) + 1)
        if not is_leaf:
            parents += [len(left) - 1] * 2
            order += [taken[tree[side][node]] for side in ("left_children", "right_children")]
    covers = [tree["sum_hessian"][node] for node in order]
    for number in reversed(range(len(order))):
        if left[number] != LEAF:
            covers[number] = covers[left[number]] + covers[right[number]]
    return {
        **tree,
        **{name: [tree[name][node] for node in order] for name in SPLITS},
        "left_children": left,
        "right_children": right,
        "parents": parents,
        "sum_hessian": covers,
        "tree_param": tree["tree_param"] | {"num_nodes": str(len(order)), "num_feature": str(features)},
    }
