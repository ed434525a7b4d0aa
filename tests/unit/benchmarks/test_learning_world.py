"""The simulated world of learning: what it says of subscribers is what the service would, and its truth is itself."""

from datetime import date

import numpy as np
import pytest
from support.learning_world import find_champion, find_exposures, find_policy_document, find_population, find_world
from support.policies import POLICY

from benchmarks.learning.menu import BANNER, NO_OFFER, NOTHING, choose_by_assumptions
from benchmarks.learning.world import HOLDOUT, compute_propensities, draw_exposures, draw_world, join_exposures
from churn.contract.declaration import Contract
from churn.model.model import Prediction
from churn.retention.offers.policy import load_policy
from churn.retention.offers.selection import choose_offer
from churn.retention.reasons import choose_customer_reasons

VISITORS, ASKED = 2_000, 150
ROWS = 20_000


@pytest.fixture(scope="module")
def people() -> list[tuple[Contract, Prediction]]:
    population = find_population(VISITORS)
    names = population.contract.feature_names()
    subscribers = [
        population.contract.model_validate({name: population.columns[name][row].item() for name in names})
        for row in range(ASKED)
    ]
    return list(zip(subscribers, find_champion().model.predict(subscribers), strict=True))


def test_probability_and_reasons_are_those_of_the_service(people: list[tuple[Contract, Prediction]]) -> None:
    population = find_population(VISITORS)
    model = find_champion().model
    for row, (subscriber, prediction) in enumerate(people):
        shown, _ = choose_customer_reasons(model, subscriber, prediction)
        assert sorted(population.list_reasons()[row]) == sorted(reason["group"] for reason in shown)
        assert population.probability[row] == prediction.probability


def test_the_policy_with_nothing_measured_chooses_as_the_service_does(
    people: list[tuple[Contract, Prediction]],
) -> None:
    population, menu, _ = find_world(VISITORS)
    model = find_champion().model
    policy = load_policy(POLICY, model.contract, languages=find_policy_document().languages)
    chosen = choose_by_assumptions(menu, population.probability)
    for row, (subscriber, prediction) in enumerate(people):
        shown, _ = choose_customer_reasons(model, subscriber, prediction)
        offer, _ = choose_offer(
            policy,
            subscriber,
            prediction.probability,
            shown,
            today=date(2026, 1, 1),
            last_offer=None,
            language="en",
        )
        assert menu.actions[chosen[row]] == ("banner alone" if offer is None else offer["code"])


def test_what_is_drawn_has_the_shares_of_the_truth() -> None:
    exposures, truth = find_exposures(ROWS, share=0.2)
    rows = np.arange(len(exposures))
    for action in range(len(exposures.actions)):
        expected = exposures.propensities[:, action].sum()
        assert abs((exposures.taken == action).sum() - expected) < 5 * np.sqrt(expected)
    leaving = truth.leaving[rows, exposures.taken].mean()
    assert abs(exposures.left.mean() - leaving) < 5 * np.sqrt(leaving * (1 - leaving) / len(rows))
    assert not exposures.accepted[exposures.taken < len(NO_OFFER)].any()


def test_propensities_are_a_distribution_over_what_is_possible() -> None:
    population, menu, _ = find_world(ROWS)
    chances = compute_propensities(menu, choose_by_assumptions(menu, population.probability), share=0.02)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert not chances[~menu.possible].any()
    assert (chances[menu.possible] > 0).all()
    assert (chances[:, NOTHING] >= HOLDOUT).all()


def test_a_seventh_is_harmed_by_contact_and_an_oracle_spares_them() -> None:
    _, _, truth = find_world(ROWS)
    assert 0.1 < truth.harmed.mean() < 0.2
    assert (truth.leaving[truth.harmed, BANNER] > truth.leaving[truth.harmed, NOTHING]).all()
    best = truth.choose_best()
    assert truth.value.max(axis=1).mean() > truth.value[np.arange(len(best)), BANNER].mean()
    assert (truth.value[np.arange(len(best)), best] >= 0).all()


def test_the_same_seed_gives_the_same_world_and_another_one_another() -> None:
    population, menu, truth = find_world(VISITORS)
    chosen = choose_by_assumptions(menu, population.probability)
    again = draw_world(menu, 0).meet(population, menu, 0)
    np.testing.assert_array_equal(again.leaving, truth.leaving)
    assert draw_world(menu, 1).harm != draw_world(menu, 0).harm
    first, second = (draw_exposures(population, truth, chosen, seed) for seed in (1, 2))
    joined = join_exposures([first, second])
    np.testing.assert_array_equal(joined.taken, np.concatenate([first.taken, second.taken]))
    assert len(joined.reasons) == len(joined) == len(first) + len(second)
