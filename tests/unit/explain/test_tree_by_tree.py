"""Contributions asked tree by tree: the same sum, with fewer rows asked about, on any number of threads."""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest
import xgboost

from churn.contract.declaration import Rows
from churn.explain.tree_by_tree import explain_tree_by_tree, run_in_order, unite_thresholds
from churn.explain.trees import Ensemble
from churn.explain.xgb import XgboostModel, build_xgboost_explainer
from churn.explain.xgb_json import read_ensemble


@pytest.fixture(scope="module")
def booster() -> xgboost.Booster:
    generator = np.random.default_rng(0)
    data = generator.normal(size=(2000, 6)).round(1).astype(np.float32)
    data[generator.random(data.shape) < 0.1] = np.nan
    labels = np.nansum(data, axis=1) + generator.normal(size=2000) > 0
    params = {"objective": "binary:logistic", "max_depth": 4, "nthread": 1, "max_bin": 16}
    return xgboost.train(params, xgboost.DMatrix(data, labels), 12)


@pytest.fixture(scope="module")
def rows() -> Rows:
    generator = np.random.default_rng(1)
    rows = generator.normal(size=(3000, 6)).round(2).astype(np.float32)
    rows[generator.random(rows.shape) < 0.1] = np.nan
    return rows


@pytest.fixture(scope="module")
def ensemble(booster: xgboost.Booster) -> Ensemble:
    return read_ensemble(bytes(booster.save_raw("json")))


def slices(booster: xgboost.Booster) -> Iterator[xgboost.Booster]:
    return (booster[number : number + 1] for number in range(booster.num_boosted_rounds()))


def test_trees_asked_one_by_one_say_together_what_the_whole_model_says(booster: xgboost.Booster, rows: Rows) -> None:
    model = XgboostModel(booster)
    assert model.explain_many(rows, lambda _: None) == pytest.approx(model.explain(rows), abs=1e-6)


def test_the_sum_has_the_same_bits_on_any_number_of_threads(
    booster: xgboost.Booster, ensemble: Ensemble, rows: Rows
) -> None:
    sums = {
        explain_tree_by_tree(
            map(build_xgboost_explainer, slices(booster)), ensemble.thresholds_by_tree, rows, threads=threads
        ).tobytes()
        for threads in (1, 2, 5)
    }
    assert len(sums) == 1


def count_kinds(tree: Mapping[int, Rows], rows: Rows) -> int:
    """Compare each value with each threshold; NaN is less than none, and no number is 2."""
    compared = [np.where(np.isnan(rows[:, [at]]), 2, rows[:, [at]] < axis).astype(np.int8) for at, axis in tree.items()]
    return len(np.unique(np.hstack(compared), axis=0))


def test_a_tree_is_asked_once_about_each_kind_of_row(booster: xgboost.Booster, ensemble: Ensemble, rows: Rows) -> None:
    asked: list[int] = []

    def counted(explain: xgboost.Booster, asked_about: Rows) -> npt.NDArray[np.floating]:
        asked.append(len(asked_about))
        return build_xgboost_explainer(explain)(asked_about)

    explain_tree_by_tree(
        (partial(counted, one) for one in slices(booster)), ensemble.thresholds_by_tree, rows, threads=1
    )
    assert asked == [count_kinds(tree, rows) for tree in ensemble.thresholds_by_tree]
    assert sum(asked) < 0.6 * len(rows) * len(asked)


def test_neighbours_of_a_threshold_zeros_and_missing_values_are_told_apart_as_the_tree_does() -> None:
    axis = np.array([-1.0, 0.0, 2.0], dtype=np.float32)
    values = np.array([*np.nextafter(axis, np.float32(-9)), *axis, *np.nextafter(axis, np.float32(9)), -0.0, np.nan])
    asked: list[float] = []

    def explain(asked_about: Rows) -> Rows:
        asked.extend(asked_about[:, 0].tolist())
        return np.searchsorted(axis, asked_about, side="right").astype(np.float32)

    rows = values.astype(np.float32)[:, None]
    total = explain_tree_by_tree([explain], [{0: axis}], rows)
    assert len(asked) == len(axis) + 2
    assert total.tolist() == np.searchsorted(axis, rows, side="right").tolist()


def test_rows_of_more_kinds_than_a_number_can_tell_apart_are_asked_about() -> None:
    rows = np.random.default_rng(0).normal(size=(200, 70)).astype(np.float32)
    tree = {feature: np.zeros(1, dtype=np.float32) for feature in range(70)}
    assert explain_tree_by_tree([np.sign], [tree], rows).tolist() == np.sign(rows).tolist()


def test_a_tree_without_a_split_is_asked_about_one_row() -> None:
    asked: list[int] = []

    def explain(rows: Rows) -> Rows:
        asked.append(len(rows))
        return rows

    total = explain_tree_by_tree([explain], [{}], np.ones((9, 2), dtype=np.float32))
    assert (asked, total.tolist()) == ([1], [[0, 0]] * 9)


def test_thresholds_of_trees_unite_in_order() -> None:
    first, second = np.array([1, 3], dtype=np.float32), np.array([2, 3], dtype=np.float32)
    united: Mapping[int, Rows] = unite_thresholds([{0: first}, {0: second, 4: first}])
    assert {feature: axis.tolist() for feature, axis in united.items()} == {0: [1, 2, 3], 4: [1, 3]}


def test_results_come_in_order_and_no_more_than_asked_for_wait() -> None:
    begun, lock = 0, threading.Lock()

    def work(number: int) -> int:
        nonlocal begun
        with lock:
            begun += 1
        return number

    with ThreadPoolExecutor(4) as pool:
        for number, result in enumerate(run_in_order(pool, (partial(work, n) for n in range(50)), 3)):
            assert result == number
            assert begun <= number + 3


def test_what_a_thread_raises_reaches_the_caller() -> None:
    def refuse(_: Rows) -> Rows:
        raise ValueError("no tree")

    with pytest.raises(ValueError, match="no tree"):
        explain_tree_by_tree([refuse] * 9, [{}] * 9, np.ones((3, 1), dtype=np.float32))
