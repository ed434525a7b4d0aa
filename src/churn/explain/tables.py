"""Compiling trees into tables, so that explaining a row is looking it up: exact path-dependent TreeSHAP.

A leaf with value v, whose path asks about d features, contributes

    v (o_i - p_i) * integral over t in 0..1 of the product over j != i of (p_j + t (o_j - p_j))

to feature i, where o_j is 1 if the row meets the condition on feature j and 0 if not, and p_j is the condition's
share of the training weight. It is the Shapley value of the game in which an absent feature passes with its share
(Lundberg et al. 2020, algorithm 2), the sum over coalitions written as an integral over the beta function. The
integrand is a polynomial of degree d - 1, so Gauss-Legendre quadrature with ceil(d / 2) points is exact. XGBoost since
3.3 evaluates the same integral tree by tree, with eight points at any depth: Wettenstein, Mitchell and Yu (2026),
"Quadrature-TreeSHAP: Depth-Independent TreeSHAP and Shapley Interactions", arXiv:2605.04497.

Leaves that ask about the same features form a group, of one of two kinds:

- Where the features have few bins, all leaves together become one grid with a cell for each combination of bins, whose
  numbers are the contributions: a single look-up for all these leaves of all trees.
- Where they have many, the group keeps its leaves' values and shares, and per feature and bin a row of bytes that says
  which leaves the bin passes. At run time d rows of bytes are the o of all leaves, and the quadrature is evaluated for
  eight leaves at a time. A table of all 2^d patterns per leaf would be ten times larger than a processor's cache.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Rows
from churn.explain import Explainer
from churn.explain.arrays import Tables
from churn.explain.kernel import Kernel, lanes, most_columns, most_features
from churn.explain.trees import Ensemble, Leaf, NotTabular

LARGEST_TABLES_BYTES = 64 * 2**20
LARGEST_GRID = 2**12
"""Numbers in a grid: 16 KiB, since many grids share a processor's cache, and a few leaves cost less than missing it."""


def compile_tables(ensemble: Ensemble, *, largest_grid: int = LARGEST_GRID) -> Tables:
    """Compile an ensemble.

    Raises:
        NotTabular: a path asks about more than 16 features, rows have more than 256, the tables would be larger than
            64 MiB, or they would hold what no table may hold, such as a leaf that is no log-odds.
    """
    if (columns := len(ensemble.thresholds)) > most_columns:
        raise NotTabular(f"it takes {columns} features, more than {most_columns}")
    groups = _group_leaves(ensemble.leaves)
    if (most := max(map(len, groups), default=0)) > most_features:
        raise NotTabular(f"a path in it asks about {most} features, more than {most_features}")
    bins = [len(axis) + 2 for axis in ensemble.thresholds]
    size = sum(_pad_count(leaves) * sum(bins[feature] for feature in features) for features, leaves in groups.items())
    if size > LARGEST_TABLES_BYTES:
        raise NotTabular(f"its tables would take up to {size >> 20} MiB, more than {LARGEST_TABLES_BYTES >> 20} MiB")
    parts = _TableBuilder()
    for features, leaves in sorted(groups.items()):
        shape = [bins[feature] for feature in features]
        if _multiply(shape) * len(shape) <= largest_grid:
            parts.add_grid(features, _fill_grid(features, shape, leaves))
        else:
            parts.add_leaves(features, shape, leaves)
    empty = np.zeros(0, dtype=np.float32)
    tables = Tables(
        base=np.array([ensemble.margin + sum(_expect(leaf) for leaf in ensemble.leaves)]),
        thresholds=np.concatenate([*ensemble.thresholds, empty]),
        threshold_ends=np.cumsum([len(axis) for axis in ensemble.thresholds]).astype(np.int64),
        **parts.arrays(),
    )
    try:
        tables.require_sound()
    except ValueError as error:
        raise NotTabular(f"of its tables, {error}") from error
    return tables


def build_table_explainer(tables: Tables, *, portable: bool = False) -> Explainer:
    """Explain by look-up.

    Args:
        tables: which must be sound, as those made or loaded here are.
        portable: use only instructions that every processor of this kind has; the answer is the same, bit for bit.
    """
    orders = most_features // 2
    points, weights = np.zeros((2, orders, orders), dtype=np.float32)
    for order in range(1, orders + 1):
        points[order - 1, :order], weights[order - 1, :order] = make_quadrature(order)
    kernel = Kernel(**tables.arrays(), points=points, weights=weights, portable=portable)

    def explain(rows: Rows) -> npt.NDArray[np.float64]:
        return kernel.explain(np.ascontiguousarray(rows, dtype=np.float32))

    return explain


