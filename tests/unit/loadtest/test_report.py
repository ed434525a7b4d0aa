"""Figures are what was measured, errors are no latencies, and waiting is not left out."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.load_plans import a_plan, a_run, answered, failed

from churn.loadtest.plan import ClosedLoop, OpenLoop, draw_arrivals
from churn.loadtest.report import summarise, summarise_latency, take_nearest_rank
from churn.loadtest.samples import NOT_SENT, Sample

OPEN = OpenLoop(100, "uniform", drain_s=1)
MILLISECONDS = st.floats(0, 60_000)
ANSWERS = st.builds(answered, MILLISECONDS, version=st.sampled_from(["v1", "v2"]))
ERRORS = st.builds(failed, st.sampled_from(["timeout", "status 500"]), after_s=st.floats(0, 10_000))


def test_a_percentile_is_the_nearest_rank() -> None:
    ordered = [float(number) for number in range(1, 101)]
    expected = {10: 1, 500: 50, 950: 95, 990: 99, 999: 100, 1000: 100}
    assert {per_mille: take_nearest_rank(ordered, per_mille) for per_mille in expected} == expected
    assert take_nearest_rank([7.0], 1) == take_nearest_rank([7.0], 1000) == 7


@given(st.lists(MILLISECONDS, min_size=1), st.integers(1, 1000))
def test_a_percentile_is_a_measured_value_that_enough_do_not_exceed_and_no_smaller_one_would_do(
    values: list[float], per_mille: int
) -> None:
    rank_value = take_nearest_rank(sorted(values), per_mille)
    assert rank_value in values
    assert sum(value <= rank_value for value in values) * 1000 >= per_mille * len(values)
    assert sum(value < rank_value for value in values) * 1000 < per_mille * len(values)


@given(st.lists(MILLISECONDS, min_size=1))
def test_percentiles_are_ordered_and_the_mean_lies_within(values: list[float]) -> None:
    latency = summarise_latency(values)
    assert latency is not None
    mean, *percentiles = astuple(latency)
    assert percentiles == sorted(percentiles)
    assert percentiles[-1] == max(values)
    assert min(values) <= mean * (1 + 1e-9)
    assert mean <= max(values) * (1 + 1e-9)


@given(st.lists(ANSWERS), st.lists(ERRORS), st.randoms())
def test_every_request_is_answered_or_an_error_and_errors_are_never_latencies(
    answers: list[Sample], errors: list[Sample], chance: object
) -> None:
    mixed = [*answers, *errors]
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    report = summarise(a_run(*mixed), a_plan())
    assert report.answered == len(answers) == sum(report.model_versions.values())
    assert sum(report.errors.values()) == len(errors)
    assert report.requests == len(mixed)
    alone = summarise(a_run(*answers), a_plan()).latency
    assert (report.latency is None) == (alone is None)
    if report.latency is not None and alone is not None:
        assert astuple(report.latency) == pytest.approx(astuple(alone))


@given(st.lists(ANSWERS, min_size=1), st.floats(0.001, 60_000))
def test_the_objective_is_met_only_by_a_p99_under_it(answers: list[Sample], slo_ms: float) -> None:
    report = summarise(a_run(*answers), a_plan(slo_p99_ms=slo_ms))
    assert report.latency is not None
    assert report.passed == (report.latency.p99_ms < slo_ms)


@pytest.mark.parametrize(("failures", "share", "passed"), [(1, 0.0, False), (29, 0.29, True), (30, 0.29, False)])
def test_as_many_errors_as_allowed_and_no_more(failures: int, share: float, passed: bool) -> None:
    samples = [answered(1)] * (100 - failures) + [failed("timeout")] * failures
    assert summarise(a_run(*samples), a_plan(max_error_share=share)).passed == passed


def test_a_run_without_a_prediction_has_missed_its_objective_even_if_all_may_fail() -> None:
    report = summarise(a_run(failed("status 500")), a_plan(max_error_share=1.0))
    assert report.misses == ["no request was answered with a prediction"]


def test_latency_begins_when_a_request_was_due_not_when_it_was_sent() -> None:
    report = summarise(a_run(answered(50, due_s=3, late_s=0.04)), a_plan(loop=OPEN))
    assert report.latency is not None
    assert report.client_lag is not None
    assert report.latency.max_ms == pytest.approx(50)
    assert report.client_lag.max_ms == pytest.approx(40)


def test_throughput_counts_predictions_until_the_last_answer() -> None:
    report = summarise(a_run(answered(500), answered(2000), failed("timeout", after_s=4)), a_plan())
    assert (report.duration_s, report.throughput_per_s) == (4, 0.5)


def test_a_request_that_was_not_sent_is_an_error_and_not_sent() -> None:
    report = summarise(a_run(answered(1), Sample(0.5, None, 0.5, NOT_SENT, None)), a_plan(loop=OPEN))
    assert (report.requests, report.sent, report.answered, report.errors) == (2, 1, 1, {NOT_SENT: 1})


def test_a_client_that_sends_late_says_so() -> None:
    punctual = summarise(a_run(*[answered(50, late_s=0.001)] * 100), a_plan(loop=OPEN))
    late = summarise(a_run(*[answered(50, late_s=0.001)] * 98, *[answered(50, late_s=0.04)] * 2), a_plan(loop=OPEN))
    assert punctual.client_limits == []
    assert "40 ms late" in late.client_limits[0]


def test_a_client_that_uses_all_of_a_cpu_says_so_where_no_schedule_shows_it() -> None:
    busy = a_run(answered(1000), cpu_s=0.95)
    assert "95%" in summarise(busy, a_plan(loop=ClosedLoop(1))).client_limits[0]
    assert summarise(busy, a_plan(loop=OPEN)).client_limits == []


def test_a_closed_loop_has_no_schedule_to_lag_behind() -> None:
    assert summarise(a_run(answered(1)), a_plan(loop=ClosedLoop(1))).client_lag is None


def test_a_stall_shows_in_an_open_loop_and_hardly_in_a_closed_one() -> None:
    """A service that takes 1 ms for each request, one after the other, and nothing for a second in the middle."""

    def served(ready_s: float, arrives_s: float) -> float:
        begins_s = max(ready_s, arrives_s)
        return (6.0 if 5.0 <= begins_s < 6.0 else begins_s) + 0.001

    opened, closed, ready_s = [], [], 0.0
    for due_s in draw_arrivals(100, "uniform", np.random.default_rng(0), requests=1000).tolist():
        ready_s = served(ready_s, due_s)
        opened.append(Sample(due_s, due_s, ready_s, None, "v1"))
    ready_s = 0.0
    for _ in range(1000):  # the naive measure: the next is sent, and its clock started, only after the answer
        sent_s = ready_s + 0.009
        ready_s = served(ready_s, sent_s)
        closed.append(Sample(sent_s, sent_s, ready_s, None, "v1"))
    honest, naive = summarise(a_run(*opened), a_plan(loop=OPEN)), summarise(a_run(*closed), a_plan())
    assert honest.latency is not None
    assert naive.latency is not None
    assert honest.latency.max_ms == pytest.approx(naive.latency.max_ms, abs=20)
    assert naive.latency.p99_ms < 2
    assert naive.passed
    assert honest.latency.p99_ms > 900
    assert not honest.passed
