"""Arms: the same for ever, as many as asked for, and drawn anew by another experiment."""

import math
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare

from churn.retention.offers.actions import find_propensities
from churn.retention.offers.arms import draw_action, draw_arm, takes_part_below
from churn.retention.offers.document import Explore, Holdout

KEYS = [f"subscriber-{number}" for number in range(200_000)]
ONE_IN_A_THOUSAND = 10.83  # the chi-squared with one degree of freedom that chance exceeds so seldom
keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=128)


def holdout(share: float = 0.10, experiment: str = "retention-banner-1") -> Holdout:
    return Holdout(share=share, experiment=experiment)


GOLDEN = {
    "a": "treatment",
    "b": "holdout",
    "c": "holdout",
    "d": "holdout",
    "7590-VHVEG": "treatment",
    "subscriber-1": "holdout",
    "~" * 128: "treatment",
    "ü": "treatment",
}


def test_the_lot_falls_as_it_always_has() -> None:
    """Whoever changes the hash ends every running experiment; these arms are not to be changed."""
    assert {key: draw_arm(key, holdout(0.5)) for key in GOLDEN} == GOLDEN
    held_out = [at for at, key in enumerate(KEYS[:200]) if draw_arm(key, holdout()) == "holdout"]
    assert held_out == [
        2,
        8,
        23,
        25,
        34,
        35,
        86,
        88,
        94,
        96,
        102,
        113,
        114,
        134,
        139,
        154,
        161,
        169,
        173,
        177,
        180,
        186,
        195,
    ]


