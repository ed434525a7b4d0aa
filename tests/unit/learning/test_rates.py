"""Rates are estimated from an experiment whose truth is known."""

import numpy as np
import pytest

from benchmarks.learning.small_experiment import TRUTH, Experiment, Truth, draw_experiment
from churn.learning.measures import Measure, Rates
from churn.learning.rates import estimate_rates

OFFERS = slice(2, None)
# Half of the subscribers are in each segment.
OVERALL = TRUTH.strength.mean(axis=0)


def estimate(experiment: Experiment) -> Rates:
    return estimate_rates(experiment.exposures, experiment.stakes)


def holds(measure: Measure, truth: np.ndarray) -> np.ndarray:
    return (measure.low <= truth) & (truth <= measure.high)


def test_a_large_experiment_finds_the_truth() -> None:
    rates = estimate(draw_experiment(1, 200_000))
    np.testing.assert_allclose(rates.take_up.value, TRUTH.take_up, atol=0.03)
    np.testing.assert_allclose(rates.leavers_use.value[OFFERS], TRUTH.leavers_use, atol=0.03)
    np.testing.assert_allclose(rates.strength.value[OFFERS], OVERALL[OFFERS], atol=0.15)
    np.testing.assert_allclose(rates.by_segment.value[:, OFFERS], TRUTH.strength[:, OFFERS], atol=0.25)


def test_without_rows_all_is_as_assumed() -> None:
    experiment = draw_experiment(1, 0)
    rates = estimate(experiment)
    assert rates.take_up.value.tolist() == experiment.stakes.take_up.tolist()
    assert rates.leavers_use.value.tolist() == experiment.stakes.leavers_use.tolist()
    assert (rates.strength.value == 1).all()
    assert (rates.by_segment.value == 1).all()
    assert all(not measure.count.any() and np.isnan(measure.low).all() for measure in rates)


@pytest.mark.parametrize("count", [50, 300, 2_000, 20_000])
def test_each_value_lies_in_its_interval(count: int) -> None:
    for measure in estimate(draw_experiment(count, count)):
        measured = measure.count > 0
        assert (measure.low <= measure.high)[measured].all()
        assert holds(measure, measure.value)[measured].all()


def test_an_offer_that_no_lot_falls_on_stays_as_assumed() -> None:
    experiment = draw_experiment(3, 5_000, explore=0.0)
    chances = experiment.exposures.propensities.copy()
    assert (chances[:, 1] > 0).any(), "somebody can only be shown the banner alone"
    chances[:, 4], taken = 0, np.where(experiment.exposures.taken == 4, 0, experiment.exposures.taken)
    exposures = experiment.exposures.choose(np.arange(5_000))
    object.__setattr__(exposures, "propensities", chances)
    object.__setattr__(exposures, "taken", taken)
    rates = estimate_rates(exposures, experiment.stakes)
    assert (rates.strength.value[4], rates.strength.count[4], rates.take_up.count[4]) == (1, 0, 0)
    assert rates.strength.count[2] > 0


def test_few_subscribers_move_an_assumption_little_and_many_move_it_wholly() -> None:
    truth = Truth(np.zeros((2, 5)), TRUTH.take_up, TRUTH.leavers_use)
    few = np.mean([estimate(draw_experiment(seed, 200, truth)).strength.value[2] for seed in range(10)])
    many = estimate(draw_experiment(1, 100_000, truth)).strength.value[2]
    assert few > 0.3
    assert abs(many) < 0.1


def test_a_segment_without_rows_has_its_offers_strength() -> None:
    experiment = draw_experiment(5, 4_000)
    exposures, stakes = experiment.exposures, experiment.stakes
    object.__setattr__(stakes, "segment", np.ones(len(stakes), dtype=np.int64))
    rates = estimate_rates(exposures, stakes)
    np.testing.assert_allclose(rates.by_segment.value[0], rates.strength.value)
    assert not rates.by_segment.count[0].any()


def test_an_offer_that_harms_is_measured_below_zero() -> None:
    truth = Truth(np.full((2, 5), -1.0), TRUTH.take_up, TRUTH.leavers_use)
    rates = estimate(draw_experiment(2, 40_000, truth))
    assert rates.strength.high[2] < 0


def test_what_was_not_paid_is_guessed_from_the_months_until_somebody_left() -> None:
    experiment = draw_experiment(4, 20_000)
    exposures, stakes = experiment.exposures, experiment.stakes
    object.__setattr__(exposures, "paid", np.full(20_000, np.nan))
    object.__setattr__(exposures, "days_until_left", np.where(exposures.left, 365.25 / 4, np.nan))
    object.__setattr__(stakes, "months", np.array([0, 0, 12, 6, 0.0]))
    object.__setattr__(stakes, "fixed_cost", np.array([0, 0, 0, 30.0, 18.0]))
    use = estimate_rates(exposures, stakes).leavers_use
    assert use.value[2] == pytest.approx(3 / 12, abs=0.03)
    assert use.value[3] == pytest.approx((30 + 30 * 3 / 6) / 60, abs=0.03)
    assert (use.value[4], use.count[4]) == (1, 0), "an offer without months, and nobody says what it cost"
