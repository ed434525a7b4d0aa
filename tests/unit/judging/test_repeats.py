"""Errors and latency as evidence: a request counts once, and of a subscriber the first answer in a minute."""

from dataclasses import replace
from typing import Any

import pytest

from churn.judging.checks import DEFAULT_CHECKS, ERRORS, LATENCY, REFUSED, SPLIT, Check
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


def repeating(counts: Counts, repeats: int, errors: int = 0, *, slow: int = 0, refused: int = 0) -> Counts:
    """The counts, of which so many requests came within a minute of another one."""
    return replace(
        counts,
        repeats=repeats,
        repeated_errors=errors,
        repeated_refused=refused,
        repeated_latency=in_buckets(repeats - slow, slow),
    )


def test_one_subscriber_who_fails_each_time_sends_nothing_back_and_lets_nothing_pass() -> None:
    assert find(STABLE, answered(10_000, 500)).decision == "roll back"
    assert find(STABLE, repeating(answered(10_000, 500), 497, 497)).decision == "hold"
    assert find(STABLE, answered(10_000, 1)).decision == "promote"


def test_one_subscriber_who_fails_each_time_among_others_who_fail_sends_nothing_back() -> None:
    stable = answered(90_000, 450)
    assert find(stable, answered(10_000, 550)).decision == "roll back"
    assert find(stable, repeating(answered(10_000, 550), 497, 497)).decision == "hold"


def test_many_subscribers_who_fail_each_time_send_the_canary_back() -> None:
    assert find(STABLE, repeating(answered(10_000, 500), 400, 400)).decision == "roll back"


def test_one_subscriber_who_fails_each_time_at_stable_hides_no_canary_that_fails_for_many() -> None:
    noisy = repeating(answered(90_000, 4500), 4480, 4480)
    assert find(noisy, answered(10_000, 450)).decision == "hold"
    assert find(answered(90_000, 4500), answered(10_000, 450)).decision != "roll back"


def test_requests_of_few_subscribers_are_as_little_evidence_without_failures_as_with() -> None:
    stable, canary = answered(2_700_000, 540), answered(300_000, 60)
    assert find(stable, canary).decision == "promote"
    of_few = find(repeating(stable, 2_610_000, 522), repeating(canary, 290_000, 58))
    assert of_few.decision == "hold"
    assert (of_few.requests_stable, of_few.requests_canary) == (90_000, 10_000)
    assert "10,000 and 90,000" in of_few.reason


def test_a_canary_that_fails_only_later_within_a_minute_is_held() -> None:
    later = repeating(answered(20_000, 4000), 10_000, 4000)
    assert find(STABLE, later).decision == "hold"


def test_where_all_ask_often_and_each_request_fails_by_itself_a_bad_canary_is_sent_back() -> None:
    stable, canary = answered(900_000, 4500), answered(100_000, 5000)
    assert find(repeating(stable, 870_000, 4350), repeating(canary, 96_667, 4833)).decision == "roll back"


def test_slow_answers_of_one_subscriber_are_one_too() -> None:
    check = Check("latency", LATENCY, 0.05, "up")
    stable, slow = answered(9000, slow=9), answered(1000, slow=300)
    assert find(stable, slow, check).decision == "roll back"
    assert find(stable, repeating(slow, 299, slow=299), check).decision == "hold"
    assert find(stable, repeating(slow, 100, slow=100), check).decision == "roll back"


def test_slow_answers_of_one_subscriber_are_no_sign_that_a_slow_machine_breaks_the_objective() -> None:
    check = Check("latency", LATENCY, 0.05, "up")
    stable, slower = answered(9000), answered(1000, slow=500)
    slower = replace(slower, latency=(*[0] * 12, 500, *slower.latency[13:]))
    assert find(stable, slower, check).decision == "roll back"
    one = repeating(slower, 499, slow=499)
    assert find(stable, one, check).is_outside  # half of the answers take longer than stable's
    assert find(stable, one, check).decision == "hold"


def test_who_asks_often_is_one_of_those_that_the_split_counts() -> None:
    split, of_one = Check("traffic split", SPLIT, 0.02, critical=False), repeating(answered(2000), 1000)
    assert find(answered(9000), answered(2000), split).is_outside
    assert find(answered(9000), of_one, split).decision == "promote"


def test_one_caller_with_many_wrong_requests_within_a_minute_is_one() -> None:
    check = Check("refused requests", REFUSED, 0.01, critical=False, share=0)
    wrong = answered(1000, refused=300)
    assert find(answered(9000), wrong, check).is_outside
    assert not find(answered(9000), repeating(wrong, 0, refused=299), check).is_outside


def test_a_file_of_before_tells_of_repeated_failures_only_and_each_of_them_is_a_request() -> None:
    of_before = answered(10_000, 500, repeated_errors=497, repeated_latency=in_buckets(0, 0))
    assert of_before.drop_repeats().requests == 9503
    assert find(STABLE, of_before).decision == "hold"


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
    told = {track: repeating(counts, counts.errors // 2, counts.errors // 2) for track, counts in plain.items()}
    told[unsorted] = replace(plain[unsorted], unsorted=plain[unsorted].requests)
    assert find(told["stable"], told["canary"]) == find(plain["stable"], plain["canary"])


def test_without_repeats_there_is_one_way_to_count() -> None:
    assert compare(ERRORS, [StepAnswers(answered(100, 2), answered(10, 1))]).once is None
    assert "one of each subscriber" not in find(STABLE, answered(10_000, 500)).reason
    assert "one of each subscriber" in find(STABLE, repeating(answered(10_000, 500), 1, 1)).reason


def test_all_requests_stand_beside_the_first_ones() -> None:
    step = StepAnswers(repeating(answered(9000, 90), 900, 45), repeating(answered(1000, 20), 100, 15))
    both = compare(ERRORS, [step])
    assert both.once
    assert [float(values[0, 0]) for values in both.proportions[:4]] == [90, 9000, 20, 1000]
    assert [float(values[0, 0]) for values in both.once[:4]] == [45, 8100, 5, 900]
