"""Rows that stand for several subscribers: their figures are those of as many rows, and as unsure as few rows are."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from churn.businesses import find_contract
from churn.contract.sampling import draw_demo_columns
from churn.training.calibration import find_calibration
from churn.training.comparison import compare, compare_aucs
from churn.training.curve import measure_curve
from churn.training.evaluation import count_effective, evaluate, find_largest_by_chance, measure_calibration
from churn.training.methods.catalogue import SERVABLE
from churn.training.methods.method import ServableMethod

type Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def draw(rows: int, seed: int) -> Arrays:
    """Labels and the probabilities of two models, of which the second sees less."""
    generator = np.random.default_rng(seed)
    truth = generator.normal(0, 1.5, rows)
    labels = (generator.random(rows) < 1 / (1 + np.exp(-truth))).astype(np.int8)
    own, other = (truth + generator.normal(0, noise, rows) for noise in (0.2, 0.6))
    return labels, 1 / (1 + np.exp(-own)), 1 / (1 + np.exp(-other))


def test_a_whole_weight_counts_as_so_many_equal_rows() -> None:
    labels, own, other = draw(500, seed=1)
    times = np.random.default_rng(2).integers(1, 6, 500)
    many, weights = np.repeat(np.arange(500), times), times.astype(float)
    weighted, repeated = evaluate(labels, own, 0, weights), evaluate(labels[many], own[many], 0)
    for name in ("base_rate", "auc", "f1", "log_loss", "brier", "expected_calibration_error"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name)), name
    assert weighted.confusion == repeated.confusion
    compared = compare(labels, own, other, None, weights)
    assert compared.auc
    assert compared.auc.value == pytest.approx(
        roc_auc_score(labels[many], own[many]) - roc_auc_score(labels[many], other[many])
    )
    assert measure_curve(labels, own, weights).encode() == measure_curve(labels[many], own[many]).encode()


def test_weighted_rows_are_as_unsure_as_drawing_them_anew_shows() -> None:
    labels, own, other = draw(1500, seed=3)
    generator = np.random.default_rng(4)
    weights = np.where(own > 0.6, 10.0, 1.0) * generator.uniform(0.5, 1.5, 1500)
    difference = compare_aucs(labels, own, other, weights)
    drawn = []
    for _ in range(300):
        at = generator.integers(0, 1500, 1500)
        aucs = [roc_auc_score(labels[at], scores[at], sample_weight=weights[at]) for scores in (own, other)]
        drawn.append(aucs[0] - aucs[1])
    assert difference.standard_error == pytest.approx(np.std(drawn), rel=0.2)


def test_few_rows_that_stand_for_many_may_be_further_off_by_chance() -> None:
    probabilities = np.linspace(0.05, 0.95, 2000)
    labels = (np.random.default_rng(5).random(2000) < probabilities).astype(np.int8)
    weights = np.where(np.arange(2000) % 20 == 0, 20.0, 0.01)
    alike, weighted = (measure_calibration(labels, probabilities, w) for w in (np.ones(2000), weights))
    assert find_largest_by_chance(weighted) > 3 * find_largest_by_chance(alike)
    assert find_largest_by_chance(alike) == pytest.approx(
        find_largest_by_chance(measure_calibration(labels, probabilities))
    )
    assert count_effective(weights) == pytest.approx(100, rel=0.05)


def test_a_calibration_follows_the_rows_that_stand_for_most() -> None:
    margins = np.tile([-0.5, 0.5], 2000)
    labels = np.tile([0, 1, 1, 0], 1000).astype(np.int8)  # half of them the wrong way round
    weights = np.tile([9.0, 9.0, 1.0, 1.0], 1000)
    said = find_calibration(labels, margins, weights)
    assert said.slope / 2 + said.intercept == pytest.approx(np.log(0.9 / 0.1), abs=0.01)


@pytest.mark.parametrize("method", SERVABLE.values(), ids=lambda method: method.name)
def test_every_method_fits_to_the_weights(method: ServableMethod) -> None:
    contract = find_contract("streamflow")
    rows = contract.encode_columns(draw_demo_columns(contract, np.random.default_rng(6), 600))
    labels = (np.arange(600) % 2).astype(np.int8)
    params = {"trees": 5, method.size: method.plain_sizes[1], **method.plain}
    fitted = [
        method.fit(contract, rows, labels, params, weights=np.where(labels == label, 9.0, 1.0)).predict(rows).mean()
        for label in (0, 1)
    ]
    assert fitted[0] < 0.3
    assert fitted[1] > 0.7
    none, ones = (method.fit(contract, rows, labels, params, weights=w).predict(rows) for w in (None, np.ones(600)))
    assert np.abs(none - ones).max() < 1e-6
