"""A tolerance that follows stable's share: the larger one of some points and a part of that share."""

from dataclasses import replace

import pytest

from churn.errors import SettingsError
from churn.judging.checks import DEFAULT_CHECKS, ERRORS, LATENCY, SCORES, Check, checks_from_tables
from churn.judging.counts import Counts, StepAnswers
from churn.judging.findings import Finding, Levels
from churn.judging.samples import find_in_samples

FIXED = Check("error share", ERRORS, 0.001, "up")
FOLLOWING = replace(FIXED, relative_tolerance=0.5)
LEVELS = Levels(0.001, 0.05)


def find(check: Check, stable: tuple[int, int], canary: tuple[int, int], levels: Levels = LEVELS) -> Finding:
    of_stable, of_canary = (Counts(requests=requests, errors=errors) for errors, requests in (stable, canary))
    [finding] = find_in_samples([(check, levels)], [StepAnswers(of_stable, of_canary)])
    return finding


def test_where_stable_fails_often_an_equal_canary_passes_sooner() -> None:
    counts = (500, 100_000), (500, 100_000)
    assert find(FIXED, *counts).decision == "hold"
    finding = find(FOLLOWING, *counts)
    assert finding.decision == "promote"
    assert finding.tolerance == pytest.approx(0.0025)
    assert "tolerance 0.25" in finding.reason


def test_where_stable_hardly_fails_the_points_count() -> None:
    counts = (18, 90_000), (2, 10_000)
    fixed, following = find(FIXED, *counts), find(FOLLOWING, *counts)
    assert following.tolerance == fixed.tolerance == 0.001
    assert following.decision == fixed.decision


def test_what_fails_more_than_half_as_often_again_is_sent_back() -> None:
    assert find(FOLLOWING, (450, 90_000), (200, 10_000)).decision == "roll back"
    assert find(FOLLOWING, (450, 90_000), (70, 10_000)).decision == "hold"
    assert find(FOLLOWING, (18, 90_000), (60, 10_000)).decision == "roll back"


def test_a_wait_is_estimated_by_what_will_be_sure_first() -> None:
    few, more = (find(FOLLOWING, (9 * errors, 9_000), (errors, 1_000)) for errors in (5, 7))
    assert "more requests in all" in few.reason
    assert "more requests in all" in more.reason
    assert "cannot be told" in find(FOLLOWING, (60, 12_000), (15, 2_000)).reason


def test_it_is_read_from_a_table_and_makes_sense_for_shares_of_failures_only() -> None:
    table = {"name": "failures", "measure": "errors", "tolerance": 0.001, "direction": "up", "relative_tolerance": 0.5}
    assert checks_from_tables([table]) == (replace(FOLLOWING, name="failures"),)
    for wrong in (
        {"measure": "latency"},
        {"measure": "scores"},
        {"direction": "both"},
        {"tolerance": 0},
        {"relative_tolerance": 1.5},
        {"relative_tolerance": -0.5},
    ):
        with pytest.raises(SettingsError):
            checks_from_tables([{**table, **wrong}])
    assert not any(check.relative_tolerance for check in DEFAULT_CHECKS)
    assert not LATENCY.is_rate
    assert not SCORES.is_rate
