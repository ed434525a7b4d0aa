"""A booster of squared error is read as it is, and specialised without a change of what it says."""

from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.explain.parity import build_verified_tables, make_adversarial_rows
from churn.explain.specialising import specialise_booster
from churn.explain.tables import build_table_explainer, compile_tables
from churn.explain.trees import NotTabular
from churn.explain.xgb import XgboostModel
from churn.explain.xgb_json import read_ensemble

FEATURES, OFFERS = 4, 3
OWN = dict[str, Any]


def draw(seed: int, rows: int = 400, columns: int = FEATURES) -> np.ndarray[Any, np.dtype[np.float32]]:
    generator = np.random.default_rng(seed)
    data = generator.normal(size=(rows, columns)).astype(np.float32)
    data[generator.random(data.shape) < 0.1] = np.nan
    return data


def fit(rows: Any, target: Any, trees: int = 6, **params: Any) -> xgboost.Booster:
    known = {"objective": "reg:squarederror", "max_depth": 3, "nthread": 1, "min_child_weight": 0.5}
    return xgboost.train(known | params, xgboost.DMatrix(rows, target), trees)


@pytest.mark.parametrize("mean", [0.117, -0.3, 1.7, 0.0, 0.5, 1.0])
def test_tables_of_squared_error_say_what_xgboost_says_wherever_its_mean_lies(mean: float) -> None:
    rows = draw(3)
    target = np.nan_to_num(rows[:, 0]) * 0.2 + np.where(np.nan_to_num(rows[:, 1]) > 0, 0.1, -0.1)
    target += mean - target.mean()
    booster = fit(rows, target)
    explain = build_table_explainer(compile_tables(read_ensemble(bytes(booster.save_raw("json")))))
    matrix = xgboost.DMatrix(rows)
    assert explain(rows) == pytest.approx(booster.predict(matrix, pred_contribs=True), abs=1e-5)
    assert explain(rows).sum(axis=1) == pytest.approx(booster.predict(matrix), abs=1e-5)
    assert booster.predict(matrix).mean() == pytest.approx(mean, abs=0.02)
    build_verified_tables(XgboostModel(booster), rows, edge_rows=1000)


def test_the_leaves_of_squared_error_add_up_to_what_it_predicts() -> None:
    rows = draw(4)
    booster = fit(rows, np.nan_to_num(rows[:, 0]) + 5)
    margins = XgboostModel(booster).compute_margins(rows)
    assert margins == pytest.approx(booster.predict(xgboost.DMatrix(rows)), abs=1e-5)


@pytest.mark.parametrize("objective", ["reg:absoluteerror", "count:poisson", "reg:gamma", "rank:pairwise"])
def test_another_objective_is_refused_by_name(objective: str) -> None:
    rows = draw(5)
    booster = fit(rows, np.abs(np.nan_to_num(rows[:, 0])).round() + 1, objective=objective)
    with pytest.raises(NotTabular, match=objective):
        read_ensemble(bytes(booster.save_raw("json")))


def test_a_base_score_that_is_no_probability_is_refused_in_words() -> None:
    rows = draw(6)
    content = bytes(fit(rows, np.nan_to_num(rows[:, 0]) > 0, objective="binary:logistic").save_raw("json"))
    begin = content.index(b'"base_score":"') + len(b'"base_score":"')
    moved = content[:begin] + b"[1.5E0]" + content[content.index(b'"', begin) :]
    with pytest.raises(NotTabular, match=r"base score is 1\.5"):
        read_ensemble(moved)


def with_offer(rows: Any, offer: int) -> Any:
    return np.hstack([rows, np.eye(OFFERS, dtype=np.float32)[[offer] * len(rows)]])


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), depth=st.integers(1, 5), trees=st.integers(1, 8), offer=st.integers(0, OFFERS - 1))
def test_a_specialised_booster_says_what_the_whole_one_says_of_its_offer(
    seed: int, depth: int, trees: int, offer: int
) -> None:
    rows = draw(seed, 600)
    offers = np.random.default_rng(seed).integers(0, OFFERS, len(rows))
    told = np.hstack([rows, np.eye(OFFERS, dtype=np.float32)[offers]])
    effect = np.where(offers == 0, 0.3, np.where(offers == 1, -0.2, 0.0)) * (np.nan_to_num(rows[:, 0]) > 0)
    whole = fit(told, effect + 0.05 * np.nan_to_num(rows[:, 1]), trees, max_depth=depth, base_score=0.0)
    own = specialise_booster(whole, {FEATURES + place: float(place == offer) for place in range(OFFERS)})
    assert own.num_features() == FEATURES
    fresh = make_adversarial_rows(XgboostModel(own).list_thresholds(), draw(seed + 1), np.random.default_rng(0), 300)
    assert np.array_equal(own.predict(xgboost.DMatrix(fresh)), whole.predict(xgboost.DMatrix(with_offer(fresh, offer))))
    explain = build_table_explainer(build_verified_tables(XgboostModel(own), rows, edge_rows=300))
    assert explain(fresh).sum(axis=1) == pytest.approx(own.predict(xgboost.DMatrix(fresh)), abs=1e-5)


def test_offers_that_differ_leave_fewer_nodes_and_no_question_about_an_offer() -> None:
    rows = draw(9, 900)
    offers = np.arange(len(rows)) % OFFERS
    told = np.hstack([rows, np.eye(OFFERS, dtype=np.float32)[offers]])
    whole = fit(told, offers * np.nan_to_num(rows[:, 0]), base_score=0.0)
    own = specialise_booster(whole, {FEATURES: 0.0, FEATURES + 1: 1.0, FEATURES + 2: 0.0})
    assert len(own.trees_to_dataframe()) < len(whole.trees_to_dataframe())
    assert set(own.trees_to_dataframe()["Feature"]) <= {"Leaf", *(f"f{number}" for number in range(FEATURES))}


def test_only_the_last_columns_can_be_known() -> None:
    booster = fit(draw(1), np.arange(400) % 2)
    with pytest.raises(ValueError, match="not the last"):
        specialise_booster(booster, {0: 1.0})
