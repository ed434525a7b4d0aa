"""Checks as data: read from tables, and comparing what they say they compare."""

from __future__ import annotations

import tomllib

import pytest

from churn.errors import SettingsError
from churn.judging.checks import DEFAULT_CHECKS, MOST_FEATURES, Check, checks_of, compared
from churn.judging.counts import Counts
from churn.judging.metrics import LATENCY_BOUNDS_S

LATENCY = (0, 0, 90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 3, 2, 0, 0, 0, 0)
ONE = Counts(100, 4, LATENCY, 96, (0, 96, *[0] * 18), {"low": 96}, 7, {"a": 90, "b": 6})
OTHER = Counts(10, 1, (0, 0, 10, *[0] * 18), 9, (9, *[0] * 19), {"high": 9}, 9, {"b": 9, "c": 9})


def test_checks_are_read_from_tables() -> None:
    text = '[[check]]\nname = "failures"\nmeasure = "errors"\ntolerance = 0.01\ndirection = "up"\n'
    assert checks_of(tomllib.loads(text)["check"]) == (Check("failures", "errors", 0.01, "up"),)


@pytest.mark.parametrize("table", [{"name": "x", "measure": "errors"}, {"name": "x", "measure": "errors", "limit": 1}])
def test_a_table_with_something_missing_or_unknown_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=r"check 1: .*tolerance unknown or missing"):
        checks_of([table])


def test_the_share_over_200_ms_is_what_lies_beyond_that_bound() -> None:
    found = compared("slow", ONE, OTHER)
    assert (found.parts, found.pairs.stable_hits.tolist()) == (("over 200 ms",), [5])
    assert found.pairs.canary_hits.tolist() == [0]


def test_latency_compares_what_is_slower_than_each_bound() -> None:
    found = compared("latency", ONE, OTHER)
    assert len(found.parts) == len(LATENCY_BOUNDS_S) == found.among_outside
    assert found.pairs.stable_hits.tolist()[:4] == [100, 100, 10, 10]


def test_p99_looks_at_the_first_bound_that_one_in_a_hundred_of_stable_exceeds_at_most() -> None:
    found = compared("p99", ONE, OTHER)
    assert [part for part, counts in zip(found.parts, found.counting, strict=True) if counts] == ["over 500 ms"]
    # Which bound that is was seen in the data, so even to be sure that a canary is good takes all of them.
    assert found.among_within == found.among_outside == len(LATENCY_BOUNDS_S)


def test_where_even_the_last_bound_is_exceeded_by_many_p99_looks_at_that() -> None:
    slow = Counts(10, 0, (*[0] * 20, 10))
    assert compared("p99", slow, slow).counting.tolist()[-1]


def test_scores_compare_the_share_up_to_each_bound_but_the_last_which_holds_all() -> None:
    found = compared("scores", ONE, OTHER)
    assert len(found.parts) == 19
    assert found.pairs.effect()[:2].tolist() == [1, 0]


def test_a_feature_that_only_one_track_names_is_compared_with_none() -> None:
    found = compared("reasons", ONE, OTHER)
    assert found.parts == ("a", "b", "c")
    assert found.pairs.canary_hits.tolist() == [0, 9, 9]
    assert found.among_outside == MOST_FEATURES


def test_a_counter_that_is_ahead_of_its_total_is_no_more_than_that() -> None:
    ahead = Counts(requests=10, predictions=10, banners=11)
    assert compared("banners", ahead, ahead).pairs.canary_hits.tolist() == [10]


def test_of_every_measure_there_is_a_default_check() -> None:
    assert len({check.measure for check in DEFAULT_CHECKS}) == len(DEFAULT_CHECKS) == 9
