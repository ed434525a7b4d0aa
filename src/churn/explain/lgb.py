"""LightGBM: its models, read from its text format."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import lightgbm
import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Rows
from churn.explain.trained import WholeModel
from churn.explain.trees import LEAF, Ensemble, NotTabular, Tree, build_ensemble, round_up_threshold

OBJECTIVE = re.compile(r"binary sigmoid:(\S+)")
DEFAULT_LEFT, ZERO_IS_MISSING = 2, 1
ZERO = np.float32(1e-35)
"""What lies no farther from 0 is 0."""


class LightgbmModel(WholeModel):
    """A booster. An early stop has cut it already.

    Args:
        text: the model in LightGBM's own format.
    """

    library: ClassVar[str] = "LightGBM"
    file_name: ClassVar[str] = "model.txt"
    proof_rows: ClassVar[int] = 100_000

    def __init__(self, text: str) -> None:
        self._text = text
        self._head, *trees = _split_sections(text)
        self._trees = [tree for tree in trees if "num_leaves" in tree]
        features = int(self._head.get("max_feature_idx", -1)) + 1
        for tree in self._trees:
            _read_tree(tree, 1.0).require_sound(features)
        self.native = lightgbm.Booster(model_str=text)

    @property
    def versions(self) -> Mapping[str, str]:
        """Return LightGBM's version."""
        return {"lightgbm": lightgbm.__version__}

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """Return the names that the booster knows, if they are not those that LightGBM makes up."""
        names = tuple(self.native.feature_name())
        return None if names == tuple(f"Column_{at}" for at in range(len(names))) else names

    @property
    def feature_count(self) -> int:
        """Return how many features it takes."""
        return int(self.native.num_feature())

    def list_obstacles(self) -> Iterator[str]:
        """List another objective, several outputs, averaged trees, leaves that are formulas, and categories."""
        if self._sigmoid is None:
            yield f"its objective is {self._head.get('objective', 'unknown')}, not binary"
        if self._head.get("num_tree_per_iteration") != "1":
            yield "it has several outputs"
        if "average_output" in self._head:
            yield "it is a random forest, which averages its trees"
        if any(tree.get("is_linear") == "1" for tree in self._trees):
            yield "its leaves are linear models"
        if any(tree.get("num_cat") != "0" for tree in self._trees):
            yield "it splits on categorical columns, not on the contract's codes"
        if any(map(_parts_zero, self._trees)):
            yield "it takes 0 for a missing value, apart from the numbers beside it (zero_as_missing)"

    @cached_property
    def _sigmoid(self) -> float | None:
        """Return what LightGBM multiplies log-odds by before it turns them into a probability."""
        match = OBJECTIVE.fullmatch(self._head.get("objective", ""))
        return float(match[1]) if match else None

    def read_ensemble(self) -> Ensemble:
        """Read the trees."""
        if obstacles := list(self.list_obstacles()):
            raise NotTabular("; ".join(obstacles))
        scale = self._sigmoid or 1.0
        return build_ensemble(0.0, [_read_tree(tree, scale) for tree in self._trees], self.feature_count)

    def predict(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Predict unrounded probabilities."""
        return np.asarray(self.native.predict(rows), dtype=np.float64)

    def compute_margins(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return LightGBM's raw scores, which it adds up in double precision, as log-odds."""
        return np.asarray(self.native.predict(rows, raw_score=True), dtype=np.float64) * (self._sigmoid or 1.0)

    def explain(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Explain by `pred_contrib`, which weighs a node by its number of training rows."""
        said = np.asarray(self.native.predict(rows, pred_contrib=True), dtype=np.float64)
        return said * (self._sigmoid or 1.0)

    def encode(self, names: Sequence[str]) -> bytes:  # noqa: ARG002 - the format holds names that LightGBM made up
        """Return the text."""
        return self._text.encode()


def _split_sections(text: str) -> list[dict[str, str]]:
    """Return the lines `name=value` of each paragraph; a line without `=` is a name."""
    return [
        {name: value for name, _, value in (line.partition("=") for line in paragraph.splitlines())}
        for paragraph in re.split(r"\n\n+", text.strip())
    ]


def _read_numbers(tree: Mapping[str, str], name: str, kind: type[Any]) -> npt.NDArray[Any]:
    return np.array(tree.get(name, "").split(), dtype=kind)


def _read_tree(tree: Mapping[str, str], scale: float) -> Tree:
    """Number the leaves after the splits: LightGBM's leaf `~k` becomes the node splits + k."""
    leaves = int(tree["num_leaves"])
    values = _read_numbers(tree, "leaf_value", float) * scale
    if leaves == 1:
        return Tree([LEAF], [LEAF], [0], np.zeros(1, np.float32), [False], [1.0], values[:1])
    splits = leaves - 1
    left, right = (
        np.where(children >= 0, children, splits + ~children)
        for children in (_read_numbers(tree, side, int) for side in ("left_child", "right_child"))
    )
    kinds, thresholds = _read_numbers(tree, "decision_type", int), _read_numbers(tree, "threshold", float)
    none, end = np.zeros(leaves), np.full(leaves, LEAF)
    return Tree(
        np.concatenate([left, end]).tolist(),
        np.concatenate([right, end]).tolist(),
        np.concatenate([_read_numbers(tree, "split_feature", int), np.zeros(leaves, int)]).tolist(),
        np.concatenate([_convert_thresholds(thresholds), none.astype(np.float32)]),
        [*map(_is_missing_left, kinds.tolist(), thresholds.tolist()), *[False] * leaves],
        np.concatenate(
            [_read_numbers(tree, "internal_count", float), _read_numbers(tree, "leaf_count", float)]
        ).tolist(),
        np.concatenate([np.zeros(splits), values]),
    )


def _convert_thresholds(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Turn `value <= threshold` into `value < threshold`. LightGBM reads a value that is all but 0 as 0."""
    is_tiny = (thresholds >= -ZERO) & (thresholds < ZERO)
    around_zero = np.where(thresholds < 0, -ZERO, np.nextafter(ZERO, np.float32(1)))
    return np.where(is_tiny, around_zero, round_up_threshold(thresholds))


def _is_missing_left(kind: int, threshold: float) -> bool:
    """Say where a missing value goes: as 0 goes, unless missing values have a side of their own."""
    return bool(kind & DEFAULT_LEFT) if _count_missing_as(kind) else threshold >= 0


def _count_missing_as(kind: int) -> int:
    """Return 0 if no value counts as missing, 1 if zero does, 2 if NaN does."""
    return kind >> 2 & 3


def _parts_zero(tree: Mapping[str, str]) -> bool:
    """Say whether a split sends 0 elsewhere than the numbers beside it, because 0 counts as missing."""
    kinds, thresholds = _read_numbers(tree, "decision_type", int), _read_numbers(tree, "threshold", float)
    return any(
        _count_missing_as(kind) == ZERO_IS_MISSING and bool(kind & DEFAULT_LEFT) != (threshold >= 0)
        for kind, threshold in zip(kinds.tolist(), thresholds.tolist(), strict=True)
    )
