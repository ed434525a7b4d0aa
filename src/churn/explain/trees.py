"""Trees of any library as what explanation needs: leaves, each with the conditions on its path.

A path's conditions on one feature are an interval, since every split cuts the feature's axis at a threshold. Intervals
are kept as bins, so that all comparing of float32 numbers happens once per feature and row: bin 0 is a missing value,
bin b > 0 holds the values with exactly b - 1 thresholds at or below them. A value goes left where value < threshold,
both float32, which is where bin <= index of the threshold + 1. A split that only tells missing values from all others
has an infinite threshold, which cuts the axis nowhere.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from churn.explain.tree_by_tree import unite_thresholds

LEAF = -1
"""The child that a leaf has."""


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
        """Add up log-odds in double precision, where a library uses single: (n, trees) node numbers in, (n,) out."""
        return self.margin + sum(
            (values[nodes] for values, nodes in zip(self.values, leaves.T, strict=True)), start=np.zeros(len(leaves))
        )


@dataclass(frozen=True, slots=True)
class Tree:
    """A binary tree that splits on numbers, as arrays by node; node 0 is the root.

    Args:
        left, right: the children's numbers; -1 at a leaf.
        features: the feature that a node asks about.
        thresholds: float32; a value goes left where it is below. Infinite where all values go to one side.
        missing_left: whether a missing value goes left.
        covers: the training weight that reached a node, as the library's own contributions count it.
        values: float64, of leaves, in log-odds.
    """

    left: Sequence[int]
    right: Sequence[int]
    features: Sequence[int]
    thresholds: npt.NDArray[np.float32]
    missing_left: Sequence[bool]
    covers: Sequence[float]
    values: npt.NDArray[np.float64]

    def require_sound(self, features: int) -> None:
        """Refuse what would lead a library, which checks nothing, out of the tree or round in it.

        Raises:
            ValueError: a node has no parent or two, or asks about a feature that there is not.
        """
        inner = [node for node, left in enumerate(self.left) if left != LEAF]
        children = [(node, side[node]) for node in inner for side in (self.left, self.right)]
        if sorted(child for _, child in children) != list(range(1, len(self.left))):
            raise ValueError("the nodes of a tree do not form one")
        if any(child <= node for node, child in children) or any(self.right[node] == LEAF for node in inner):
            raise ValueError("the nodes of a tree do not form one")
        if not all(0 <= self.features[node] < features for node in inner):
            raise ValueError("a tree asks about a feature that there is not")

    def collect_thresholds(self) -> dict[int, npt.NDArray[np.float32]]:
        """Return the thresholds of each feature that it asks about, rising, without the infinite."""
        own: dict[int, list[np.float32]] = defaultdict(list)
        for node, left in enumerate(self.left):
            if left != LEAF:
                own[self.features[node]].append(self.thresholds[node])
        return {
            feature: np.unique(np.array([at for at in values if np.isfinite(at)], dtype=np.float32))
            for feature, values in own.items()
        }


def round_up_threshold(thresholds: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Turn thresholds of `value <= threshold`, in double precision, into those of `value < threshold` in float32.

    Each becomes the least float32 number above it, so that every float32 value goes where it went.
    """
    doubles = np.asarray(thresholds, dtype=np.float64)
    with np.errstate(over="ignore", under="ignore"):
        nearest = doubles.astype(np.float32)
        next_up = np.nextafter(nearest, np.float32(np.inf))
    above: npt.NDArray[np.float32] = np.where(nearest > doubles, nearest, next_up)
    return above


def build_ensemble(margin: float, trees: Sequence[Tree], features: int) -> Ensemble:
    """Walk the trees of a model that takes so many features.

    Raises:
        NotTabular: a split that matters was reached by no training row.
    """
    by_tree = [tree.collect_thresholds() for tree in trees]
    together = unite_thresholds(by_tree)
    axes = [together.get(feature, np.zeros(0, dtype=np.float32)) for feature in range(features)]
    leaves = [leaf for tree in trees for leaf in _walk_leaves(tree, axes)]
    return Ensemble(margin, axes, leaves, [tree.values for tree in trees], by_tree)


def _walk_leaves(tree: Tree, axes: Sequence[npt.NDArray[np.float32]]) -> Iterator[Leaf]:
    """Yield the leaves. One below a split that no training row reached is left out where its value is 0."""
    waiting: list[tuple[int, dict[int, SplitCondition], bool]] = [(0, {}, True)]
    while waiting:
        node, conditions, is_reached = waiting.pop()
        if tree.left[node] == LEAF:
            value = float(tree.values[node])
            if is_reached:
                yield Leaf(value, conditions)
            elif value:
                raise NotTabular("a split in it was reached by no training row")
            continue
        feature, cover = tree.features[node], tree.covers[node]
        axis = axes[feature]
        threshold = tree.thresholds[node]
        last_left = 0 if threshold == -np.inf else 1 + int(np.searchsorted(axis, threshold))
        before = conditions.get(feature, SplitCondition(1, len(axis) + 1, missing=True, share=1.0))
        missing_left = bool(tree.missing_left[node])
        for child, low, high, missing in (
            (tree.left[node], before.lowest, min(before.highest, last_left), missing_left),
            (tree.right[node], max(before.lowest, last_left + 1), before.highest, not missing_left),
        ):
            share = before.share * tree.covers[child] / cover if cover > 0 else 0.0
            after = SplitCondition(low, high, before.missing and missing, share)
            waiting.append((child, conditions | {feature: after}, is_reached and cover > 0))
