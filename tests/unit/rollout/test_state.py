"""Counters that begin anew, and instances that are not seen."""

from hypothesis import given
from hypothesis import strategies as st
from support.rollouts import counted

from churn.judging.counts import Counts
from churn.rollout.state import Reading, StepCounts


def reading(at: float = 1.0, *missing: str, **requests: int) -> Reading:
    return Reading(at, {name: counted(number) for name, number in requests.items()}, missing)


def test_what_was_counted_before_the_step_does_not_count() -> None:
    assert StepCounts.start_from(reading(a=100)).add(reading(a=130)).total == counted(30)


def test_what_was_counted_before_the_step_is_kept_as_earlier() -> None:
    counts = StepCounts.start_from(reading(a=100, b=20)).add(reading(a=130, b=25))
    assert counts.earlier == counted(120)


def test_instances_add_up_and_a_new_one_counts_from_its_start() -> None:
    counts = StepCounts.start_from(reading(a=100)).add(reading(a=110, b=5)).add(reading(a=120, b=9))
    assert counts.total == counted(29)
    assert not counts.gap


def test_a_restarted_instance_adds_up_and_tells_of_a_gap_once() -> None:
    counts = StepCounts.start_from(reading(a=100)).add(reading(a=150)).add(reading(a=3))
    assert (counts.total, counts.gap) == (counted(53), True)
    counts = counts.add(reading(a=4))
    assert (counts.total, counts.gap) == (counted(54), False)


def test_any_counter_that_falls_tells_of_a_restart() -> None:
    before = Reading(1, {"a": Counts(requests=5, tiers={"high": 5})})
    after = Reading(2, {"a": Counts(requests=9, tiers={"high": 2})})
    counts = StepCounts.start_from(before).add(after)
    assert counts.gap
    assert counts.total == after.counts["a"]


def test_a_missing_instance_is_a_gap_and_loses_nothing_that_it_counts() -> None:
    counts = StepCounts.start_from(reading(1, a=100, b=100)).add(reading(2, "b", a=110))
    assert (counts.total, counts.gap) == (counted(10), True)
    counts = counts.add(reading(3, a=110, b=140))
    assert (counts.total, counts.gap) == (counted(50), False)


def test_figures_of_nobody_are_as_old_as_the_last_that_were_seen() -> None:
    assert StepCounts.start_from(reading(1, a=1)).add(reading(9, "a")).at == 1


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.booleans()), max_size=30))
def test_however_often_instances_restart_nothing_that_is_seen_is_lost_or_counted_twice(
    turns: list[tuple[str, int, bool]],
) -> None:
    now, answered = {"a": 10, "b": 20}, 0
    counts = StepCounts.start_from(reading(**now))
    for name, requests, restarts in turns:
        # A restart shows only if fewer came since than before.
        if restarts and requests < now[name]:
            now[name] = 0
        now[name] += requests
        answered += requests
        counts = counts.add(reading(**now))
    assert counts.total.requests == answered