def test_another_process_draws_the_same() -> None:
    script = (
        "import sys\nfrom churn.retention.offers.arms import draw_arm\n"
        "from churn.retention.offers.document import Holdout\n"
        "holdout = Holdout(share=0.1, experiment='retention-banner-1')\n"
        "print(*(draw_arm(key, holdout) for key in sys.argv[1:]))"
    )
    done = subprocess.run([sys.executable, "-c", script, *KEYS[:200]], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [draw_arm(key, holdout()) for key in KEYS[:200]]


@pytest.mark.parametrize("share", [0.05, 0.10, 0.5])
@pytest.mark.parametrize("experiment", ["retention-banner-1", "retention-banner-2", "telco-banner-1"])
def test_the_sample_ratio_is_the_one_asked_for(share: float, experiment: str) -> None:
    """Pearson's test: the sum of (found - expected)**2 / expected over both arms."""
    found = Counter[str](draw_arm(key, holdout(share, experiment)) for key in KEYS)
    expected = {"holdout": share * len(KEYS), "treatment": (1 - share) * len(KEYS)}
    assert set(found) == set(expected)
    assert sum((found[arm] - of) ** 2 / of for arm, of in expected.items()) < ONE_IN_A_THOUSAND


def test_two_experiments_draw_independently() -> None:
    """Pearson's test on the table of both arms."""
    one, other = holdout(0.3, "one"), holdout(0.5, "other")
    pairs = Counter[tuple[str, str]]((draw_arm(key, one), draw_arm(key, other)) for key in KEYS)
    arms = ("treatment", "holdout")
    table = [[pairs[row, column] for column in arms] for row in arms]
    assert chi2_contingency(table, correction=False).statistic < ONE_IN_A_THOUSAND


@given(keys, st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_keeps_everybody_who_was_held_out(key: str, one: float, other: float) -> None:
    smaller, larger = sorted([one, other])
    if draw_arm(key, holdout(smaller)) == "holdout":
        assert draw_arm(key, holdout(larger)) == "holdout"


@given(keys)
def test_a_share_of_none_or_all_is_exact(key: str) -> None:
    assert draw_arm(key, holdout(0.0)) == "treatment"
    assert draw_arm(key, holdout(1.0)) == "holdout"


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_nobody_is_held_out(key: str | None) -> None:
    assert draw_arm(key, holdout(1.0)) == "unassigned"


def test_similar_keys_draw_far_apart() -> None:
    """Keys that are counted up are no excuse: neighbours share an arm as often as strangers do."""
    arms = [draw_arm(key, holdout(0.5)) for key in KEYS]
    same = sum(one == other for one, other in pairwise(arms))
    assert math.isclose(same / len(KEYS), 0.5, abs_tol=0.005)


ACTIONS = ["nothing", "banner alone", "yearly-20", "welcome-5"]
TODAY = date(2026, 11, 30)


def draw(key: str, explore: Explore, *, today: date = TODAY, best: str = "yearly-20", experiment: str = "one") -> str:
    return draw_action(key, experiment, explore, today, best=best, tried=ACTIONS)


def test_an_action_is_drawn_as_it_always_has_been() -> None:
    """Whoever changes the hash makes earlier propensities wrong; these actions are not to be changed."""
    explored = {key: draw(key, Explore(share=0.02)) for key in KEYS[:400]}
    assert {key: action for key, action in explored.items() if action != "yearly-20"} == {
        "subscriber-35": "welcome-5",
        "subscriber-72": "nothing",
        "subscriber-81": "banner alone",
        "subscriber-175": "welcome-5",
        "subscriber-193": "banner alone",
        "subscriber-272": "nothing",
        "subscriber-278": "nothing",
        "subscriber-281": "nothing",
        "subscriber-291": "banner alone",
        "subscriber-325": "banner alone",
        "subscriber-339": "nothing",
        "subscriber-344": "banner alone",
        "subscriber-368": "nothing",
        "subscriber-383": "banner alone",
    }


@pytest.mark.parametrize("share", [0.02, 1.0])
@pytest.mark.parametrize("best", ["yearly-20", "nothing", "no longer tried"])
def test_the_actions_come_as_often_as_their_propensities_say(share: float, best: str) -> None:
    """Pearson's test over 200,000 keys."""
    actions = ACTIONS if best in ACTIONS else [*ACTIONS, best]
    likely = find_propensities(actions, best, share, {"no longer tried"})
    assert sum(likely) == pytest.approx(1, abs=1e-12)
    drawn = Counter(draw(key, Explore(share=share), best=best) for key in KEYS)
    expected = {action: chance * len(KEYS) for action, chance in zip(actions, likely, strict=True) if chance}
    assert set(drawn) == set(expected)
    assert chisquare([drawn[action] for action in expected], [*expected.values()]).pvalue > 0.001


def test_the_lots_of_arm_action_and_threshold_are_independent() -> None:
    explore = Explore(share=0.5, below_threshold=0.5)
    lots = Counter[tuple[str, str, bool]](
        (draw_arm(key, holdout(0.5, "one")), draw(key, explore), takes_part_below(key, "one", explore, TODAY))
        for key in KEYS
    )
    rows = [(arm, takes_part) for arm in ("treatment", "holdout") for takes_part in (True, False)]
    table = [[lots[arm, action, takes_part] for action in ACTIONS] for arm, takes_part in rows]
    assert chi2_contingency(table, correction=False).pvalue > 0.001
    assert chisquare([sum(row) for row in table]).pvalue > 0.001


@given(keys, st.integers(1, 400), st.integers(0, 40_000))
def test_a_subscriber_keeps_the_lot_for_a_period_and_no_longer_counts_on_it_after(
    key: str, period_days: int, period: int
) -> None:
    explore = Explore(share=1.0, below_threshold=0.5, period_days=period_days)
    first = date(1970, 1, 1) + timedelta(days=min(period * period_days, 1_000_000))
    begin = first - timedelta(days=(first.toordinal() - date(1970, 1, 1).toordinal()) % period_days)
    days = [begin, begin + timedelta(days=period_days // 2), begin + timedelta(days=period_days - 1)]
    assert len({draw(key, explore, today=day) for day in days}) == 1
    assert len({takes_part_below(key, "one", explore, day) for day in days}) == 1


def test_the_next_period_draws_anew_and_so_does_another_experiment() -> None:
    explore = Explore(share=1.0)
    next_period = TODAY + timedelta(days=90)
    for other in ({"today": next_period}, {"experiment": "two"}):
        pairs = Counter((draw(key, explore), draw(key, explore, **other)) for key in KEYS[:40_000])
        table = [[pairs[row, column] for column in ACTIONS] for row in ACTIONS]
        assert chi2_contingency(table, correction=False).pvalue > 0.001


@given(keys)
def test_without_a_share_the_best_is_done_and_nobody_takes_part_below(key: str) -> None:
    assert draw(key, Explore(share=0.0)) == "yearly-20"
    assert not takes_part_below(key, "one", Explore(), TODAY)
    assert takes_part_below(key, "one", Explore(below_threshold=1.0), TODAY)
    assert not takes_part_below(None, "one", Explore(below_threshold=1.0), TODAY)


def test_the_longest_names_and_the_last_day_can_be_drawn() -> None:
    explore = Explore(share=1.0, below_threshold=1.0, period_days=1)
    assert draw("k" * 128, explore, today=date.max, experiment="e" * 64) in ACTIONS
    assert takes_part_below("k" * 128, "e" * 64, explore, date.max)
