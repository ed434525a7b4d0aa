"""Pseudo-outcomes say on average what is true, and a booster that learns from them says nothing that it may not."""

import numpy as np
import pytest
import xgboost
from support.examples import STREAMFLOW
from support.learning_world import find_exposures, find_policy_document, find_population

from churn.contract.catalogues import list_languages
from churn.learning.choosing import choose_actions
from churn.learning.measures import Rates, read_rates
from churn.learning.stakes import Stakes, weigh_exposures
from churn.outcomes.exposures import Exposures
from churn.retention.offers.policy import Policy, find_default_policy, load_policy
from churn.training.uplift.boosting import Adjustment, fit_adjustment
from churn.training.uplift.choosing import choose_by_uplift
from churn.training.uplift.lessons import (
    blank_columns,
    collect_lessons,
    find_policy_effects,
    split_subscribers,
)

POLICY: Policy = load_policy(find_default_policy(STREAMFLOW), STREAMFLOW, languages=list_languages(STREAMFLOW))


def weigh(exposures: Exposures) -> tuple[Stakes, Rates]:
    stakes = weigh_exposures(exposures, POLICY, STREAMFLOW)
    return stakes, read_rates(POLICY, stakes.actions)


def test_the_pseudo_outcomes_of_each_action_are_on_average_its_true_effect() -> None:
    exposures, truth = find_exposures(8000, 3, share=0.6)
    stakes, rates = weigh(exposures)
    lessons = collect_lessons(exposures, stakes, rates, split_subscribers(exposures, 3, 0))
    effect = find_policy_effects(exposures, stakes, rates)
    for place, action in enumerate(lessons.actions):
        lines = lessons.features[:, len(exposures.feature_names) + place] == 1
        rows, at = lessons.row[lines], exposures.actions.index(action)
        said = lessons.target[lines] + effect[rows, at]
        true = truth.leaving[rows, 0] - truth.leaving[rows, at]
        assert abs((said - true).mean()) < 4 * said.std() / np.sqrt(len(rows)), action
    assert "banner alone" in lessons.actions
    assert lessons.weight.max() == 1


def test_all_rows_of_a_subscriber_are_in_one_fold() -> None:
    exposures, _ = find_exposures(300, 1)
    twice = exposures.choose(np.repeat(np.arange(len(exposures)), 2))
    folds = split_subscribers(twice, 3, 0)
    assert (folds[::2] == folds[1::2]).all()
    assert len(np.unique(folds)) == 3


def test_an_action_that_nobody_had_is_not_learnt_and_gets_no_adjustment() -> None:
    exposures, _ = find_exposures(1500, 2, share=0.0)
    stakes, rates = weigh(exposures)
    folds = split_subscribers(exposures, 2, 0)
    lessons = collect_lessons(exposures, stakes, rates, folds)
    assert "autopay-10" not in lessons.actions or (exposures.taken == exposures.actions.index("autopay-10")).sum() >= 30
    adjustment = fit_adjustment(lessons, folds, seed=0, rounds=5)
    added = adjustment.adjust(exposures.features, stakes.actions)
    unknown = [at for at, action in enumerate(stakes.actions) if action not in lessons.actions]
    assert not added[:, unknown].any()


def test_no_split_asks_about_a_hidden_feature() -> None:
    exposures, _ = find_exposures(4000, 4, share=0.9)
    stakes, rates = weigh(exposures)
    hidden = ["monthly_charges", "contract_type"]
    blank = blank_columns(exposures.features, exposures.feature_names, hidden)
    places = [exposures.feature_names.index(name) for name in hidden]
    assert np.isnan(blank[:, places]).all()
    folds = split_subscribers(exposures, 2, 0)
    shown = type(exposures)(**{name: getattr(exposures, name) for name in exposures.__slots__} | {"features": blank})
    lessons = collect_lessons(shown, stakes, rates, folds)
    # Targets that need them: whatever is left must be said by the other features.
    lessons.target[:] = exposures.features[lessons.row][:, places].sum(axis=1)
    adjustment = fit_adjustment(lessons, folds, seed=0, rounds=8)
    assert adjustment.rounds > 0
    for booster in adjustment.specialise().values():
        asked = set(booster.trees_to_dataframe()["Feature"])
        assert not asked & {f"f{place}" for place in places}


def test_each_actions_own_booster_says_what_is_added() -> None:
    exposures, _ = find_exposures(4000, 4, share=0.9)
    stakes, rates = weigh(exposures)
    folds = split_subscribers(exposures, 2, 0)
    lessons = collect_lessons(exposures, stakes, rates, folds)
    lessons.target[:] = 0.1 * (exposures.features[lessons.row][:, 1] > 60) * lessons.features[:, -1] - 0.02
    adjustment = fit_adjustment(lessons, folds, seed=0, rounds=8)
    added = adjustment.adjust(exposures.features, stakes.actions)
    matrix = xgboost.DMatrix(exposures.features.astype(np.float32))
    for action, booster in adjustment.specialise().items():
        assert booster.predict(matrix) == pytest.approx(added[:, stakes.actions.index(action)], abs=6e-5)
    assert added.std() > 0.005


def test_without_an_adjustment_the_choice_is_the_policys() -> None:
    exposures, _ = find_exposures(3000, 5)
    stakes, rates = weigh(exposures)
    none = Adjustment((), None, 0, 0.0).adjust(exposures.features, stakes.actions)
    for without_offer in ("nothing", "reasons"):
        chosen = choose_by_uplift(stakes, exposures.probability, rates, none, without_offer=without_offer)
        expected = choose_actions(stakes, exposures.probability, rates, without_offer=without_offer)
        assert np.array_equal(chosen, expected)


def test_whom_contact_harms_is_shown_nothing_and_whom_it_keeps_alone_the_banner() -> None:
    exposures, _ = find_exposures(600, 6)
    stakes, rates = weigh(exposures)
    nothing, banner = stakes.actions.index("nothing"), stakes.actions.index("banner alone")
    has_banner = ~np.isnan(stakes.saves[:, banner])
    harmful, helpful = (np.full((len(exposures), len(stakes.actions)), by) for by in (-1.0, -1.0))
    helpful[:, banner] = 0.05
    chosen = choose_by_uplift(stakes, exposures.probability, rates, harmful, without_offer="reasons")
    assert (chosen == nothing).all()
    chosen = choose_by_uplift(stakes, exposures.probability, rates, helpful)
    assert (chosen[has_banner] == banner).all()
    assert (chosen[~has_banner] == nothing).all()


def test_the_world_has_the_policys_offers() -> None:
    assert {offer.code for offer in find_policy_document().offers} == {terms.code for terms in POLICY.terms}
    assert len(find_population(600)) > 100
