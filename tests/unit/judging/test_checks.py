"""Checks as data: read from tables, and comparing what they say they compare."""

import tomllib

import numpy as np
import pytest

from churn.errors import SettingsError
from churn.judging.checks import DEFAULT_CHECKS, GUARDRAILS, MEASURES, Check, checks_from_tables
from churn.judging.comparison import compare
from churn.judging.counts import Counts, StepAnswers
from churn.judging.metrics import LATENCY_BOUNDS_S

BUCKETS = (0, 0, 90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 3, 2, 0, 0, 0, 0)
STABLE = Counts(requests=100, latency=BUCKETS)
CANARY = Counts(requests=10, latency=(0, 0, 10, *[0] * 18))


def test_checks_are_read_from_tables() -> None:
    text = '[[check]]\nname = "failures"\nmeasure = "errors"\ntolerance = 0.01\ndirection = "up"\n'
    assert checks_from_tables(tomllib.loads(text)["check"]) == (Check("failures", MEASURES["errors"], 0.01, "up"),)


@pytest.mark.parametrize("table", [{"name": "x", "measure": "errors"}, {"name": "x", "measure": "errors", "limit": 1}])
def test_a_table_with_something_missing_or_unknown_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=r"check 1: .*tolerance unknown or missing"):
        checks_from_tables([table])


def test_a_measure_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsError, match="there is no measure mood"):
        checks_from_tables([{"name": "x", "measure": "mood", "tolerance": 0.1}])


def test_the_share_over_200_ms_is_what_lies_beyond_that_bound() -> None:
    comparison = compare(MEASURES["slow"], [StepAnswers(STABLE, CANARY)])
    assert (comparison.parts, comparison.proportions.stable_hits[0].tolist()) == (("over 200 ms",), [5])
    assert comparison.proportions.canary_hits[0].tolist() == [0]


def test_latency_compares_what_is_slower_than_each_bound() -> None:
    comparison = compare(MEASURES["latency"], [StepAnswers(STABLE, CANARY)])
    assert len(comparison.parts) == len(LATENCY_BOUNDS_S) == comparison.divide_outside
    assert comparison.proportions.stable_hits[0].tolist()[:4] == [100, 100, 10, 10]


def test_p99_looks_at_the_first_bound_that_one_in_a_hundred_of_stable_exceeds_at_most() -> None:
    comparison = compare(MEASURES["p99"], [StepAnswers(STABLE, CANARY)])
    [part] = np.array(comparison.parts)[comparison.selected]
    assert part == "over 500 ms"
    # Which bound that is was seen in the data, so even to be sure that a canary is good takes all of them.
    assert comparison.divide_within == comparison.divide_outside == len(LATENCY_BOUNDS_S)


def test_where_even_the_last_bound_is_exceeded_by_many_p99_looks_at_that() -> None:
    slow = Counts(requests=10, latency=(*[0] * 20, 10))
    assert compare(MEASURES["p99"], [StepAnswers(slow, slow)]).selected.tolist()[-1]


def test_a_counter_that_is_ahead_of_its_total_is_no_more_than_that() -> None:
    ahead = Counts(requests=10, errors=11)
    assert compare(MEASURES["errors"], [StepAnswers(ahead, ahead)]).proportions.canary_hits[0].tolist() == [10]


def test_of_every_measure_there_is_a_default_check() -> None:
    assert len(MEASURES) == len(DEFAULT_CHECKS) + len(GUARDRAILS)
