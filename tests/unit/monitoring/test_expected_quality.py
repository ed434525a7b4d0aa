"""The expected AUC, against AUCs that are measured once it is drawn who leaves; scikit-learn measures them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from churn.monitoring.expected_quality import estimate_auc

RUNS = 1_500


def draw_probabilities(rng: np.random.Generator, count: int, *, shift: float = 0.0) -> np.ndarray:
    return np.round(1 / (1 + np.exp(-(rng.normal(-1 + shift, 1.4, count)))), 4)


@pytest.mark.parametrize(("count", "shift"), [(500, 0.0), (2_000, 0.0), (2_000, 1.5), (2_000, -2.5)])
def test_the_interval_holds_the_auc_that_is_measured_later(count: int, shift: float) -> None:
    rng, held, short = np.random.default_rng(11), 0, RUNS // 5
    for _ in range(short):
        probabilities = draw_probabilities(rng, count, shift=shift)
        left = rng.random(count) < probabilities
        expected = estimate_auc(probabilities)
        assert expected
        held += expected.low <= roc_auc_score(left, probabilities) <= expected.high
    assert held / short >= 0.93  # of 2,000 it was 0.946 to 0.956


def test_the_estimate_is_the_mean_of_what_is_measured() -> None:
    rng = np.random.default_rng(3)
    probabilities = draw_probabilities(rng, 400)
    measured = [roc_auc_score(rng.random(400) < probabilities, probabilities) for _ in range(2_000)]
    expected = estimate_auc(probabilities)
    assert expected
    assert abs(expected.value - np.mean(measured)) < 0.002


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_predictions_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities = draw_probabilities(rng, 300)
    assert estimate_auc(rng.permutation(probabilities)) == estimate_auc(probabilities)


def test_one_probability_for_all_tells_nobody_apart() -> None:
    expected = estimate_auc(np.full(1_000, 0.3))
    assert expected
    assert expected.value == pytest.approx(0.5)


def test_too_few_that_leave_give_no_estimate() -> None:
    assert estimate_auc(np.full(1_000, 0.01)) is None
    assert estimate_auc(np.full(1_000, 0.99)) is None
    assert estimate_auc(np.zeros(0)) is None


def test_only_what_is_surely_below_training_is_told() -> None:
    expected = estimate_auc(np.full(1_000, 0.3))
    assert expected
    assert expected.is_below(0.88)
    assert not expected.is_below(expected.high + 0.01)
    assert not expected.is_below(None)
