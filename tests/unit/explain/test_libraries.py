"""Tables say what LightGBM, CatBoost and scikit-learn say, at every edge."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import numpy.typing as npt
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier

from churn.errors import BundleError
from churn.explain.cat import CatboostModel
from churn.explain.lgb import LightgbmModel
from churn.explain.libraries import MODEL_FILES, TRUSTED_TYPES
from churn.explain.loading import load_model
from churn.explain.parity import compare_with_model, make_adversarial_rows
from churn.explain.skl import SklearnModel, widen
from churn.explain.tables import build_table_explainer, compile_tables
from churn.explain.trained import TrainedModel
from churn.explain.trees import LEAF, NotTabular, Tree, build_ensemble, round_up_threshold

type Rows = npt.NDArray[np.float32]
type Labels = npt.NDArray[np.int64]


def draw(missing: float = 0.1, seed: int = 0, count: int = 300) -> tuple[Rows, Labels]:
    """Whole numbers, a constant, prices, tiny numbers and real ones, some missing."""
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(count, 5)).astype(np.float32)
    rows[:, 0] = np.floor(3 * rows[:, 0])
    rows[:, 1] = 7
    rows[:, 2] = generator.uniform(20, 120, count).round(2)
    rows[:, 3] *= np.float32(1e-35)
    left = rows[:, 0] + rows[:, 2] / 30 + rows[:, 4] + generator.normal(size=count) > 2
    rows[generator.random(rows.shape) < missing] = np.nan
    return rows, left.astype(np.int64)


def of_lightgbm(rows: Rows, labels: Labels, **how: Any) -> TrainedModel:
    known = {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 9, "min_data_in_leaf": 5}
    return LightgbmModel(lightgbm.train(known | how, lightgbm.Dataset(rows, labels), 4).model_to_string())


def of_catboost(rows: Rows, labels: Labels, **how: Any) -> TrainedModel:
    known = {"iterations": 4, "depth": 4, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
    model = catboost.CatBoostClassifier(**known | how).fit(rows, labels)
    with tempfile.NamedTemporaryFile() as file:
        model.save_model(file.name)
        return CatboostModel(Path(file.name).read_bytes())


def of_sklearn(kind: Callable[..., Any], rows: Rows, labels: Labels, **how: Any) -> TrainedModel:
    model = kind(**how).fit(rows if kind is GradientBoostingClassifier else widen(rows), labels)
    return SklearnModel(model, skops.io.dumps(model))


HISTOGRAM, GRADIENT = (
    partial(of_sklearn, kind) for kind in (HistGradientBoostingClassifier, GradientBoostingClassifier)
)
KINDS: dict[str, tuple[Callable[..., TrainedModel], dict[str, Any]]] = {
    "lightgbm": (of_lightgbm, {}),
    "sigmoid": (of_lightgbm, {"sigmoid": 2.0}),
    "no missing": (of_lightgbm, {"use_missing": False}),
    "dart": (of_lightgbm, {"boosting": "dart"}),
    "lightgbm's stump": (of_lightgbm, {"num_leaves": 2}),
    "lightgbm without a split": (of_lightgbm, {"min_gain_to_split": 1e9}),
    "catboost": (of_catboost, {}),
    "depthwise": (of_catboost, {"grow_policy": "Depthwise", "nan_mode": "Max"}),
    "catboost's stump": (of_catboost, {"depth": 1}),
    "empty leaves": (of_catboost, {"depth": 7}),
    "histogram": (HISTOGRAM, {"max_iter": 4, "max_leaf_nodes": 9, "min_samples_leaf": 2}),
    "histogram without a split": (HISTOGRAM, {"max_iter": 2, "min_samples_leaf": 200}),
    "gradient": (GRADIENT, {"n_estimators": 4, "max_depth": 4}),
    "gradient's stump": (GRADIENT, {"n_estimators": 2, "max_depth": 1, "subsample": 0.5}),
}


def make_edges(model: TrainedModel, sample: Rows, count: int = 400) -> Rows:
    missing = 0.1 if model.takes_missing else 0.0
    generator = np.random.default_rng(1)
    edges = make_adversarial_rows(model.list_thresholds(), sample, generator, count, missing_share=missing)
    if model.takes_missing:
        edges[0] = np.nan
    edges[1] = np.float32(-0.0)
    return edges


@pytest.mark.parametrize("name", KINDS)
def test_tables_say_what_each_library_says_at_every_edge(name: str) -> None:
    fit, how = KINDS[name]
    rows, labels = draw(0.0 if fit is GRADIENT else 0.1)
    model = fit(rows, labels, **how)
    edges = make_edges(model, rows)
    explain = build_table_explainer(compile_tables(model.read_ensemble()))
    assert compare_with_model(explain, model, edges).is_within()
    assert model.predict(edges) == pytest.approx(1 / (1 + np.exp(-model.compute_margins(edges))), abs=1e-12)


@settings(max_examples=12)
@given(name=st.sampled_from(["lightgbm", "catboost", "histogram"]), seed=st.integers(0, 10_000))
def test_any_small_model_is_explained_as_its_library_explains_it(name: str, seed: int) -> None:
    fit, how = KINDS[name]
    rows, labels = draw(seed=seed, count=120)
    model = fit(rows, labels, **how)
    explain = build_table_explainer(compile_tables(model.read_ensemble()))
    assert compare_with_model(explain, model, make_edges(model, rows, 200)).is_within()


@pytest.mark.parametrize("name", ["lightgbm", "catboost", "histogram", "gradient"])
def test_a_models_file_is_read_again_as_the_same_model(name: str) -> None:
    fit, how = KINDS[name]
    rows, labels = draw(0.0)
    model = fit(rows, labels, **how)
    assert TRUSTED_TYPES
    again = load_model(Path("bundle") / model.file_name, model.encode([f"f{at}" for at in range(5)]))
    assert (again.library, MODEL_FILES[again.file_name]) == (model.library, model.library)
    assert again.predict(rows).tolist() == model.predict(rows).tolist()
    assert again.feature_names is None
    assert again.feature_count == 5


@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_file_that_is_no_model_is_refused(name: str) -> None:
    with pytest.raises(BundleError, match=rf"{name} is (no model that|not a model in)"):
        load_model(Path("bundle") / name, b"tree\nmax_feature_idx=1\nnothing")


@given(
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False) | st.floats(width=32, allow_nan=False),
)
def test_a_threshold_of_double_precision_parts_float32_numbers_as_before(value: float, threshold: float) -> None:
    at = round_up_threshold([threshold])[0]
    with np.errstate(over="ignore", under="ignore"):
        below = float(np.nextafter(at, np.float32(-np.inf)))
    for near in (value, float(at), below):
        if np.isfinite(near):
            assert (np.float32(near) < at) == (near <= threshold)


@given(st.decimals(-10_000, 10_000, places=2))
def test_a_price_is_the_same_after_it_was_a_float32_number(price: Any) -> None:
    assert widen(np.array([[float(price)]], dtype=np.float32))[0, 0] == float(price)


def tree(covers: list[float], values: list[float], threshold: float = 0.5) -> Tree:
    """A root, its left child a split on another feature, and three leaves."""
    return Tree(
        left=[1, 3, LEAF, LEAF, LEAF],
        right=[2, 4, LEAF, LEAF, LEAF],
        features=[0, 1, 0, 0, 0],
        thresholds=np.array([threshold, 0.5, 0, 0, 0], dtype=np.float32),
        missing_left=[False] * 5,
        covers=covers,
        values=np.array([0, 0, *values]),
    )


def test_what_no_training_row_reached_is_left_out_where_it_says_nothing_and_refused_where_it_does() -> None:
    silent = build_ensemble(0.0, [tree([4, 0, 4, 0, 0], [1.0, 0.0, 0.0])], 2)
    assert [leaf.value for leaf in silent.leaves] == [1.0]
    explained = build_table_explainer(compile_tables(silent))(np.array([[0, 0], [1, 0]], dtype=np.float32))
    assert explained.tolist() == [[-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    with pytest.raises(NotTabular, match="reached by no training row"):
        build_ensemble(0.0, [tree([4, 0, 4, 0, 0], [1.0, 0.5, 0.0])], 2)


def test_a_split_that_only_a_missing_value_passes_has_no_threshold() -> None:
    ensemble = build_ensemble(0.0, [tree([4, 3, 1, 2, 1], [1.0, 2.0, 3.0], np.inf)], 2)
    assert [axis.tolist() for axis in ensemble.thresholds] == [[], [0.5]]
    explain = build_table_explainer(compile_tables(ensemble))
    rows = np.array([[np.nan, 0], [3e38, 0], [0, 1]], dtype=np.float32)
    assert explain(rows).sum(axis=1) == pytest.approx([1.0, 2.0, 3.0])


def test_nodes_that_form_no_tree_are_refused() -> None:
    sound = tree([4, 2, 2, 1, 1], [1.0, 2.0, 3.0])
    sound.require_sound(2)
    with pytest.raises(ValueError, match="asks about a feature"):
        sound.require_sound(1)
    for left in ([1, 1, LEAF, LEAF, LEAF], [1, 9, LEAF, LEAF, LEAF], [3, 1, LEAF, LEAF, LEAF]):
        with pytest.raises(ValueError, match="do not form one"):
            Tree(
                left, sound.right, sound.features, sound.thresholds, [False] * 5, sound.covers, sound.values
            ).require_sound(2)
