"""Pairs at any of many looks: an own simulation, person by person, whose truth is counted and not judged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from churn.judging.checks import BANNERS, TIERS, Check
from churn.judging.findings import Finding, Levels
from churn.judging.pair_findings import find_in_pairs, is_outside, is_within
from churn.judging.pairs import BANNER_PART, PairCounts

ALPHA, RUNS, LOOKS = 0.2, 200, 40  # so large that a slip shows in few runs
TOLERANCE = 0.05
CHECK = Check("tiers", TIERS, TOLERANCE)
LEVELS = Levels(ALPHA, ALPHA)

type People = NDArray[np.int_]


def build_people(*, plus: int, minus: int, parts: int, random: np.random.Generator) -> People:
    """Two thousand people: in each part so many per thousand only by the canary, and only by stable."""
    column = np.repeat([1, -1, 0], [2 * plus, 2 * minus, 2000 - 2 * plus - 2 * minus])
    return np.stack([random.permutation(column) for _ in range(parts)], axis=1)


def count_at_looks(people: People, times_each: NDArray[np.int_]) -> NDArray[np.float64]:
    """Count -1, 0 and 1 after some first people, each as often as given, (looks, parts, 3)."""
    ends = np.unique(np.geomspace(10, len(people), LOOKS).astype(int))
    kinds = people[:, :, None] == np.array([-1, 0, 1])
    return np.asarray(np.cumsum(kinds * times_each[:, None, None], axis=0)[ends - 1], dtype=float)


def count_ever(judge: object, *, plus: int, minus: int, asks: bool = False, anew: bool = False) -> int:
    """Count the runs in which a judge ever says so: people come in any order, all of them or with some coming anew."""
    assert callable(judge)
    random, ever = np.random.default_rng(5), 0
    people = build_people(plus=plus, minus=minus, parts=4, random=random)
    assert np.abs(people.mean(axis=0) - (plus - minus) / 1000).max() < 1e-12
    for _ in range(RUNS):
        order = random.integers(0, len(people), len(people)) if anew else random.permutation(len(people))
        times = random.geometric(0.1, len(people)) if asks else np.ones(len(people), dtype=int)
        ever += bool(judge(CHECK, count_at_looks(people[order], times), LEVELS).any())
    return ever


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize(("plus", "minus"), [(50, 0), (150, 100), (20, 70)])
def test_a_difference_as_large_as_tolerated_is_ever_outside_or_within_no_more_often_than_it_may(
    plus: int, minus: int, *, anew: bool
) -> None:
    assert count_ever(is_outside, plus=plus, minus=minus, anew=anew) <= ALPHA * RUNS
    assert count_ever(is_within, plus=plus, minus=minus, anew=anew) <= ALPHA * RUNS


def test_people_who_are_counted_as_often_as_they_ask_would_send_good_versions_back() -> None:
    """So it is no matter of taste that each counts once."""
    assert count_ever(is_outside, plus=150, minus=100, asks=True) > 2 * ALPHA * RUNS


def test_what_differs_by_more_is_found_in_the_end_and_what_differs_by_less_is_passed() -> None:
    assert count_ever(is_outside, plus=120, minus=10) == RUNS
    assert count_ever(is_within, plus=30, minus=20) == RUNS


def find(canary: int, stable: int, subscribers: int, check: Check = CHECK) -> Finding:
    parts = {"low": (0, 0), "medium": (canary, stable)} if check == CHECK else {BANNER_PART: (canary, stable)}
    return find_in_pairs(check, Levels(0.001, 0.05), PairCounts(subscribers, {check.measure.name: parts}))


counts = st.integers(0, 300)


@settings(max_examples=25)
@given(counts, counts)
def test_the_bounds_hold_the_observed_effect_and_say_what_the_tests_say(canary: int, stable: int) -> None:
    finding = find(canary, stable, 1000)
    assert finding.low is not None
    assert finding.high is not None
    assert finding.effect is not None
    assert finding.effect == pytest.approx(abs(canary - stable) / 1000)
    assert 0 <= finding.low <= finding.effect <= finding.high <= 1
    signs = PairCounts(1000, {"tiers": {"low": (0, 0), "medium": (canary, stable)}}).count_signs("tiers")
    levels = Levels(0.001, 0.05)
    assert finding.is_outside == is_outside(CHECK, signs, levels)
    assert finding.is_within == is_within(CHECK, signs, levels)


@settings(max_examples=25)
@given(counts, counts)
def test_where_only_more_is_bad_less_is_not(canary: int, stable: int) -> None:
    finding = find(canary, stable, 1000, Check("banners", BANNERS, TOLERANCE, "up"))
    assert finding.low is not None
    assert finding.high is not None
    assert finding.effect is not None
    assert finding.effect == pytest.approx((canary - stable) / 1000)
    assert finding.low <= finding.effect <= finding.high
    if canary <= stable:
        assert not finding.is_outside


def test_an_effect_at_the_tolerance_may_take_for_ever_and_it_is_said() -> None:
    finding = find(50, 0, 1000)
    assert finding.decision == "hold"
    assert "how many more subscribers it takes cannot be told" in finding.reason


def test_one_part_that_differs_is_not_diluted_by_parts_in_which_all_agree() -> None:
    alone = find_in_pairs(CHECK, LEVELS, PairCounts(400, {"tiers": {"high": (60, 0)}}))
    among = find_in_pairs(CHECK, LEVELS, PairCounts(400, {"tiers": {"high": (60, 0), "low": (0, 0), "medium": (0, 0)}}))
    assert alone.low == pytest.approx(among.low, abs=0.001)
