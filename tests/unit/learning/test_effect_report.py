"""What an experiment says of offers, segments and money holds what is true of it, at every look."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from benchmarks.learning.small_experiment import (
    ACTIONS,
    ASSUMED_SAVES,
    FULL_COST,
    HOLDOUT,
    TRUTH,
    Experiment,
    draw_experiment,
)
from churn.businesses import find_contract
from churn.contract.catalogues import list_languages
from churn.dashboard.charts.outcomes import report_outcomes
from churn.dashboard.report import render_report
from churn.learning.effect_report import EffectReport, measure_effects
from churn.outcomes.experiment import compare_arms
from churn.outcomes.join import Cohort, LabelledPrediction
from churn.outcomes.reading_exposures import ReadExposures
from churn.outcomes.summary import OutcomeSummary
from churn.retention.offers.policy import load_policy

CONTRACT = find_contract("streamflow")
POLICY = load_policy(None, CONTRACT, languages=list_languages(CONTRACT))


def measure(experiment: Experiment, *, people: int | None = None, missing: float = 0.0) -> EffectReport:
    rows = np.arange(len(experiment.exposures)) < (people or len(experiment.exposures))
    exposures, stakes = experiment.exposures.choose(rows), experiment.stakes.choose(rows)
    is_known = np.random.default_rng(1).random(len(exposures)) >= missing
    return measure_effects(ReadExposures(exposures, is_known), stakes, compare(exposures), POLICY)


def compare(exposures: Any) -> Any:
    cohort = Cohort("small-1")
    columns = (exposures.identity, exposures.probability, exposures.held_out, exposures.left)
    for at, (identity, probability, held, left) in enumerate(zip(*columns, strict=True)):
        arm = "holdout" if held else "treatment"
        cohort.members[identity] = LabelledPrediction(
            at * 10**9, identity, identity, "v1", probability, arm, None, "1", "small-1", HOLDOUT, left=bool(left)
        )
    return compare_arms(cohort)


def find_truth(experiment: Experiment) -> tuple[dict[str, float], dict[str, float]]:
    """The true effect on leaving and on money of each offer, among those who could have had it."""
    exposures, stakes = experiment
    leaving, money = {}, {}
    for at in (2, 3, 4):
        own = exposures.propensities[:, at] > 0
        probability, segment = exposures.probability[own], stakes.segment[own]
        without = np.clip(probability * 0.9 + 0.05, 0, 1)
        prevented = probability * ASSUMED_SAVES[at] * TRUTH.strength[segment, at]
        accepted = TRUTH.take_up[segment, at] if TRUTH.take_up.ndim > 1 else TRUTH.take_up[at]
        paid = accepted * FULL_COST[at] * (1 - (without - prevented) * (1 - TRUTH.leavers_use))
        leaving[ACTIONS[at]] = -prevented.mean()
        money[ACTIONS[at]] = (stakes.margin[own] * prevented - paid).mean()
    return leaving, money


def test_each_offer_s_interval_holds_what_is_true_at_all_looks() -> None:
    runs, wrong = 8, {"leaving": 0, "money": 0}
    for seed in range(runs):
        experiment = draw_experiment(seed, 14_000)
        leaving, money = find_truth(experiment)
        looks = [measure(experiment, people=people) for people in (6_000, 14_000)]
        offers = [own for report in looks for own in report.offers if own.name in leaving]
        wrong["leaving"] += any(
            not own.effect.low <= leaving[own.name] <= own.effect.high for own in offers if own.effect
        )
        wrong["money"] += any(not own.money.low <= money[own.name] <= own.money.high for own in offers if own.money)
        assert any(own.money for own in offers)
    assert max(wrong.values()) <= 2  # of 24 intervals, each wrong in one of twenty at most


def test_who_is_missing_widens_the_intervals_and_is_counted() -> None:
    experiment = draw_experiment(1, 20_000)
    whole, partly = measure(experiment), measure(experiment, missing=0.03)
    assert whole.banner is not None
    assert partly.banner is not None
    assert partly.banner.missing > 0
    for name in ("effect", "money"):
        inner, outer = getattr(whole.banner, name), getattr(partly.banner, name)
        assert outer.low < inner.low < inner.high < outer.high


def test_arms_that_are_not_as_drawn_measure_nothing() -> None:
    exposures, stakes = draw_experiment(1, 5_000)
    lost = ~exposures.held_out | (np.arange(5_000) % 2 == 0)
    report = measure(Experiment(exposures.choose(lost), stakes.choose(lost)))
    assert (report.banner, report.offers, report.segments) == (None, (), ())


def test_segments_are_those_of_the_policy_and_money_says_what_it_rests_on() -> None:
    report = measure(draw_experiment(2, 12_000))
    assert [own.name for own in report.segments] == ["first", "others"]
    assert sum(own.shown + own.held_out for own in report.segments) == 12_000
    assert "months that somebody who is kept is assumed to stay" in report.assumed
    assert report.banner is not None
    assert {own.name for own in report.offers} == {"no offer", "yearly", "loyal", "support"}
    without_margin = draw_experiment(2, 12_000)
    unknown = replace(without_margin.stakes, margin=np.full(12_000, np.nan))
    assert all(own.money is None for own in measure(Experiment(without_margin.exposures, unknown)).offers)


@pytest.fixture(scope="module")
def page() -> str:
    experiment = draw_experiment(3, 12_000)
    summary = OutcomeSummary(12_000, 12_000, (), compare(experiment.exposures), ())
    return render_report(report_outcomes(summary, measure(experiment)), now=0)


def test_the_page_says_it_to_people(page: str) -> None:
    for said in ("Whom does which offer keep?", "Yearly", "Others", "USD a subscriber", "points take", "not yet sure"):
        assert said in page


def test_the_figures_are_for_scripts_too() -> None:
    figures = asdict(measure(draw_experiment(3, 3_000)))
    assert {"value", "low", "high", "every_look", "is_asymptotic"} == set(figures["banner"]["effect"])
