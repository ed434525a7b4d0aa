"""Several bounds of the latency together, where a canary has a baseline."""

from dataclasses import replace
from typing import Any

import numpy as np

from churn.judging.checks import DEFAULT_CHECKS
from churn.judging.counts import Counts, StepAnswers
from churn.judging.judge import JudgeInput, Verdict, judge
from churn.judging.shifts import log_shift_evidence

# Shares of the answers in each bucket, and those of a version that is 1.5 times as slow.
USUAL = (0, 0.003, 0.08, 0.2, 0.389, 0.224, 0.07, 0.03, 0.004, *[0] * 12)
SLOWER = (0, 0, 0.014, 0.069, 0.275, 0.314, 0.174, 0.12, 0.034, *[0] * 12)
# Each of the bounds that matter is exceeded by five points more.
AT_TOLERANCE = (0, 0.003, 0.03, 0.2, 0.389, 0.224, 0.12, 0.03, 0.004, *[0] * 12)
TOLERANCE = 0.05


def answered(requests: int, shares: tuple[float, ...]) -> Counts:
    latency = tuple(round(requests * share) for share in shares)
    return Counts(requests=sum(latency), latency=latency)


def judge_latency(canary: Counts, baseline: Counts, earlier: Counts) -> Verdict:
    seen = JudgeInput(answered(1000, USUAL), canary, 10, earlier, baseline=baseline)
    return judge(DEFAULT_CHECKS, seen)


def test_a_shift_is_sent_back_by_a_hundred_answers_of_each_side_where_no_bound_alone_is_sure() -> None:
    slow, usual, earlier = answered(100, SLOWER), answered(100, USUAL), answered(50_000, USUAL)
    verdict = judge_latency(slow, usual, earlier)
    assert verdict.decision == "roll back"
    assert verdict.reason.startswith("latency: slower in general than the baseline, by ")
    assert ", a difference of surely more than " in verdict.reason
    assert judge_latency(slow, usual, Counts()).decision == "hold"  # nobody knows which bounds are in the middle
    assert judge_latency(slow, slow, earlier).decision == "hold"


def test_a_canary_as_slow_as_tolerated_is_found_slower_no_more_often_than_it_may() -> None:
    """At 0.2, so that a slip shows in few runs: 50 looks at 400 runs, a baseline of a known machine."""
    random, runs, ever = np.random.default_rng(3), 400, np.zeros(400, dtype=bool)
    counted = {USUAL: np.zeros((21, runs)), AT_TOLERANCE: np.zeros((21, runs))}
    earlier = answered(50_000, USUAL)
    for _ in range(50):
        for shares, latency in counted.items():
            np.add(latency, random.multinomial(20, np.array(shares) / sum(shares), size=runs).T, out=latency)
        usual, slow = (build_counts(latency) for latency in counted.values())
        ever |= log_shift_evidence([StepAnswers(usual, slow, earlier)], TOLERANCE) >= -np.log(0.2)
    assert ever.mean() <= 0.2


def test_many_runs_and_steps_are_judged_like_each_run_alone() -> None:
    random, earlier = np.random.default_rng(4), answered(50_000, USUAL)
    drawn = random.multinomial(150, np.array(SLOWER) / sum(SLOWER), size=(4, 3))
    steps = [
        StepAnswers(build_counts(usual.T), build_counts(slow.T), earlier)
        for usual, slow in zip(drawn[:2], drawn[2:], strict=True)
    ]
    together = log_shift_evidence(steps, TOLERANCE)
    for run in range(3):
        alone = [
            StepAnswers(build_counts(usual[run]), build_counts(slow[run]), earlier)
            for usual, slow in zip(drawn[:2], drawn[2:], strict=True)
        ]
        assert np.isclose(together[run], log_shift_evidence(alone, TOLERANCE))


def test_answers_that_one_subscriber_repeats_are_no_evidence_of_a_shift() -> None:
    slow, usual, earlier = answered(500, SLOWER), answered(500, USUAL), answered(50_000, USUAL)
    step = StepAnswers(usual, slow, earlier)
    alone = log_shift_evidence([step], TOLERANCE)

    def repeat(counts: Counts, *, is_told: bool) -> Counts:
        often = replace(counts, latency=tuple(20 * count for count in counts.latency))
        return replace(often, repeated_latency=tuple(19 * count for count in counts.latency)) if is_told else often

    def find_evidence(*, is_told: bool) -> Any:
        answers = StepAnswers(repeat(usual, is_told=is_told), repeat(slow, is_told=is_told), earlier)
        return log_shift_evidence([answers], TOLERANCE)

    assert alone > 20
    assert find_evidence(is_told=False) > alone + 20
    assert find_evidence(is_told=True) == alone


def build_counts(latency: Any) -> Counts:
    parts: Any = tuple(latency)
    return Counts(requests=sum(parts), latency=parts)
