"""Whom the banner never changed, and for how many each stands: against worlds in which the truth is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.exposed import make_exposures

from churn.retraining.untreated import Elsewhere, count_newer, find_untreated


def test_the_untreated_stand_for_what_would_have_become_of_all() -> None:
    errors, unweighted = [], []
    for seed in range(40):
        generator = np.random.default_rng(seed)
        risk = generator.random(4000)
        above = risk > 0.6
        treated = above & (generator.random(4000) > 0.1)
        left = generator.random(4000) < risk * np.where(treated, 0.6, 1.0)
        exposures = make_exposures(risk[:, None], left, chances=np.where(above, 0.1, 1.0), treated=treated)
        rows = find_untreated(exposures)
        errors.append(np.average(rows.labels, weights=rows.weights) - risk.mean())
        unweighted.append(rows.labels.mean() - risk.mean())
        assert rows.weights.sum() == pytest.approx(4000)
        assert rows.treated == treated.sum()
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(40)
    assert np.mean(unweighted) < -0.1  # who is left over unweighted are those below the threshold


def test_who_saw_a_banner_in_any_experiment_is_left_out_and_chances_are_multiplied() -> None:
    exposures = make_exposures(
        np.arange(6.0)[:, None],
        [True, False, True, False, False, False],
        chances=[0.5, 0.2, 0.5, 0.5, 1.0, 0.5],
        treated=[False, False, False, True, False, False],
        identities=["one", "one", "two", "two", "three", "four"],
        times=[20, 10, 30, 40, 50, 60],
    )
    rows = find_untreated(exposures)
    assert rows.identities.tolist() == ["one", "three", "four"]
    assert rows.rows[:, 0].tolist() == [1.0, 4.0, 5.0]  # the earlier row of the first
    assert rows.weights[0] / rows.weights[2] == pytest.approx((1 / 0.1) / (1 / 0.5))
    assert rows.weights[[0, 2]].sum() == pytest.approx(3)  # all who had a lot
    assert (rows.treated, rows.lots) == (1, 3)
    assert count_newer(rows, 20) == 2
    assert count_newer(rows, None) == 3


def test_a_lot_elsewhere_counts_and_a_banner_elsewhere_leaves_out() -> None:
    exposures = make_exposures(np.zeros((3, 1)), [False] * 3, chances=[1.0] * 3, treated=[False] * 3)
    first, second, _ = exposures.identity
    rows = find_untreated(exposures, {first: Elsewhere(0.1, treated=False), second: Elsewhere(0.1, treated=True)})
    assert rows.identities.tolist() == [first, exposures.identity[2]]
    assert rows.weights.tolist() == [2.0, 1.0]


def test_a_log_without_held_out_subscribers_says_what_is_in_the_way() -> None:
    everybody = np.zeros((100, 1))
    nobody = find_untreated(make_exposures(everybody[:0], [], chances=[], treated=[]))
    assert nobody.find_obstacle(30) == "no outcome of the log is ripe"
    chances, treated = [0.0] * 20 + [1.0] * 80, [True] * 20 + [False] * 80
    never = find_untreated(make_exposures(everybody, [False] * 100, chances=chances, treated=treated))
    assert "could not be held out" in never.find_obstacle(30)
    chances, treated = [0.1] * 20 + [1.0] * 80, [True] * 15 + [False] * 85
    few = find_untreated(make_exposures(everybody, [False] * 100, chances=chances, treated=treated))
    assert few.held_out == pytest.approx(5)
    assert "tell as much as 5 of equal weight" in few.find_obstacle(30)
    assert few.find_obstacle(5) == ""


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_weights_sum_to_all_subscribers_whenever_somebody_stands_for_each_kind(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    chances = generator.choice([0.1, 0.4, 1.0], count)
    treated = (chances < 1) & (generator.random(count) < 0.5)
    identities = [f"{number}" for number in generator.integers(0, count, count)]
    exposures = make_exposures(
        np.zeros((count, 1)), [False] * count, chances=chances, treated=treated, identities=identities
    )
    rows = find_untreated(exposures)
    assert len(set(rows.identities.tolist())) == len(rows) == len(set(identities)) - rows.treated
    if rows.had_lot.any() or not rows.lots:
        assert rows.weights.sum() == pytest.approx(len(set(identities)))
    assert (np.diff(rows.times) >= 0).all()
