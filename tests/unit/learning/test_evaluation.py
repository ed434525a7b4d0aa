"""A value of what was never live: in the interval where the log overlaps, refused where it does not."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from support.learning_world import find_champion, find_policy_document, find_population
from support.policies import POLICY

from benchmarks.learning.menu import BANNER, NOTHING, Menu, choose_by_assumptions, read_menu
from benchmarks.learning.world import Truth, draw_exposures, draw_world
from churn.learning.evaluation import Choice, Valuation, estimate_mean, evaluate_choice, find_logged_choice
from churn.learning.guessing import Guess, find_money, guess_outcomes
from churn.learning.stakes import Stakes, weigh_exposures
from churn.outcomes.estimates import Estimate
from churn.outcomes.exposures import Exposures
from churn.retention.offers.policy import Policy, load_policy

VISITORS, ROWS = 20_000, 2_500
RUNS = 60
RATES = np.array([1, 1, 0.6, 1, 0.4, 1.2, 0.6, 0.6])  # of another policy, as multiples of what this one assumes


@dataclass(frozen=True)
class Run:
    """A log, what it is worth to each, and what another choice would really have brought."""

    exposures: Exposures
    stakes: Stakes
    truth: Truth
    now: Choice
    other: Choice

    def value(self, chosen: Choice) -> float:
        return float(self.truth.value[np.arange(len(chosen)), chosen].mean())

    def keep(self, chosen: Choice) -> float:
        rows = np.arange(len(chosen))
        return float((self.truth.leaving[rows, NOTHING] - self.truth.leaving[rows, chosen]).mean())


@cache
def find_policy() -> Policy:
    contract = find_champion().model.contract
    return load_policy(POLICY, contract, languages=find_policy_document().languages)


def choose_otherwise(menu: Menu, probability: np.ndarray) -> Choice:
    return choose_by_assumptions(replace(menu, saves=menu.saves * RATES), probability)


@cache
def draw_run(seed: int, share: float) -> Run:
    everybody = find_population(VISITORS)
    rows = np.random.default_rng(seed).choice(len(everybody), ROWS, replace=False)
    population = everybody.choose(rows)
    menu = read_menu(population, find_policy_document())
    truth = draw_world(menu, seed).meet(population, menu, seed)
    now = choose_by_assumptions(menu, population.probability)
    exposures = draw_exposures(population, truth, now, seed, share=share)
    stakes = weigh_exposures(exposures, find_policy(), population.contract)
    return Run(exposures, stakes, truth, now, choose_otherwise(menu, population.probability))


def test_the_interval_holds_the_truth_where_the_log_overlaps() -> None:
    """A short form of the figures in docs/decisions/0067, with fewer runs of fewer subscribers."""
    held, errors = [], []
    for seed in range(RUNS):
        run = draw_run(seed, 0.1)
        guess = guess_outcomes(run.exposures, run.stakes)
        alone = evaluate_choice(run.exposures, run.stakes, run.other, guess=guess)
        paired = evaluate_choice(run.exposures, run.stakes, run.other, against=run.now, guess=guess)
        truths = (run.value(run.other), run.keep(run.other), run.value(run.other) - run.value(run.now))
        said = (alone.money, alone.kept, paired.money)
        assert not alone.is_refused
        held.append([estimate.low <= truth <= estimate.high for truth, estimate in zip(truths, said, strict=True)])
        errors.append([estimate.value - truth for truth, estimate in zip(truths, said, strict=True)])
    assert (np.mean(held, axis=0) >= 0.92).all()
    assert (np.abs(np.mean(errors, axis=0)) < 4 * np.std(errors, axis=0) / np.sqrt(RUNS)).all()
    assert (np.mean(held, axis=0) > 0).all()


def test_a_poor_guess_biases_nothing() -> None:
    errors = []
    for seed in range(RUNS):
        run = draw_run(seed, 0.1)
        nonsense = Guess(np.full(run.stakes.saves.shape, 0.2), np.full(run.stakes.saves.shape, 50.0))
        said = evaluate_choice(run.exposures, run.stakes, run.other, guess=nonsense)
        errors.append(said.money.value - run.value(run.other))
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(RUNS)


def test_without_overlap_there_is_no_value_however_many_subscribers_there_are() -> None:
    run = draw_run(0, 0.0)
    refused = evaluate_choice(run.exposures, run.stakes, run.other)
    assert refused.is_refused
    assert refused.without_overlap == pytest.approx((run.other != run.now).mean(), abs=0.01)
    # It looks best exactly here, which is why it decides nothing.
    assert refused.effective > 5 * evaluate_choice(*_take(draw_run(0, 0.1))).effective


def _take(run: Run) -> tuple[Exposures, Stakes, Choice]:
    return run.exposures, run.stakes, run.other


def test_what_was_logged_can_always_be_valued_and_is_found_again() -> None:
    for share in (0.0, 0.02):
        run = draw_run(1, share)
        assert (find_logged_choice(run.exposures) == run.now).all()
        said = evaluate_choice(run.exposures, run.stakes, run.now)
        assert not said.is_refused
        assert said.without_overlap == 0
        assert said.money.low <= run.value(run.now) <= said.money.high


def test_a_choice_against_itself_is_worth_exactly_nothing() -> None:
    run = draw_run(1, 0.02)
    said = evaluate_choice(run.exposures, run.stakes, run.other, against=run.other)
    assert said.money == said.kept == Estimate(0, 0, 0, every_look=True, is_asymptotic=True)
    assert said.without_overlap == 0


def test_an_offer_that_no_row_could_have_had_has_no_overlap() -> None:
    run = draw_run(1, 0.02)
    wider = replace(
        run.stakes,
        actions=(*run.stakes.actions, "brand-new"),
        full_cost=np.hstack([run.stakes.full_cost, np.ones((ROWS, 1))]),
        saves=np.hstack([run.stakes.saves, np.ones((ROWS, 1))]),
        worth=np.append(run.stakes.worth, np.nan),
        take_up=np.append(run.stakes.take_up, 0.5),
        leavers_use=np.append(run.stakes.leavers_use, 1.0),
    )
    said = evaluate_choice(run.exposures, wider, np.full(ROWS, len(run.stakes.actions)))
    assert said.without_overlap == 1
    assert said.is_refused


def test_nobody_in_the_log_is_refused_too() -> None:
    run = draw_run(1, 0.02)
    nobody = np.zeros(0, dtype=np.int64)
    rows = {name: getattr(run.stakes, name)[nobody] for name in ("margin", "full_cost", "saves", "segment")}
    said = evaluate_choice(run.exposures.choose(nobody), replace(run.stakes, **rows), nobody)
    assert said.is_refused
    assert said.subscribers == 0


def test_the_self_normalised_mean_is_that_of_the_matching_rows_by_their_weights() -> None:
    run = draw_run(2, 0.1)
    exposures, chosen = run.exposures, np.full(ROWS, BANNER)
    said = evaluate_choice(exposures, run.stakes, chosen)
    money = find_money(exposures, run.stakes)

    def mean(action: int) -> float:
        own = exposures.taken == action
        return float(np.average(money[own], weights=1 / exposures.propensities[own, action]))

    assert said.beside.value == pytest.approx(mean(BANNER) - mean(NOTHING))
    own = exposures.taken == BANNER
    weights = 1 / exposures.propensities[own, BANNER]
    assert said.effective == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert said.matched == own.sum()


def test_money_that_nobody_reported_follows_from_who_accepted_and_who_left() -> None:
    run = draw_run(3, 0.1)
    unknown = np.full(ROWS, np.nan)
    rows = np.arange(ROWS)
    full = run.stakes.full_cost[rows, run.exposures.taken]
    # The world's leavers use a quarter; a policy that assumes it gets the same money without `paid`.
    quarter = replace(run.stakes, leavers_use=np.full(len(run.stakes.actions), 0.25))
    reported = find_money(run.exposures, quarter)
    np.testing.assert_allclose(find_money(replace(run.exposures, paid=unknown), quarter), reported)
    nobody_knows = find_money(replace(run.exposures, paid=unknown, accepted=unknown), quarter)
    stayed = ~run.exposures.left
    expected = -run.stakes.take_up[run.exposures.taken] * full
    np.testing.assert_allclose(nobody_knows[stayed], expected[stayed])


def test_an_interval_is_wider_than_one_that_is_looked_at_once() -> None:
    values = np.random.default_rng(0).normal(size=5_000)
    said = estimate_mean(values)
    assert said.high - said.low > 2 * 1.96 * values.std() / np.sqrt(len(values))
    assert isinstance(evaluate_choice(*_take(draw_run(1, 0.1))), Valuation)
