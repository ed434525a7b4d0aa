"""Measures agree with their definitions, and an interval covers what it should."""

import json
from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from churn.businesses.streamflow import CONTRACT as STREAMFLOW
from churn.contract.sampling import draw_columns
from churn.explain.xgb import XgboostModel
from churn.training.evaluation import (
    compute_contributions,
    compute_shares,
    estimate_auc_interval,
    evaluate,
    measure_calibration,
    rank_features,
)
from churn.training.groups import Labels
from churn.training.methods.catalogue import XGBOOST
from churn.training.tuned import UNTUNED


def calibrated(count: int, seed: int = 0) -> tuple[Labels, npt.NDArray[np.float64]]:
    """Probabilities that are true: labels are drawn with them."""
    generator = np.random.default_rng(seed)
    truth = generator.beta(1, 1.5, count)
    return (generator.random(count) < truth).astype(np.int8), truth


def test_an_interval_has_the_width_that_theory_gives() -> None:
    labels, truth = calibrated(2000)
    low, high = estimate_auc_interval(labels, truth, 0)
    auc, left = roc_auc_score(labels, truth), labels.sum()
    # Hanley and McNeil 1982, formula 2
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    stayed = len(labels) - left
    variance = (auc * (1 - auc) + (left - 1) * (q1 - auc**2) + (stayed - 1) * (q2 - auc**2)) / (left * stayed)
    assert low < auc < high
    assert high - low == pytest.approx(2 * 1.96 * variance**0.5, rel=0.15)


def test_the_same_seed_gives_the_same_interval() -> None:
    labels, truth = calibrated(300)
    assert (
        estimate_auc_interval(labels, truth, 1)
        == estimate_auc_interval(labels, truth, 1)
        != estimate_auc_interval(labels, truth, 2)
    )


@settings(max_examples=15)
@given(seed=st.integers(0, 1000))
def test_an_interval_depends_on_the_order_of_probabilities_alone(seed: int) -> None:
    labels, truth = calibrated(100, seed)
    assert estimate_auc_interval(labels, truth, 0) == estimate_auc_interval(labels, truth**3 / 2, 0)


def test_an_order_without_mistakes_leaves_no_doubt_and_one_probability_for_all_leaves_a_coin() -> None:
    labels = np.array([0, 0, 1, 1])
    assert estimate_auc_interval(labels, np.array([0.1, 0.2, 0.3, 0.4]), 0) == (1.0, 1.0)
    assert estimate_auc_interval(labels, np.full(4, 0.3), 0) == (0.5, 0.5)


def test_true_probabilities_are_found_calibrated_and_exaggerated_ones_are_not() -> None:
    labels, truth = calibrated(5_000)
    exaggerated = np.clip(2 * truth - 0.5, 0, 1)
    assert evaluate(labels, truth, 0).expected_calibration_error < 0.03
    assert evaluate(labels, exaggerated, 0).expected_calibration_error > 0.1


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1))
def test_calibration_points_hold_every_row_once(pairs: list[tuple[bool, float]]) -> None:
    labels = np.array([label for label, _ in pairs]).astype(np.int8)
    probabilities = np.array([probability for _, probability in pairs])
    points = measure_calibration(labels, probabilities)
    assert sum(point.count for point in points) == len(pairs)
    assert sum(point.count * point.mean_predicted for point in points) == pytest.approx(probabilities.sum())
    assert sum(point.count * point.observed_share for point in points) == pytest.approx(labels.sum())


def test_certainty_belongs_to_the_last_part() -> None:
    (point,) = measure_calibration(np.array([1, 1]), np.array([0.95, 1.0]))
    assert (point.count, point.observed_share) == (2, 1.0)


def test_f1_follows_from_the_confusion_at_one_half() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    found = evaluate(labels, np.array([0.1, 0.5, 0.2, 0.49, 0.6, 0.7]), 0)
    assert found.confusion.false_positive == 1
    assert found.confusion.false_negative == 1
    assert (found.confusion.true_negative, found.confusion.true_positive) == (2, 2)
    assert found.f1 == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))


def test_an_evaluation_is_plain_json() -> None:
    as_dict = asdict(evaluate(*calibrated(200), 0))
    assert json.loads(json.dumps(as_dict, allow_nan=False)) == as_dict


@pytest.fixture(scope="module")
def model_and_rows() -> tuple[XgboostModel, npt.NDArray[np.float32]]:
    rows = STREAMFLOW.encode_columns(draw_columns(STREAMFLOW, np.random.default_rng(0), 300))
    labels = (rows[:, 0] < np.median(rows[:, 0])).astype(np.int8)
    return XGBOOST.fit(STREAMFLOW, rows, labels, UNTUNED.params), rows


def test_contributions_sum_to_the_margin_but_for_one_base_value(
    model_and_rows: tuple[XgboostModel, npt.NDArray[np.float32]],
) -> None:
    model, rows = model_and_rows
    margin = model.compute_margins(rows)
    base_values = margin - compute_contributions(model, rows).sum(axis=1)
    assert base_values == pytest.approx(np.full(len(rows), base_values[0]), abs=1e-4)


def test_the_feature_that_decides_is_the_strongest_and_shares_make_a_whole(
    model_and_rows: tuple[XgboostModel, npt.NDArray[np.float32]],
) -> None:
    strengths = rank_features(STREAMFLOW, *model_and_rows)
    assert next(iter(strengths)) == STREAMFLOW.feature_names()[0]
    assert set(strengths) == set(STREAMFLOW.feature_names())
    assert list(strengths.values()) == sorted(strengths.values(), reverse=True)
    assert sum(compute_shares(strengths).values()) == pytest.approx(1)
    assert compute_shares({"a": 0.0, "b": 0.0}) == {"a": 0.0, "b": 0.0}
