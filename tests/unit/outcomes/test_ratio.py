"""Whether the arms are as drawn, and how long one has to look."""

from datetime import timedelta

import numpy as np
import pytest

from churn.outcomes.effects import Comparison
from churn.outcomes.ratio import check_ratio
from churn.outcomes.strata import Stratum
from churn.outcomes.waiting import describe_months, find_detectable, find_needed, plan_waiting


def counted(held: int, treated: int, share: float | None = 0.1) -> Stratum:
    return Stratum(held, treated, held // 2, treated // 2, share=share)


def test_arms_as_drawn_are_hardly_ever_called_wrong_however_often_one_looks() -> None:
    generator = np.random.default_rng(1)
    wrong = 0
    for _ in range(300):
        held = (generator.random(5_000) < 0.1).cumsum()
        wrong += any(
            check_ratio([counted(int(held[n - 1]), n - int(held[n - 1]))]).is_wrong for n in range(50, 5_001, 99)
        )
    assert wrong <= 2


def test_a_lost_tenth_of_the_holdout_is_noticed_and_said() -> None:
    assert not check_ratio([counted(2_000, 18_000)]).is_wrong
    lost = check_ratio([counted(1_750, 18_000)])
    assert lost.is_wrong
    assert "1,750 of 19,750 subscribers are in the holdout, where 1,975 were drawn" in lost.describe()


def test_two_shares_count_together_those_unknown_not_at_all_and_nobody_is_held_out_of_none() -> None:
    one, other = counted(950, 9_300), counted(850, 9_300, 0.08)
    both = check_ratio([one, other])
    assert both.log_evidence == pytest.approx(check_ratio([one]).log_evidence + check_ratio([other]).log_evidence)
    assert check_ratio([counted(500, 500, None)]).people == 0
    assert check_ratio([counted(1, 500, 0.0)]).is_wrong
    assert not check_ratio([counted(0, 500, 0.0)]).is_wrong


def plan(people: int, days: float) -> str:
    held = np.arange(people) % 10 == 0
    left = (np.arange(people) % 7 > 0).astype(float)
    shares = np.full(people, 0.9), np.full(people, 0.1)
    waiting = plan_waiting(
        Comparison(np.full(people, 0.8), ~held, held, *shares, left, left), timedelta(days=days) if days else None
    )
    assert waiting is not None
    return waiting.describe()


def test_how_long_to_look_is_said_in_words() -> None:
    said = plan(3_000, 30.4375)
    assert said.startswith("At 3,000 subscribers a month, 2 points take 20 months in all. The 3,000 subscribers show")
    assert "at" not in plan(500, 3).split(",")[0].lower().split()
    assert [describe_months(months) for months in (0.3, 1, 13.2, 30, 5_000)] == [
        "less than a month",
        "1 month",
        "14 months",
        "3 years",
        "more than a hundred years",
    ]


def test_the_effect_that_so_many_show_is_shown_in_four_of_five_runs() -> None:
    """Normal numbers at one look, which is the least that is claimed: at the looks before it may be seen, too."""
    deviation, size = 1.2, 4_000
    effect = find_detectable(size, deviation)
    generator = np.random.default_rng(2)
    seen = 0
    for _ in range(400):
        mean = effect + deviation / np.sqrt(size) * generator.normal()
        rate = (-2 * np.log(0.05) + np.log(1 - 2 * np.log(0.05))) / 5_000  # the sequence, written anew
        grown = size * rate + 1
        seen += mean > deviation * np.sqrt(2 * grown / (size**2 * rate) * np.log(np.sqrt(grown) / 0.05))
    assert 0.74 < seen / 400 < 0.86
    assert find_needed(effect, deviation) == pytest.approx(size, rel=1e-2)
