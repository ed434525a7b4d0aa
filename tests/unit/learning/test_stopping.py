"""An offer stops being tried where trying it can teach nothing that matters."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.learning.small_experiment import Experiment, Truth, draw_experiment
from churn.learning.choosing import choose_actions
from churn.learning.measures import Rates
from churn.learning.rates import estimate_rates
from churn.learning.stopping import DAY_US, Outlook, look_ahead
from churn.learning.strengths import collect_evidence, find_deviation

YEARLY, LOYAL, SUPPORT = 2, 3, 4
STRONG, WEAK, HARMFUL = 1.0, 0.05, -2.0


def draw(count: int, *strengths: float, days: float = 90, explore: float = 0.5) -> Experiment:
    """An experiment over so many days, with the true strength of each offer, in both segments."""
    truth = Truth(np.tile([0, 0, *strengths], (2, 1)), np.array([0, 0, 0.3, 0.6, 0.5]), 0.25)
    experiment = draw_experiment(7, count, truth, explore=explore)
    time = np.linspace(0, days * DAY_US, count).astype(np.int64)
    object.__setattr__(experiment.exposures, "time", time)
    return experiment


def look(experiment: Experiment, at: int) -> tuple[Outlook, Rates]:
    exposures, stakes = experiment
    rates = estimate_rates(exposures, stakes)
    chosen = choose_actions(stakes, exposures.probability, rates)
    return look_ahead(
        exposures, stakes, rates, chosen=chosen, at=at, evidence=collect_evidence(exposures, stakes, at)
    ), rates


def test_an_offer_that_surely_harms_is_no_longer_tried() -> None:
    outlook, rates = look(draw(60_000, STRONG, HARMFUL, STRONG), LOYAL)
    assert rates.strength.high[LOYAL] < 0
    assert (outlook.chosen, outlook.why_stopped) == (0, "surely worth less")


def test_an_offer_that_is_chosen_goes_on() -> None:
    outlook, _ = look(draw(60_000, STRONG, HARMFUL, STRONG), YEARLY)
    assert outlook.chosen > 0
    assert outlook.why_stopped is None


def test_an_offer_whose_break_even_a_year_cannot_show_is_no_longer_tried() -> None:
    outlook, _ = look(draw(900, STRONG, WEAK, HARMFUL, days=300, explore=0.05), SUPPORT)
    assert outlook.detectable > outlook.break_even
    assert outlook.why_stopped in {None, "break-even cannot be seen"}
    assert (outlook.why_stopped is None) == (outlook.chosen > 0)


def test_a_log_of_a_few_days_says_nothing_of_a_year() -> None:
    outlook, _ = look(draw(900, STRONG, WEAK, STRONG, days=5), LOYAL)
    assert np.isnan(outlook.a_year)
    assert outlook.why_stopped != "break-even cannot be seen"


def test_more_traffic_shows_smaller_effects() -> None:
    slow, fast = (look(draw(4_000, STRONG, STRONG, STRONG, days=days), LOYAL)[0] for days in (720, 30))
    assert fast.a_year == pytest.approx(24 * slow.a_year)
    assert fast.detectable < slow.detectable


def test_what_can_be_seen_is_guessed_before_anybody_got_the_offer() -> None:
    exposures, stakes = draw(20_000, STRONG, STRONG, STRONG)
    evidence = collect_evidence(exposures, stakes, LOYAL)
    nobody = replace(evidence, taken=np.zeros(20_000, dtype=bool))
    measured, guessed = (find_deviation(known, exposures.probability) for known in (evidence, nobody))
    assert guessed == pytest.approx(measured, rel=0.15)


def test_the_break_even_is_where_the_offer_is_worth_what_the_best_other_one_is() -> None:
    experiment = draw(20_000, WEAK, STRONG, WEAK)
    stakes = experiment.stakes
    outlook, rates = look(experiment, YEARLY)
    possible = ~np.isnan(stakes.saves[:, YEARLY])
    best = np.zeros(len(stakes))
    for at in (LOYAL, SUPPORT):
        net = price_by_hand(experiment, rates, at, rates.by_segment.value[stakes.segment, at])
        best = np.fmax(best, net)
    own = price_by_hand(experiment, rates, YEARLY, np.full(len(stakes), outlook.break_even))
    assert (own - best)[possible].mean() == pytest.approx(0, abs=0.02)


def price_by_hand(experiment: Experiment, rates: Rates, at: int, strength: np.ndarray) -> np.ndarray:
    exposures, stakes = experiment
    effect = exposures.probability * stakes.saves[:, at] * strength
    leaving = exposures.probability - effect
    used = 1 - leaving + leaving * rates.leavers_use.value[at]
    return np.asarray(effect * stakes.margin - rates.take_up.value[at] * stakes.full_cost[:, at] * used)