def make_quadrature(points: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Make Gauss-Legendre points and weights on 0..1, exact for polynomials up to degree 2 * points - 1."""
    at, weights = np.polynomial.legendre.leggauss(points)
    return (at + 1) / 2, weights / 2


def compute_leaf_cells(value: float, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Compute a leaf's contribution to each of its features, for each pattern of met conditions.

    Returns:
        (2^d, d) for d shares; bit j of the pattern is o_j.
    """
    d = len(shares)
    difference = (np.arange(2**d)[:, None] >> np.arange(d) & 1) - shares
    total = np.zeros((2**d, d))
    for point, weight in zip(*make_quadrature((d + 1) // 2), strict=True):
        factors = shares + point * difference
        for i in range(d):
            total[:, i] += weight * np.delete(factors, i, axis=1).prod(axis=1)
    contributions: npt.NDArray[np.float64] = value * difference * total
    return contributions


def _multiply(sizes: Sequence[int]) -> int:
    return int(np.prod(sizes, dtype=object))


def _pad_count(leaves: Sequence[Leaf]) -> int:
    """Round the number of leaves up to a multiple of those evaluated at a time; added leaves have the value 0."""
    return -(-len(leaves) // lanes) * lanes


def _expect(leaf: Leaf) -> float:
    return leaf.value * float(np.prod([condition.share for condition in leaf.conditions.values()]))


def _group_leaves(leaves: Sequence[Leaf]) -> Mapping[tuple[int, ...], list[Leaf]]:
    """Group leaves by the features they ask about. Those that ask about none are in the base value already."""
    groups: dict[tuple[int, ...], list[Leaf]] = defaultdict(list)
    for leaf in leaves:
        if leaf.conditions:
            groups[tuple(sorted(leaf.conditions))].append(leaf)
    return groups


def _fill_grid(features: Sequence[int], shape: Sequence[int], leaves: Sequence[Leaf]) -> npt.NDArray[np.float64]:
    """Add up a group's leaves in one table over all combinations of bins: (*shape, d)."""
    grid = np.zeros((*shape, len(shape)))
    for leaf in leaves:
        met = [
            leaf.conditions[feature].mark_bins(size) << j
            for j, (feature, size) in enumerate(zip(features, shape, strict=True))
        ]
        pattern = sum(np.ix_(*met), start=np.zeros(1, dtype=np.int64))
        grid += compute_leaf_cells(leaf.value, np.array([leaf.conditions[feature].share for feature in features]))[
            pattern
        ]
    return grid


class _TableBuilder:
    """The groups' arrays as they pile up."""

    def __init__(self) -> None:
        self.groups: list[tuple[int, int, int, int, int]] = []
        self.features: list[int] = []
        self.passes: list[npt.NDArray[np.uint8]] = [np.zeros(0, np.uint8)]
        self.numbers: list[npt.NDArray[np.float32]] = [np.zeros(0, np.float32)]

    def add_grid(self, features: Sequence[int], grid: npt.NDArray[np.float64]) -> None:
        self._begin(features, leaves=0)
        self.numbers.append(grid.astype(np.float32).ravel())

    def add_leaves(self, features: Sequence[int], shape: Sequence[int], leaves: Sequence[Leaf]) -> None:
        self._begin(features, leaves=_pad_count(leaves))
        count = len(leaves)
        numbers = np.zeros((1 + len(features), _pad_count(leaves)), dtype=np.float32)
        numbers[0, :count] = [leaf.value for leaf in leaves]
        for j, (feature, size) in enumerate(zip(features, shape, strict=True)):
            conditions = [leaf.conditions[feature] for leaf in leaves]
            numbers[1 + j, :count] = [condition.share for condition in conditions]
            passes = np.zeros((size, _pad_count(leaves)), dtype=np.uint8)
            passes[:, :count] = np.column_stack([condition.mark_bins(size) for condition in conditions])
            self.passes.append(passes.ravel())
        self.numbers.append(numbers.ravel())

    def _begin(self, features: Sequence[int], *, leaves: int) -> None:
        passes, numbers = sum(map(len, self.passes)), sum(map(len, self.numbers))
        self.groups.append((len(features), len(self.features), leaves, passes, numbers))
        self.features += features

    def arrays(self) -> dict[str, Any]:
        return {
            "groups": np.array(self.groups, dtype=np.int64).reshape(-1, 5),
            "features": np.array(self.features, dtype=np.int64),
            "passes": np.concatenate(self.passes),
            "numbers": np.concatenate(self.numbers),
        }
