"""Tables say what XGBoost says: on any small ensemble, at every edge."""

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.explain.arrays import Tables, file_name
from churn.explain.parity import build_verified_tables, compare_with_model, make_adversarial_rows
from churn.explain.tables import build_table_explainer, compile_tables, compute_leaf_cells
from churn.explain.trees import Ensemble, Leaf, NotTabular, SplitCondition
from churn.explain.xgb import XgboostModel
from churn.explain.xgb_json import read_ensemble

FEATURES = 5


def trained(
    trees: int = 5, depth: int = 3, *, seed: int = 0, features: int = FEATURES, rows: int = 300, **params: Any
) -> xgboost.Booster:
    """A small ensemble on random data: whole and real numbers, one constant feature, some missing values."""
    generator = np.random.default_rng(seed)
    data = generator.normal(size=(rows, features)).astype(np.float32)
    data[:, 0] = np.floor(3 * data[:, 0])
    data[:, 1] = 7
    labels = (data.sum(axis=1) + generator.normal(size=rows) > data.sum(axis=1).mean()).astype(np.float32)
    data[generator.random(data.shape) < 0.1] = np.nan
    known = {"objective": "binary:logistic", "max_depth": depth, "nthread": 1, "seed": seed, "min_child_weight": 0.1}
    return xgboost.train(known | params, xgboost.DMatrix(data, labels), trees)


def compiled(booster: xgboost.Booster) -> tuple[Ensemble, Tables]:
    ensemble = read_ensemble(bytes(booster.save_raw("json")))
    return ensemble, compile_tables(ensemble)


def edges(ensemble: Ensemble, count: int = 500) -> npt.NDArray[np.float32]:
    generator = np.random.default_rng(0)
    sample = generator.normal(size=(200, len(ensemble.thresholds))).astype(np.float32)
    return make_adversarial_rows(ensemble.thresholds, sample, generator, count)


def assert_parity(booster: xgboost.Booster) -> None:
    ensemble, tables = compiled(booster)
    found = compare_with_model(build_table_explainer(tables), XgboostModel(booster), edges(ensemble))
    assert found.is_within(), found


@settings(max_examples=40)
@given(
    trees=st.integers(1, 6),
    depth=st.integers(1, 8),
    seed=st.integers(0, 10_000),
    dropout=st.booleans(),
    parallel=st.integers(1, 2),
)
def test_any_small_ensemble_is_explained_as_xgboost_explains_it(
    trees: int, depth: int, seed: int, dropout: bool, parallel: int
) -> None:
    dropped: dict[str, Any] = {"rate_drop": 0.3} if dropout else {}
    assert_parity(trained(trees, depth, seed=seed, num_parallel_tree=parallel, **dropped))


def test_stumps_and_trees_of_a_single_leaf_are_explained() -> None:
    assert_parity(trained(depth=1))
    assert_parity(trained(gamma=1e9))  # no split is worth that


def test_leaves_one_by_one_and_all_in_a_grid_say_the_same() -> None:
    booster = trained(20, 4)
    ensemble, in_grids = compiled(booster)
    one_by_one = compile_tables(ensemble, largest_grid=0)
    assert (in_grids.groups[:, 2] == 0).any()
    assert (one_by_one.groups[:, 2] > 0).all()
    rows = edges(ensemble)
    assert build_table_explainer(in_grids)(rows) == pytest.approx(build_table_explainer(one_by_one)(rows), abs=1e-6)


def test_a_row_is_explained_bit_for_bit_alike_alone_and_among_others() -> None:
    ensemble, tables = compiled(trained(20, 4))
    explain, rows = build_table_explainer(tables), edges(ensemble)
    alone = np.concatenate([explain(row[None]) for row in rows])
    assert explain(rows).tobytes() == alone.tobytes()


