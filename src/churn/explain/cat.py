"""CatBoost: its models, read from its JSON format."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import catboost
import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Rows
from churn.explain.trained import WholeModel
from churn.explain.trees import LEAF, Ensemble, NotTabular, Tree, build_ensemble, round_up_threshold

OBJECTIVES = {"Logloss", "CrossEntropy"}
FOREIGN_FEATURES = {
    "categorical_features": "categories, by statistics of its own (CTR)",
    "text_features": "texts",
    "embedding_features": "embeddings",
}
MISSING_IS_RIGHT = "AsTrue"


class CatboostModel(WholeModel):
    """A model of CatBoost. It was shrunk to its best iteration when it was fitted, unless its owner forbade it.

    Args:
        content: the model.
        form: its format, `cbm` or `json`.
    """

    library: ClassVar[str] = "CatBoost"
    file_name: ClassVar[str] = "model.cbm"
    proof_rows: ClassVar[int] = 20_000

    def __init__(self, content: bytes, form: str = "cbm") -> None:
        self.native = catboost.CatBoost()
        with tempfile.NamedTemporaryFile() as file:
            Path(file.name).write_bytes(content)
            self.native.load_model(file.name, format=form)

    @property
    def versions(self) -> Mapping[str, str]:
        """Return CatBoost's version."""
        return {"catboost": catboost.__version__}

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """Return the names that the model knows, if they are not just numbers."""
        names = tuple(self.native.feature_names_)
        return None if names == tuple(map(str, range(len(names)))) else names

    @property
    def feature_count(self) -> int:
        """Return how many features it takes."""
        return len(self.native.feature_names_)

    @cached_property
    def _json(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self._save("json"))
        return content

    def list_obstacles(self) -> Iterator[str]:
        """List another loss, several outputs, and features that are no numbers."""
        loss = self.native.get_all_params().get("loss_function", "unknown")
        if loss.partition(":")[0] not in OBJECTIVES:
            yield f"its loss is {loss}, not Logloss"
        for kind, words in FOREIGN_FEATURES.items():
            if self._json["features_info"].get(kind):
                yield f"it splits on {words}, not on the contract's codes"

    def read_ensemble(self) -> Ensemble:
        """Read the trees, symmetric or not."""
        if obstacles := list(self.list_obstacles()):
            raise NotTabular("; ".join(obstacles))
        scale, (bias,) = self._json["scale_and_bias"]
        places = {one["feature_index"]: one for one in self._json["features_info"]["float_features"]}
        roots = map(_unfold, self._json["oblivious_trees"]) if "oblivious_trees" in self._json else self._json["trees"]
        return build_ensemble(bias, [_read_tree(root, places, scale) for root in roots], self.feature_count)

    def predict(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Predict unrounded probabilities."""
        said: npt.NDArray[np.float64] = self.native.predict(rows, prediction_type="Probability")[:, 1]
        return said

    def compute_margins(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return CatBoost's raw values, which it adds up in double precision."""
        said: npt.NDArray[np.float64] = self.native.predict(rows, prediction_type="RawFormulaVal")
        return said

    def explain(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Explain by `ShapValues` of the type `Regular`, which is path-dependent."""
        said: npt.NDArray[np.float64] = self.native.get_feature_importance(
            catboost.Pool(rows), type="ShapValues", shap_calc_type="Regular"
        )
        return said

    def encode(self, names: Sequence[str]) -> bytes:  # noqa: ARG002 - the format holds names that CatBoost made up
        """Return the binary format."""
        return self._save("cbm")

    def _save(self, form: str) -> bytes:
        with tempfile.NamedTemporaryFile() as file:
            self.native.save_model(file.name, format=form)
            return Path(file.name).read_bytes()


def _unfold(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a symmetric tree into nested splits: bit i of a leaf's number says what the split i said."""
    level: list[dict[str, Any]] = [
        {"value": value, "weight": weight}
        for value, weight in zip(tree["leaf_values"], tree["leaf_weights"], strict=True)
    ]
    for split in tree["splits"] or []:
        level = [
            {"left": left, "right": right, "split": split} for left, right in zip(level[::2], level[1::2], strict=True)
        ]
    return level[0]


def _read_tree(root: Mapping[str, Any], places: Mapping[int, Mapping[str, Any]], scale: float) -> Tree:
    """Number nested nodes. A value goes right where it is above the border."""
    nodes: list[Mapping[str, Any]] = [root]
    left, right = [], []
    for node in nodes:  # which grows
        children = [node["left"], node["right"]] if "split" in node else []
        left.append(len(nodes) if children else LEAF)
        right.append(len(nodes) + 1 if children else LEAF)
        nodes += children
    weights: list[float] = [node.get("weight", 0.0) for node in nodes]
    for at in reversed(range(len(nodes))):
        if left[at] != LEAF:
            weights[at] = weights[left[at]] + weights[right[at]]
    splits = [node.get("split") for node in nodes]
    asked = [places[split["float_feature_index"]] if split else None for split in splits]
    return Tree(
        left,
        right,
        [feature["flat_feature_index"] if feature else 0 for feature in asked],
        round_up_threshold([split["border"] if split else 0.0 for split in splits]),
        [feature["nan_value_treatment"] != MISSING_IS_RIGHT if feature else False for feature in asked],
        weights,
        np.array([scale * node.get("value", 0.0) for node in nodes]),
    )
