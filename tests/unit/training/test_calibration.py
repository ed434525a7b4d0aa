"""A model that is off is mended exactly, a good one is left alone, and chance is not taken for an error."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from support.examples import STREAMFLOW

from churn.contract.sampling import draw_columns
from churn.explain.parity import build_verified_tables
from churn.explain.tables import build_table_explainer
from churn.training.calibration import LARGEST_ERROR, calibrate, find_calibration
from churn.training.evaluation import compute_calibration_error, find_largest_by_chance, measure_calibration
from churn.training.groups import Labels
from churn.training.methods.catalogue import SERVABLE
from churn.training.methods.method import Recipe, ServableMethod

type Numbers = npt.NDArray[np.float64]


def logistic(margins: Numbers) -> Numbers:
    result: Numbers = 1 / (1 + np.exp(-margins))
    return result


def draw(rows: int, seed: int) -> tuple[Labels, Numbers]:
    """Log-odds that are true: labels are drawn with them."""
    generator = np.random.default_rng(seed)
    margins = generator.normal(-1, 1.5, rows)
    return (generator.random(rows) < logistic(margins)).astype(np.int8), margins


def fail(rows: int, say: Callable[[Numbers], Numbers], draws: int = 300) -> float:
    """The share of draws in which what is said is more off than is allowed, counted without our error."""
    failed = 0
    for seed in range(draws):
        labels, margins = draw(rows, seed)
        said = logistic(say(margins))
        part = np.minimum((said * 10).astype(int), 9)
        error = sum(abs((said - labels)[part == number].sum()) for number in range(10)) / rows
        points = measure_calibration(labels, said)
        assert error == pytest.approx(compute_calibration_error(points))
        failed += error > max(LARGEST_ERROR, find_largest_by_chance(points))
    return failed / draws


@pytest.mark.parametrize("rows", [250, 667, 1409])
def test_a_perfect_model_fails_in_at_most_a_twentieth_of_draws(rows: int) -> None:
    assert fail(rows, lambda margins: margins) < 0.05 + 3 * (0.05 * 0.95 / 300) ** 0.5


def test_a_model_that_exaggerates_by_half_is_found_in_most_draws() -> None:
    assert fail(667, lambda margins: 1.5 * margins, draws=100) > 0.9
    assert fail(1409, lambda margins: 1.3 * margins, draws=100) > 0.9


def test_slope_and_intercept_are_found_and_a_perfect_model_is_left_alone() -> None:
    labels, margins = draw(20_000, 1)
    assert not find_calibration(labels, margins).is_applied
    found = find_calibration(labels, 2 * margins + 1)
    assert found.slope == pytest.approx(0.5, abs=0.02)
    assert found.intercept == pytest.approx(-0.5, abs=0.05)
    assert find_calibration(labels, found.slope * (2 * margins + 1) + found.intercept).error < 0.01
    assert f"calibrated, log-odds times {found.slope:.4f} {found.intercept:+.4f}" in found.describe()


def test_a_model_that_is_turned_around_is_not_turned_back() -> None:
    labels, margins = draw(5000, 2)
    found = find_calibration(labels, -margins)
    assert not found.is_applied
    assert "no slope above 0 mends it" in found.describe()


def overfitted(rows: int = 800) -> tuple[npt.NDArray[np.float32], Labels]:
    generator = np.random.default_rng(0)
    encoded = STREAMFLOW.encode_columns(draw_columns(STREAMFLOW, generator, rows))
    labels = (generator.random(rows) < logistic(1 - encoded[:, 0].astype(np.float64) / 40)).astype(np.int8)
    return encoded, labels


def make_recipe(method: ServableMethod) -> Recipe:
    return Recipe(method, {"trees": 40, method.size: method.plain_sizes[-1], "learning_rate": 0.3}, 0)


@pytest.mark.parametrize("method", SERVABLE.values(), ids=SERVABLE)
def test_the_trees_say_the_calibrated_log_odds_and_contributions_add_up_to_them(method: ServableMethod) -> None:
    rows, labels = overfitted()
    rows[::7, 0] = np.nan
    model = make_recipe(method).fit(STREAMFLOW, rows, labels)
    margins, before = model.compute_margins(rows), model.explain(rows)
    mended = method.calibrate(model, 0.4, -0.7)
    assert model.compute_margins(rows).tolist() == margins.tolist()  # the one that was given stays
    assert mended.compute_margins(rows) == pytest.approx(0.4 * margins - 0.7, abs=1e-6)
    after = mended.explain(rows)
    assert after[:, :-1] == pytest.approx(0.4 * before[:, :-1], abs=1e-5)
    assert after.sum(axis=1) == pytest.approx(mended.compute_margins(rows), abs=1e-5)
    assert mended.feature_names == model.feature_names == tuple(STREAMFLOW.feature_names())
    tables = build_verified_tables(mended, rows, edge_rows=500)
    assert build_table_explainer(tables)(rows) == pytest.approx(after, abs=1e-5)


@pytest.mark.parametrize("method", SERVABLE.values(), ids=SERVABLE)
def test_an_overfitted_model_is_mended_by_rows_that_its_likes_did_not_see(method: ServableMethod) -> None:
    rows, labels = overfitted()
    recipe = make_recipe(method)
    model = recipe.fit(STREAMFLOW, rows, labels)
    mended, calibration = calibrate(STREAMFLOW, model, rows, labels, recipe)
    assert calibration.error > calibration.allowed
    assert 0 < calibration.slope < 1
    expected = calibration.slope * model.compute_margins(rows) + calibration.intercept
    assert mended.compute_margins(rows) == pytest.approx(expected, abs=1e-6)
