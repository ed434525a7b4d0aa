"""The decision, for every situation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.rollouts import plan

from churn.judging.judge import Verdict
from churn.rollout.decision import Situation, decide, text_from_duration
from churn.rollout.state import Command, State

VERDICTS = st.builds(Verdict, st.sampled_from(["promote", "hold", "roll back"]), st.just("so it is"), st.just(()))
COMMANDS = st.builds(Command, st.just(1), st.sampled_from(["promote", "abort"]), st.just("I say so"), st.booleans())
PLANS = st.builds(lambda how: plan(without_evidence=how), st.sampled_from(["roll back", "hold"]))
SITUATIONS = st.builds(
    Situation,
    plan=PLANS,
    step=st.integers(0, 1),
    held_s=st.sampled_from([-5.0, 0.0, 3599.0, 3600.0, 35_999.0, 36_000.0, 1e7]),
    requests=st.sampled_from([0, 99, 100, 10_000]),
    verdict=VERDICTS,
    closed_because=st.sampled_from([None, "it is Friday"]),
    command=st.none() | COMMANDS,
    withdrawn=st.booleans(),
)


@given(SITUATIONS)
def test_nothing_goes_forward_without_verdict_time_evidence_and_window_unless_somebody_wishes_it(it: Situation) -> None:
    if decide(it).move != "advance":
        return
    assert it.verdict.decision != "roll back"
    assert not it.withdrawn
    if it.command:
        assert it.command.what == "promote"
        assert it.command.at_any_hour or it.closed_because is None
    if not it.command or (it.closed_because and not it.command.at_any_hour):
        assert it.verdict.decision == "promote"
        assert it.held_s >= it.plan.hold_s(it.step)
        assert it.requests >= it.plan.steps[it.step].minimum_requests
        assert it.closed_because is None


@given(SITUATIONS)
def test_the_verdict_roll_back_and_the_wish_to_abort_always_lead_back(it: Situation) -> None:
    decided = decide(it)
    if it.verdict.decision == "roll back" or (it.command and it.command.what == "abort"):
        assert decided.move == "return"
    if it.command and it.command.what == "abort":
        assert decided.ends_as == State.ABORTED


@given(SITUATIONS)
def test_each_decision_has_a_reason_and_each_way_back_an_end(it: Situation) -> None:
    decided = decide(it)
    assert decided.reason
    assert (decided.ends_as in {State.ROLLED_BACK, State.ABORTED}) == (decided.move == "return")


@given(SITUATIONS)
def test_nothing_goes_back_without_a_cause(it: Situation) -> None:
    if decide(it).move == "return":
        overdue = it.held_s >= it.plan.maximum_hold_s(it.step) and it.plan.without_evidence == "roll back"
        lacking = it.verdict.decision != "promote" or it.requests < it.plan.steps[it.step].minimum_requests
        assert it.verdict.decision == "roll back" or it.withdrawn or it.command or (overdue and lacking)


@given(SITUATIONS)
def test_a_closed_window_holds_back_only_what_goes_forward(it: Situation) -> None:
    if it.verdict.decision == "promote" and it.requests >= 100 and it.closed_because and not it.command:
        assert decide(it).move == ("return" if it.withdrawn else "stay")


def test_without_evidence_in_time_the_reason_says_what_was_missing() -> None:
    it = Situation(plan(), 0, 36_000, 7, Verdict("hold", "too few requests to tell", ()))
    decided = decide(it)
    assert decided.reason == (
        "not enough evidence in time, 10 h of the plan: too few requests to tell; "
        "the canary has answered 7 of at least 100 requests"
    )
    assert decided.ends_as == State.ROLLED_BACK


def test_who_waits_says_for_what() -> None:
    reason = decide(Situation(plan(), 0, 60, 100, Verdict("promote", "all is well", ()), "it is Friday")).reason
    assert reason == "59 min of the least time at 10 % are left; no step forward now: it is Friday"


@pytest.mark.parametrize(("seconds", "expected"), [(8, "8 s"), (180, "3 min"), (47.2 * 3600, "47 h 12 min")])
def test_durations_read_well(seconds: float, expected: str) -> None:
    assert text_from_duration(seconds) == expected
