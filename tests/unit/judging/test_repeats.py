"""Errors and latency as evidence: a request counts once, and a subscriber who fails each time once a minute."""

from dataclasses import replace
from typing import Any

import pytest

from churn.judging.checks import DEFAULT_CHECKS, ERRORS, LATENCY, Check
from churn.judging.comparison import compare
from churn.judging.counts import Counts, StepAnswers
from churn.judging.findings import Finding
from churn.judging.judge import JudgeInput, allot_levels, evaluate_checks, judge
from churn.judging.metrics import LATENCY_BOUNDS_S, OBJECTIVE_S

CHECK = Check("error share", ERRORS, 0.001, "up")
SLOW = LATENCY_BOUNDS_S.index(OBJECTIVE_S) + 1
FAST = 5


def answered(requests: int, errors: int = 0, *, slow: int = 0, **others: Any) -> Counts:
    return Counts(requests=requests, errors=errors, latency=in_buckets(requests - slow, slow), **others)


def in_buckets(fast: int, slow: int) -> tuple[int, ...]:
    latency = [0] * (len(LATENCY_BOUNDS_S) + 1)
    latency[FAST], latency[SLOW] = fast, slow
    return tuple(latency)


def find(stable: Counts, canary: Counts, check: Check = CHECK) -> Finding:
    [finding] = evaluate_checks(allot_levels([check]), JudgeInput(stable, canary, 10))
    return finding


STABLE = answered(90_000, 18)


def test_one_subscriber_who_fails_each_time_sends_nothing_back_and_lets_nothing_pass() -> None:
    of_one = answered(10_000, 500, repeated_errors=497)
    assert find(STABLE, answered(10_000, 500)).decision == "roll back"
    assert find(STABLE, of_one).decision == "hold"
    assert find(STABLE, answered(10_000, 1)).decision == "promote"


def test_one_subscriber_who_fails_each_time_among_others_who_fail_sends_nothing_back() -> None:
    stable = answered(90_000, 450)
    assert find(stable, answered(10_000, 550)).decision == "roll back"
    assert find(stable, answered(10_000, 550, repeated_errors=497)).decision == "hold"


def test_many_subscribers_who_fail_each_time_send_the_canary_back() -> None:
    assert find(STABLE, answered(10_000, 500, repeated_errors=400)).decision == "roll back"


def test_one_subscriber_who_fails_each_time_at_stable_hides_no_canary_that_fails_for_many() -> None:
    noisy = answered(90_000, 4500, repeated_errors=4480)
    assert find(noisy, answered(10_000, 450)).decision == "hold"
    assert find(answered(90_000, 4500), answered(10_000, 450)).decision != "roll back"


def test_where_both_tracks_fail_for_all_full_cells_send_nothing_back() -> None:
    # 4,096 failures counted on each track, while stable has nine times the requests.
    stable, canary = answered(900_000, 450_000, repeated_errors=445_904), answered(100_000, 50_000)
    canary = replace(canary, repeated_errors=45_904)
    assert find(stable, canary).decision == "hold"


def test_a_flood_that_fills_the_cells_hides_no_canary_that_fails_for_half() -> None:
    assert find(answered(900_000, 180), answered(100_000, 50_000, repeated_errors=49_000)).decision == "roll back"


def test_slow_answers_of_one_subscriber_are_one_too() -> None:
    check = Check("latency", LATENCY, 0.05, "up")
    stable, slow = answered(9000, slow=9), answered(1000, slow=300)
    assert find(stable, slow, check).decision == "roll back"
    assert find(stable, replace(slow, repeated_latency=in_buckets(0, 299)), check).decision == "hold"
    assert find(stable, replace(slow, repeated_latency=in_buckets(0, 100)), check).decision == "roll back"


def test_slow_answers_of_one_subscriber_are_no_sign_that_a_slow_machine_breaks_the_objective() -> None:
    check = Check("latency", LATENCY, 0.05, "up")
    stable, slower = answered(9000), answered(1000, slow=500)
    slower = replace(slower, latency=(*[0] * 12, 500, *slower.latency[13:]))
    assert find(stable, slower, check).decision == "roll back"
    one = replace(slower, repeated_latency=in_buckets(0, 499))
    assert find(stable, one, check).is_outside  # half of the answers take longer than stable's
    assert find(stable, one, check).decision == "hold"


def test_a_retry_counts_as_nothing_and_the_first_try_stays() -> None:
    tried_once = find(answered(9000, 45), answered(1000, 5))
    retried = answered(1020, 20, retries=20, retried_errors=15, retried_latency=in_buckets(20, 0))
    assert find(answered(9000, 45), retried) == tried_once
    assert (tried_once.requests_stable, tried_once.requests_canary) == (9000, 1000)


def test_who_says_of_each_request_that_it_is_a_retry_passes_no_check() -> None:
    retried = answered(50_000, 0, retries=50_000, retried_latency=in_buckets(50_000, 0))
    finding = find(STABLE, retried)
    assert (finding.decision, finding.effect) == ("hold", None)


def test_where_all_requests_of_both_tracks_are_retries_nothing_is_known() -> None:
    retried = answered(5, retries=5, retried_latency=in_buckets(5, 0))
    verdict = judge(DEFAULT_CHECKS, JudgeInput(retried, retried, 10))
    assert verdict.decision == "hold"
    assert "nothing was counted of it yet" in verdict.reason


@pytest.mark.parametrize("unsorted", ["stable", "canary"])
def test_where_one_track_tells_no_repeats_all_requests_of_both_count(unsorted: str) -> None:
    plain = {"stable": answered(90_000, 900), "canary": answered(10_000, 100)}
    told = {track: replace(counts, repeated_errors=counts.errors // 2) for track, counts in plain.items()}
    told[unsorted] = replace(plain[unsorted], unsorted=plain[unsorted].requests)
    assert find(told["stable"], told["canary"]) == find(plain["stable"], plain["canary"])


def test_without_repeats_there_is_one_way_to_count() -> None:
    assert compare(ERRORS, [StepAnswers(answered(100, 2), answered(10, 1))]).together is None
    assert "within a minute counts once" not in find(STABLE, answered(10_000, 500)).reason
    assert "within a minute counts once" in find(STABLE, answered(10_000, 500, repeated_errors=1)).reason


def test_shares_stay_what_they_are_and_totals_shrink_by_the_repeats() -> None:
    own = compare(ERRORS, [StepAnswers(answered(9000, 90, repeated_errors=45), answered(1000, 20, repeated_errors=15))])
    assert own.together
    both = own.together
    numbers = [float(values[0, 0]) for values in own.proportions[:4]]
    assert numbers == [45, 4500, 5, 250]
    assert [float(values[0, 0]) for values in both[:4]] == pytest.approx([45, 9000 * 50 / 110, 5, 1000 * 50 / 110])
