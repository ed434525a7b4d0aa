"""Ratios and verdicts of a run."""

from typing import Any

import pytest
from unit.benchmarks.measurements import load, results

from benchmarks.targets import TARGETS, TargetResult, compute_paired_ratio, evaluate_targets


def about(words: str, measured: dict[str, Any]) -> TargetResult:
    [result] = [result for result in evaluate_targets(measured) if words in result.target.says]
    return result


def test_a_ratio_is_taken_within_each_round_before_the_median() -> None:
    ours = [load("ours", value, number=at) for at, value in enumerate((100, 10, 90))]
    floor = [load("floor", value, number=at) for at, value in enumerate((200, 10, 100))]
    assert compute_paired_ratio([*ours, *floor], "requests_per_s", "ours", "floor", "system") == pytest.approx(0.9)


def test_a_round_with_an_error_on_either_side_gives_no_ratio() -> None:
    rows = [load("ours", 100, errors=1), load("floor", 100), load("ours", 50, number=1), load("floor", 100, number=1)]
    assert compute_paired_ratio(rows, "requests_per_s", "ours", "floor", "system") == pytest.approx(0.5)


def test_a_target_is_met_by_exactly_its_bound_and_missed_below_it() -> None:
    words = "share of the floor, champion"
    assert about(words, results(load=[load("ours", 80), load("floor", 100)])).verdict == "meets"
    assert about(words, results(load=[load("ours", 79), load("floor", 100)])).verdict == "misses"


def test_an_upper_bound_is_missed_above_it() -> None:
    words = "start to first answer, against the first version, champion"
    row = {"model": "champion", "round": 0}
    first = row | {"system": "first", "seconds": 4.0}
    assert about(words, results(starts=[first, row | {"system": "ours", "seconds": 2.0}])).verdict == "meets"
    assert about(words, results(starts=[first, row | {"system": "ours", "seconds": 2.1}])).verdict == "misses"


def test_a_lower_p99_is_a_larger_ratio() -> None:
    measured = results(load=[load("ours", 1, p99_ms=2.0), load("first", 1, p99_ms=60.0)])
    assert about("p99 lower than the first version, champion", measured).ratio == pytest.approx(30)


def test_our_kernel_is_better_when_it_takes_less_time() -> None:
    row = {"model": "300x6", "round": 0}
    kernel = [
        row | {"contender": name, "one_row_us": 1.0, "bulk_reasons_us": microseconds}
        for name, microseconds in (("ours", 20.0), ("woodelf", 60.0))
    ]
    assert about("over woodelf-explainer", results(kernel=kernel)).ratio == pytest.approx(3)


def test_memory_is_compared_by_what_a_worker_has_a_share_in() -> None:
    memory = [
        {"system": name, "model": "300x6", "rss": 500, "pss": pss} for name, pss in (("ours", 40), ("first", 100))
    ]
    verdict = about("memory of a worker (PSS), against the first version, 300x6", results(memory=memory))
    assert verdict.ratio == pytest.approx(0.4)


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    reached = evaluate_targets(results())
    assert len(reached) == len(TARGETS)
    assert {result.verdict for result in reached} == {"not measured"}


def test_what_the_floor_misses_too_is_said_to_be_missed_by_both() -> None:
    words = "throughput over the first version, champion"
    first, slow, fast = load("first", 1), load("floor", 24), load("floor", 26)
    assert about(words, results(load=[first, load("ours", 24), slow])).verdict == "misses, and so does the floor"
    assert about(words, results(load=[first, load("ours", 24), fast])).verdict == "misses"
    assert about(words, results(load=[first, load("ours", 25), slow])).verdict == "meets"
