"""The gate is in money; it says what it would take."""

from datetime import date

import numpy as np
import pytest
from support.examples import STREAMFLOW
from support.learning_world import find_exposures

from churn.contract.catalogues import list_languages
from churn.judging.asymptotic_sequences import find_half_width
from churn.learning.evaluation import find_logged_choice, value_rows
from churn.learning.guessing import guess_outcomes
from churn.learning.stakes import weigh_exposures
from churn.retention.offers.policy import find_default_policy, load_policy
from churn.training.uplift.boosting import Adjustment
from churn.training.uplift.gates import LEAST_SUBSCRIBERS, Traffic, check_uplift, count_needed, estimate_wait
from churn.training.uplift.training import count_traffic
from churn.training.uplift.value import ALPHA, TUNED_FOR, Gain, measure_curve

LEARNT = Adjustment(("yearly-20",), None, 12, 0.004)
SPRING = Traffic(30_000, 29_000, date(2026, 1, 1), date(2026, 4, 10), horizon_days=60)


def gained(money: float, low: float, high: float, deviation: float = 100.0, without_overlap: float = 0.0) -> Gain:
    return Gain(money, low, high, deviation, 0.01, 30_000, without_overlap, 0.2)


def failed(traffic: Traffic, adjustment: Adjustment, gain: Gain | None) -> list[str]:
    return [gate.name for gate in check_uplift(traffic, adjustment, gain) if not gate.passed]


def test_an_uplift_that_surely_earns_more_passes() -> None:
    assert failed(SPRING, LEARNT, gained(3.0, 0.1, 5.9)) == []


@pytest.mark.parametrize(
    ("traffic", "adjustment", "gain", "names"),
    [
        (
            Traffic(30_000, 0, date(2026, 1, 1), date(2026, 2, 1)),
            LEARNT,
            gained(3, 1, 5),
            ["exploration", "subscribers"],
        ),
        (Traffic(30_000, 19_999, date(2026, 1, 1), date(2026, 2, 1)), LEARNT, gained(3, 1, 5), ["subscribers"]),
        (SPRING, Adjustment((), None, 0, 0.0), gained(3, 1, 5), ["rounds"]),
        (SPRING, LEARNT, gained(3, 1, 5, without_overlap=0.02), ["overlap"]),
        (SPRING, LEARNT, gained(3, -0.01, 6), ["money"]),
        (SPRING, LEARNT, None, ["money"]),
    ],
)
def test_each_gate_holds_it_back(traffic: Traffic, adjustment: Adjustment, gain: Gain | None, names: list[str]) -> None:
    assert failed(traffic, adjustment, gain) == names


def test_money_that_may_be_either_is_undecided_and_money_that_is_lost_is_not() -> None:
    undecided = [
        gate.undecided
        for low, high in ((-1, 2), (-3, -1))
        for gate in check_uplift(SPRING, LEARNT, gained(0, low, high))
        if gate.name == "money"
    ]
    assert undecided == [True, False]


def test_too_few_are_told_how_many_more_and_until_when() -> None:
    traffic = Traffic(11_000, 10_000, date(2026, 1, 1), date(2026, 4, 10), horizon_days=60)  # 100 a day
    wait = estimate_wait(traffic, gained(3, -1, 7))
    assert wait.subscribers == LEAST_SUBSCRIBERS - 10_000
    assert wait.until == date(2026, 9, 17)  # 100 days of coming, 60 of ripening
    assert "10,000 more" in wait.reason


def test_an_interval_that_is_too_wide_says_how_many_it_takes() -> None:
    gain = gained(2.0, -1.0, 5.0, deviation=300)
    needed = count_needed(gain)
    assert needed is not None
    assert find_half_width(300, needed, ALPHA, tuned_for=TUNED_FOR) < 2.0
    assert find_half_width(300, 0.99 * needed, ALPHA, tuned_for=TUNED_FOR) > 2.0
    wait = estimate_wait(SPRING, gain)
    assert wait.subscribers == needed - gain.subscribers
    assert wait.until is not None
    assert wait.until > date(2026, 6, 9)


@pytest.mark.parametrize(
    ("traffic", "gain", "says"),
    [
        (SPRING, gained(-1, -3, 1), "nobody can say"),
        (SPRING, gained(1e-4, -3, 3), "no traffic would show it"),
        (Traffic(30_000, 0, date(2026, 1, 1), date(2026, 2, 1)), gained(1, -3, 3), "explore.share"),
    ],
)
def test_what_cannot_be_known_is_said_so(traffic: Traffic, gain: Gain, says: str) -> None:
    wait = estimate_wait(traffic, gain)
    assert (wait.subscribers, wait.until) == (None, None)
    assert says in wait.reason


def test_without_lots_nobody_is_explored_and_with_them_nearly_all() -> None:
    without, explored = (count_traffic(find_exposures(1500, 7, share=share)[0]) for share in (0.0, 0.02))
    assert without.explored == 0
    assert explored.explored > 0.9 * explored.subscribers
    assert count_traffic(find_exposures(600, 7)[0].choose(np.zeros(0, dtype=np.int64))).subscribers == 0


def test_the_curve_is_the_mean_over_shares_of_what_is_gained_by_the_first_of_them() -> None:
    exposures, truth = find_exposures(1500, 8)
    policy = load_policy(find_default_policy(STREAMFLOW), STREAMFLOW, languages=list_languages(STREAMFLOW))
    stakes = weigh_exposures(exposures, policy, STREAMFLOW)
    priority = truth.leaving[:, 0] - truth.leaving.min(axis=1)
    curve = measure_curve(exposures, stakes, priority)
    guess, chosen = guess_outcomes(exposures, stakes), find_logged_choice(exposures)
    kept = [value_rows(exposures, stakes, choice, guess).kept for choice in (chosen, np.zeros_like(chosen))]
    effect = (kept[0] - kept[1])[np.argsort(-priority, kind="stable")]
    gains = [effect[:first].mean() - effect.mean() for first in range(1, len(effect) + 1)]
    assert curve.area == pytest.approx(np.mean(gains))
    assert 0 < curve.standard_error < 0.1
    assert curve.low < curve.area
