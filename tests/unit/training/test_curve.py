"""The curve counts exactly what a look at every subscriber would count, and keeps no subscriber."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.errors import RegistryError, SettingsError
from churn.training.curve import STEPS, choose_by_value, measure_curve, read_curve

shown = st.integers(0, 10_000).map(lambda number: number / 10_000)
people = st.lists(st.tuples(shown, st.integers(0, 1)), min_size=1, max_size=40)


@given(people, st.integers(0, STEPS))
def test_counts_above_a_threshold_are_those_of_a_look_at_everybody(some: list[tuple[float, int]], step: int) -> None:
    threshold = step / STEPS
    reach = measure_curve(np.array([left for _, left in some]), np.array([at for at, _ in some])).measure(threshold)
    above = [left for probability, left in some if probability > threshold]
    leavers = sum(left for _, left in some)
    assert (reach.banners, reach.reached, reach.rows, reach.leavers) == (len(above), sum(above), len(some), leavers)
    assert reach.share == len(above) / len(some)
    assert reach.precision == (sum(above) / len(above) if above else None)
    assert reach.recall == (sum(above) / leavers if leavers else None)


@given(people, st.floats(0, 1))
def test_the_chosen_threshold_is_the_lowest_that_keeps_the_share(some: list[tuple[float, int]], share: float) -> None:
    curve = measure_curve(np.array([left for _, left in some]), np.array([at for at, _ in some]))
    chosen = curve.choose(share)
    assert chosen.share <= share
    assert chosen.threshold == 0 or curve.measure(chosen.threshold - 1 / STEPS).share > share


def test_few_leavers_are_reached_again_by_a_threshold_of_their_own() -> None:
    generator = np.random.default_rng(0)
    probabilities = np.round(generator.beta(0.4, 16, 50_000), 4)  # some 2 % leave, and hardly anybody is above 0.6
    labels = (generator.random(len(probabilities)) < probabilities).astype(np.int8)
    curve = measure_curve(labels, probabilities)
    fixed, chosen = curve.measure(0.6), curve.choose(0.05)
    assert 0.015 < np.mean(labels) < 0.035
    assert fixed.recall is not None
    assert chosen.recall is not None
    assert fixed.recall < 0.06
    assert chosen.recall > 0.25
    assert 0.045 < chosen.share <= 0.05


def test_by_value_no_worth_is_lost_and_no_banner_is_shown_below_it() -> None:
    curve = measure_curve(np.array([0, 1, 1]), np.array([0.2, 0.5, 0.9]))
    net = np.zeros(STEPS + 1)
    net[[500, 900]] = 3.0, 4.0
    chosen = choose_by_value(curve, net)
    assert (chosen.threshold, chosen.banners) == (0.499, 2)
    with pytest.raises(SettingsError, match="no offer of the policy is worth its cost"):
        choose_by_value(curve, -net)


def test_what_is_kept_reads_back_the_same_and_is_small() -> None:
    generator = np.random.default_rng(1)
    probabilities = generator.random(20_000)
    curve = measure_curve((generator.random(20_000) < probabilities).astype(np.int8), probabilities)
    again = read_curve(curve.encode())
    assert np.array_equal(again.stayed, curve.stayed)
    assert np.array_equal(again.left, curve.left)
    assert len(curve.encode()) < 50_000


@pytest.mark.parametrize(
    "changed",
    [
        {"steps": 10},
        {"left": {"1001": 1}},
        {"left": {"-1": 1}},
        {"left": {"3": -1}},
        {"left": {"3": 0.5}},
        {"left": {}, "stayed": {}},
        {"left": None},
    ],
)
def test_a_curve_that_somebody_changed_is_refused_in_a_sentence(changed: dict[str, object]) -> None:
    kept = {"steps": STEPS, "stayed": {"1": 2}, "left": {"3": 1}}
    assert read_curve(json.dumps(kept).encode()).measure(0.001).banners == 1
    with pytest.raises(RegistryError, match="threshold curve"):
        read_curve(json.dumps(kept | changed).encode())
