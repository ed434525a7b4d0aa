"""Counters that begin anew, and instances that are not seen."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from support.rollouts import counted

from churn.judging.counts import Counts
from churn.rollout.state import Reading, StepCounts


def reading(*missing: str, **requests: int) -> Reading:
    return Reading(0.5, {name: counted(number) for name, number in requests.items()}, missing)


def test_what_was_counted_before_the_step_does_not_count() -> None:
    assert StepCounts.start_from(reading(a=100), 1).add(reading(a=130), 2).total == counted(30)


def test_what_was_counted_before_the_step_is_kept_as_earlier() -> None:
    counts = StepCounts.start_from(reading(a=100, b=20), 1).add(reading(a=130, b=25), 2)
    assert counts.earlier == counted(120)


def test_instances_add_up_and_a_new_one_counts_from_its_start() -> None:
    counts = StepCounts.start_from(reading(a=100), 1).add(reading(a=110, b=5), 2).add(reading(a=120, b=9), 2)
    assert counts.total == counted(29)
    assert not counts.gap


def test_a_restarted_instance_adds_up_and_tells_of_a_gap_once() -> None:
    counts = StepCounts.start_from(reading(a=100), 1).add(reading(a=150), 2).add(reading(a=3), 2)
    assert (counts.total, counts.gap) == (counted(53), True)
    counts = counts.add(reading(a=4), 2)
    assert (counts.total, counts.gap) == (counted(54), False)


def test_any_counter_that_falls_tells_of_a_restart() -> None:
    before = Reading(0.5, {"a": Counts(requests=5, tiers={"high": 5})})
    after = Reading(0.5, {"a": Counts(requests=9, tiers={"high": 2})})
    counts = StepCounts.start_from(before, 1).add(after, 2)
    assert counts.gap
    assert counts.total == after.counts["a"]


def test_a_missing_instance_is_a_gap_and_loses_nothing_that_it_counts() -> None:
    counts = StepCounts.start_from(reading(a=100, b=100), 1).add(reading("b", a=110), 2)
    assert (counts.total, counts.gap) == (counted(10), True)
    counts = counts.add(reading(a=110, b=140), 2)
    assert (counts.total, counts.gap) == (counted(50), False)


def test_figures_of_nobody_are_as_old_as_the_last_that_were_seen() -> None:
    assert StepCounts.start_from(reading(a=1), 1).add(reading("a"), 9).at == 0.5


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.booleans()), max_size=30))
def test_however_often_instances_restart_nothing_that_is_seen_is_lost_or_counted_twice(
    turns: list[tuple[str, int, bool]],
) -> None:
    now, answered = {"a": 10, "b": 20}, 0
    counts = StepCounts.start_from(reading(**now), 1)
    for name, requests, restarts in turns:
        # A restart shows only if fewer came since than before.
        if restarts and requests < now[name]:
            now[name] = 0
        now[name] += requests
        answered += requests
        counts = counts.add(reading(**now), 2)
    assert counts.total.requests == answered


def test_refusals_from_before_a_program_counted_them_are_not_of_this_step() -> None:
    lived = {"a": Counts(requests=9, refused=500)}
    stored = StepCounts(0.0, last={"a": Counts(requests=8)})
    first = stored.add(Reading(0.0, lived), 1.0)
    assert (first.total.requests, first.total.refused) == (1, 0)
    assert first.add(Reading(0.0, {"a": Counts(requests=9, refused=503)}), 2.0).total.refused == 3
    assert StepCounts.start_from(Reading(0.0, lived), 0.0).add(Reading(0.0, lived), 1.0).total.refused == 0


def test_a_rollout_of_before_goes_on_without_the_repeats_that_its_program_did_not_read() -> None:
    last = {"a": {"requests": 9, "repeated_errors": 1}}
    stored = TypeAdapter(StepCounts).validate_python({"at": 0.0, "last": last, "counts_repeats": True})
    later = stored.add(Reading(0.0, {"a": Counts(requests=20, repeats=8, repeated_errors=2)}), 1.0)
    assert (later.total.requests, later.total.repeats, later.gap) == (11, 0, False)


def test_repeats_from_before_a_program_counted_them_are_not_of_this_step() -> None:
    lived = {"a": Counts(requests=9, errors=5, retries=3, retried_errors=2, repeated_errors=1)}
    stored = StepCounts(0.0, last={"a": Counts(requests=8, errors=5)}, counts_refused=True)
    first = stored.add(Reading(0.0, lived), 1.0)
    assert (first.total.requests, first.total.retries, first.total.repeated_errors) == (1, 0, 0)
    later = {"a": replace(lived["a"], retries=4, repeated_errors=3)}
    second = first.add(Reading(0.0, later), 2.0)
    assert (second.total.retries, second.total.repeated_errors, second.gap) == (1, 2, False)