@pytest.mark.parametrize("depth", [3, 8])
def test_any_processor_gives_the_same_bits(depth: int) -> None:
    ensemble, tables = compiled(trained(20, depth, features=12))
    rows = edges(ensemble)
    assert build_table_explainer(tables)(rows).tobytes() == build_table_explainer(tables, portable=True)(rows).tobytes()


def test_threads_that_explain_at_once_do_not_disturb_each_other() -> None:
    ensemble, tables = compiled(trained(50, 6, features=12))
    explain, rows = build_table_explainer(tables), edges(ensemble, 2000)
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: explain(rows).tobytes(), range(16)))
    assert found == {explain(rows).tobytes()}


def test_paths_about_sixteen_features_are_explained() -> None:
    booster = trained(3, 24, features=40, rows=2000, min_child_weight=0, max_bin=4, reg_lambda=0)
    ensemble = read_ensemble(bytes(booster.save_raw("json")))
    longest = max(len(leaf.conditions) for leaf in ensemble.leaves)
    assert 8 < longest <= 16
    assert_parity(booster)


def test_rows_that_do_not_fit_are_refused() -> None:
    _, tables = compiled(trained())
    with pytest.raises(ValueError, match="rows have 4 features, the tables 5"):
        build_table_explainer(tables)(np.zeros((1, 4), dtype=np.float32))


def brute_force(value: float, shares: list[float], met: tuple[int, ...]) -> list[float]:
    """The Shapley value by its definition, over all coalitions."""
    d = len(shares)

    def game(present: set[int]) -> float:
        return value * math.prod(met[j] if j in present else shares[j] for j in range(d))

    def weight(size: int) -> float:
        return math.factorial(size) * math.factorial(d - size - 1) / math.factorial(d)

    return [
        sum(
            weight(size) * (game({*others, i}) - game(set(others)))
            for size in range(d)
            for others in itertools.combinations([j for j in range(d) if j != i], size)
        )
        for i in range(d)
    ]


@given(st.floats(-3, 3), st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_a_leafs_cells_are_shapley_values_and_add_up(value: float, shares: list[float]) -> None:
    for pattern, cell in enumerate(compute_leaf_cells(value, np.array(shares))):
        met = tuple(pattern >> j & 1 for j in range(len(shares)))
        assert cell == pytest.approx(brute_force(value, shares, met), abs=1e-12)
        assert cell.sum() == pytest.approx(value * (math.prod(met) - math.prod(shares)), abs=1e-12)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"booster": "gblinear"}, "its booster is gblinear"),
        ({"objective": "multi:softprob", "num_class": 3}, "several outputs"),
    ],
)
def test_what_cannot_be_tabulated_is_refused_by_name(params: dict[str, Any], reason: str) -> None:
    data = np.random.default_rng(0).random((50, 3), dtype=np.float32)
    quiet = {"objective": "binary:logistic", "verbosity": 0}
    booster = xgboost.train(quiet | params, xgboost.DMatrix(data, data[:, 0] > 0.5), 2)
    with pytest.raises(NotTabular, match=reason):
        compiled(booster)


def test_trees_that_split_on_categories_are_refused_by_name() -> None:
    codes = np.random.default_rng(0).integers(0, 4, (200, 1)).astype(np.float32)
    data = xgboost.DMatrix(codes, codes[:, 0] == 2, feature_types=["c"], enable_categorical=True)
    booster = xgboost.train({"objective": "binary:logistic", "max_cat_to_onehot": 1, "min_child_weight": 0}, data, 2)
    with pytest.raises(NotTabular, match="split on categories"):
        compiled(booster)


@pytest.mark.parametrize("params", [{}, {"gamma": 1e9}])
def test_tables_that_were_saved_and_read_without_a_copy_explain_alike(params: dict[str, Any], tmp_path: Path) -> None:
    ensemble, tables = compiled(trained(20, 4, **params))
    tables.save(tmp_path)
    contents = {file.name: np.frombuffer(file.read_bytes(), np.uint8) for file in tmp_path.iterdir()}
    read, rows = Tables.read({name: memoryview(content) for name, content in contents.items()}), edges(ensemble)
    assert np.shares_memory(read.base, contents[file_name("base")])
    assert build_table_explainer(read)(rows).tobytes() == build_table_explainer(tables)(rows).tobytes()


