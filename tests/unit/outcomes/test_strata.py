"""The effect over several shares that were held out: its interval holds the truth, whatever differs between them."""

from itertools import product

import numpy as np
import pytest

from churn.judging.sequences import Proportions, log_likelihood, log_mixture
from churn.outcomes.strata import Stratum, average_effect, bound_effect

ALPHA = 0.05


def draw_stratum(generator: np.random.Generator, people: int, share: float, base: float, effect: float) -> Stratum:
    held = int(generator.binomial(people, share))
    left = generator.binomial(held, base), generator.binomial(people - held, base + effect)
    return Stratum(held, people - held, int(left[0]), int(left[1]), share=share)


def test_where_share_and_departures_change_together_the_strata_are_compared_within() -> None:
    """Of the early half 60 % leave and half is held out; of the late half 30 % and 5 %. Thrown together: -16 points."""
    early, late = Stratum(1000, 1000, 600, 600), Stratum(100, 1900, 30, 570)
    assert average_effect([early, late]) == 0
    low, high = bound_effect([early, late], ALPHA)
    assert -0.16 < low < 0 < high < 0.16


def test_the_interval_holds_the_truth_at_every_look_where_effects_differ() -> None:
    generator, wrong = np.random.default_rng(1), 0
    for _ in range(60):
        first = draw_stratum(generator, 1000, 0.1, 0.6, -0.2)
        looks = [(people, draw_stratum(generator, people, 0.05, 0.4, 0.1)) for people in (50, 200, 800, 1600)]
        for people, second in looks:
            low, high = bound_effect([first, second], ALPHA)
            truth = (1000 * -0.2 + people * 0.1) / (1000 + people)
            if second.is_comparable and not low < truth < high:
                wrong += 1
                break
    assert wrong <= 3 + 4


def test_the_bounds_of_two_strata_are_those_of_trying_all_pairs_of_effects() -> None:
    strata = [Stratum(40, 160, 25, 70), Stratum(30, 270, 10, 100)]
    effects = np.linspace(-1, 1, 801)
    evidence = []
    for stratum in strata:
        numbers = (stratum.holdout_left, stratum.holdout, stratum.treatment_left, stratum.treatment)
        counts = Proportions(*(np.full(effects.shape, float(number)) for number in numbers))
        evidence.append(log_mixture(counts) - log_likelihood(counts, effects))
    possible = evidence[0][:, None] + evidence[1] < -np.log(ALPHA)
    means = (200 * effects[:, None] + 300 * effects) / 500
    low, high = bound_effect(strata, ALPHA)
    assert low == pytest.approx(means[possible].min(), abs=0.006)
    assert high == pytest.approx(means[possible].max(), abs=0.006)
    assert low <= means[possible].min()
    assert high >= means[possible].max()


def test_whatever_those_did_of_whom_nobody_knows_is_within_the_interval() -> None:
    low, high = bound_effect([Stratum(30, 60, 10, 30, 3, 5)], ALPHA)
    for held, treated in product(range(4), range(6)):
        of_all = bound_effect([Stratum(33, 65, 10 + held, 30 + treated)], ALPHA)
        assert low <= of_all[0]
        assert of_all[1] <= high


def test_a_small_stratum_does_not_spoil_a_large_one() -> None:
    large = Stratum(500, 4500, 300, 2000)
    alone, with_small = bound_effect([large], ALPHA), bound_effect([large, Stratum(1, 3, 1, 1)], ALPHA)
    assert np.abs(np.subtract(alone, with_small)).max() < 0.015
