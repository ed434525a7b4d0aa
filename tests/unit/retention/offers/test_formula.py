"""The formula: its limits by hand, and against a simulation of subscribers who accept, stay and leave."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.retention.offers.formula import find_cost, find_effect, find_full_cost, find_net

shares = st.floats(0, 1)


def test_by_hand() -> None:
    effect = find_effect(0.8, 0.22, 0.5)
    cost = find_cost(0.8, effect, 0.3, find_full_cost(17.9, 12, 10), 0.25)
    assert math.isclose(effect, 0.088)
    assert math.isclose(cost, 0.3 * 224.8 * (1 - 0.712 * 0.75))
    assert math.isclose(find_net(effect, 483.3, cost), 0.088 * 483.3 - cost)


@given(probability=shares, save_rate=shares, take_up=shares, full_cost=st.floats(0, 1000))
def test_leavers_who_use_all_cost_what_everybody_costs(
    probability: float, save_rate: float, take_up: float, full_cost: float
) -> None:
    effect = find_effect(probability, save_rate, 1.0)
    assert effect == probability * save_rate
    assert find_cost(probability, effect, take_up, full_cost, 1.0) == take_up * full_cost


@given(shares, shares, st.floats(-1, 1), shares, shares)
def test_arrays_give_what_numbers_give(
    probability: float, save_rate: float, strength: float, take_up: float, leavers_use: float
) -> None:
    numbers = (probability, save_rate, strength, take_up, leavers_use)
    arrays = [np.array([number]) for number in numbers]
    effect, effects = find_effect(*numbers[:3]), find_effect(*arrays[:3])
    assert effects.tolist() == [effect]
    cost = find_cost(probability, effect, take_up, 100.0, leavers_use)
    costs = find_cost(arrays[0], effects, arrays[3], np.array([100.0]), arrays[4])
    assert costs.tolist() == [cost]
    assert find_net(effects, np.array([400.0]), costs).tolist() == [find_net(effect, 400.0, cost)]


def test_a_simulation_pays_what_the_formula_expects() -> None:
    """Who accepts pays in full by staying, and a quarter of it by leaving; acceptance tells nothing of leaving."""
    probability, save_rate, take_up, full_cost, leavers_use, margin = 0.7, 0.25, 0.4, 120.0, 0.25, 400.0
    chance = np.random.default_rng(7)
    people = 400_000
    leaves, accepts = chance.random(people) < probability * (1 - save_rate), chance.random(people) < take_up
    paid = np.where(accepts, np.where(leaves, leavers_use, 1.0) * full_cost, 0.0)
    effect = find_effect(probability, save_rate, 1.0)
    cost = find_cost(probability, effect, take_up, full_cost, leavers_use)
    assert paid.mean() == pytest.approx(cost, abs=float(4 * paid.std() / math.sqrt(people)))
    worth = (1 - leaves) * margin - paid
    without = (1 - probability) * margin
    error = float(4 * worth.std() / math.sqrt(people))
    assert worth.mean() - without == pytest.approx(find_net(effect, margin, cost), abs=error)
