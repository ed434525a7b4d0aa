"""What people are told of a rollout, and when."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.rollouts import SERVICE, World, begin, build_controller

from churn.rollout.announcing import build_notice
from churn.rollout.state import Rollout, State
from churn.rollout.store import RolloutStore


@pytest.fixture
def held(tmp_path: Path, store: RolloutStore) -> Rollout:
    """A rollout that holds at its first step."""
    world = World(tmp_path)
    begin(world, store)
    return build_controller(world, store).tick()


def test_nothing_is_told_of_a_step_that_lasts_as_it_should(held: Rollout) -> None:
    assert held.state == State.HOLDING
    assert build_notice(held, held.since + held.plan.hold_s(0)) is None


def test_a_hold_that_lasts_is_told_with_what_will_happen(held: Rollout) -> None:
    notice = build_notice(held, held.since + (held.plan.hold_s(0) + held.plan.maximum_hold_s(0)) / 2)
    assert notice
    assert (notice.topic, notice.state, notice.kind) == (f"rollout {SERVICE}", "1 holds 0", "warning")
    assert "it is sent back" in notice.text


@pytest.mark.parametrize(
    ("state", "kind", "said"),
    [
        (State.PROMOTED, "success", "is champion"),
        (State.ROLLED_BACK, "failure", "was rolled back"),
        (State.ABORTED, "warning", "was aborted"),
    ],
)
def test_each_end_is_told_with_its_reason(held: Rollout, state: State, kind: str, said: str) -> None:
    notice = build_notice(replace(held, state=state, reason="the canary is down"), held.since)
    assert notice
    assert (notice.kind, notice.text) == (kind, "the canary is down")
    assert said in notice.title