def leaf(features: range) -> Leaf:
    return Leaf(1.0, {feature: SplitCondition(1, 1, missing=True, share=0.5) for feature in features})


def test_paths_that_ask_about_too_many_features_are_refused() -> None:
    axes = [np.zeros(1, dtype=np.float32)] * 17
    assert compile_tables(Ensemble(0.0, axes, [leaf(range(16))]))
    with pytest.raises(NotTabular, match="asks about 17 features, more than 16"):
        compile_tables(Ensemble(0.0, axes, [leaf(range(17))]))


def test_rows_of_too_many_features_are_refused() -> None:
    with pytest.raises(NotTabular, match="takes 257 features, more than 256"):
        compile_tables(Ensemble(0.0, [np.zeros(1, dtype=np.float32)] * 257, []))


def test_tables_that_say_something_else_than_xgboost_are_refused_with_the_difference() -> None:
    booster, rows = trained(20, 4), np.zeros((1, FEATURES), dtype=np.float32)
    assert build_verified_tables(XgboostModel(booster), rows)
    with pytest.raises(NotTabular, match=r"over 100,001 rows the tables differ from XGBoost by .* more than 0\.0"):
        build_verified_tables(XgboostModel(booster), rows, tolerance=0.0)


def test_tables_that_would_be_too_large_are_refused_before_they_are_made() -> None:
    axes = [np.arange(2000, dtype=np.float32)] * 8
    with pytest.raises(NotTabular, match="more than 64 MiB"):
        compile_tables(Ensemble(0.0, axes, [leaf(range(8))] * 9000))


def test_adversarial_rows_hold_every_threshold_and_its_neighbours() -> None:
    ensemble, _ = compiled(trained(20, 4))
    rows = edges(ensemble, count=5000)
    for axis, column in zip(ensemble.thresholds, rows.T, strict=True):
        missing = set(axis.tolist()) - set(column.tolist())
        assert len(missing) <= 0.5 * len(axis)  # a tenth of all values was replaced by missing ones
        assert np.isnan(column).any()


@pytest.mark.parametrize("nudge", [np.float32(-np.inf), np.float32(np.inf)])
def test_a_threshold_that_is_one_ulp_off_is_noticed(nudge: np.float32) -> None:
    booster = trained(20, 4)
    ensemble, _ = compiled(booster)
    moved = Ensemble(ensemble.margin, [np.nextafter(axis, nudge) for axis in ensemble.thresholds], ensemble.leaves)
    explain = build_table_explainer(compile_tables(moved))
    assert not compare_with_model(explain, XgboostModel(booster), edges(ensemble)).is_within()


@pytest.mark.parametrize("nudge", [np.float32(-np.inf), np.float32(np.inf)])
def test_a_threshold_that_is_read_one_ulp_off_for_all_purposes_is_noticed(nudge: np.float32) -> None:
    class Misread(XgboostModel):
        def read_ensemble(self) -> Ensemble:
            ensemble = super().read_ensemble()
            moved = [np.nextafter(axis, nudge) for axis in ensemble.thresholds]
            by_tree = [
                {at: np.nextafter(axis, nudge) for at, axis in tree.items()} for tree in ensemble.thresholds_by_tree
            ]
            return replace(ensemble, thresholds=moved, thresholds_by_tree=by_tree)

    model = Misread(trained(20, 4))
    explain = build_table_explainer(compile_tables(model.read_ensemble()))
    rows = edges(XgboostModel(model.native).read_ensemble(), count=5000)
    assert not compare_with_model(explain, model, rows).is_within()
