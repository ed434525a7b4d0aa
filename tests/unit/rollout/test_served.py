"""What a rollout does when instances serve something else than it names, also when tasks are replaced one by one."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.rollouts import SERVICE, V1, V2, V3, World, begin, build_controller

from churn.rollout.controller import Controller
from churn.rollout.state import Bundle, State
from churn.rollout.store import RolloutStore

HOUR_S = 3600.0
REBUILT = Bundle("v2", "another bundle of v2")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, served={"stable": [V1, V1, V1], "canary": [V2, V2, V2]})


@pytest.fixture
def controller(world: World, store: RolloutStore) -> Controller:
    """A controller that has made the first step, and knows both bundles."""
    begin(world, store)
    controller = build_controller(world, store)
    controller.tick()
    return controller


def alarms(store: RolloutStore) -> list[tuple[str, int]]:
    return [(event.reason, event.times) for event in store.list_events(1) if event.kind == "alarm"]


@pytest.mark.parametrize("bundle", [V1, V3, REBUILT, Bundle("", "")])
def test_a_canary_that_turns_into_something_else_is_sent_back_at_once(
    world: World, controller: Controller, bundle: Bundle
) -> None:
    world.passes(15)
    world.served["canary"] = [bundle] * 3
    rollout = controller.tick()
    assert (rollout.state, world.share, world.champion) == (State.ROLLED_BACK, 0, "v1")
    assert "no instance of the canary serves what it should" in rollout.reason
    assert "not v2 (bundle v2's bun)" in rollout.reason
    assert world.judge_inputs == []


def test_a_canary_whose_tasks_are_replaced_one_by_one_is_sent_back_with_the_last_of_them(
    world: World, store: RolloutStore, controller: Controller
) -> None:
    for replaced in (1, 2):
        world.served["canary"] = [V1] * replaced + [V2] * (3 - replaced)
        world.passes(HOUR_S)
        assert (controller.tick().state, world.share) == (State.HOLDING, 10)
    assert world.judge_inputs == []
    assert alarms(store)[0][0].startswith("not judged: canary: canary-1 serves v1 (bundle v1's bun), not v2")
    world.served["canary"] = [V1] * 3
    assert (controller.tick().state, world.share) == (State.ROLLED_BACK, 0)


def test_a_canary_that_is_mixed_for_longer_than_a_start_may_take_is_sent_back(
    world: World, controller: Controller
) -> None:
    world.served["canary"] = [V2, V1, V2]
    limit_s = controller.rollout.plan.start_limit_s
    assert controller.tick().state == State.HOLDING
    world.passes(limit_s - 1)
    assert controller.tick().state == State.HOLDING
    world.passes(1)
    rollout = controller.tick()
    assert (rollout.state, world.share) == (State.ROLLED_BACK, 0)
    assert "for longer than a start may take" in rollout.reason


def test_a_canary_that_was_mixed_is_judged_by_what_came_afterwards(world: World, controller: Controller) -> None:
    world.passes(HOUR_S)
    world.served["canary"] = [V2, V1, V2]
    controller.tick()
    world.passes(HOUR_S)
    world.served["canary"] = [V2, V2, V2]
    # The counters of the replaced instance begin anew; what the wrong one answered is nobody's.
    world.counts["canary"] = 40
    assert controller.tick().state == State.HOLDING
    assert world.judge_inputs[-1].canary.requests == 40
    assert controller.rollout.mixed_since is None


@pytest.mark.parametrize("stable", [[V1, V3, V1], [V3, V3, V3], [V2, V2, V2], [Bundle("v1", "rebuilt"), V1, V1]])
def test_a_stable_version_that_is_another_holds_and_raises_an_alarm_whatever_is_asked(
    world: World, store: RolloutStore, controller: Controller, stable: list[Bundle]
) -> None:
    world.served["stable"] = stable
    for _ in range(20):
        world.passes(HOUR_S)
        store.leave_command(1, "promote", "go on", at_any_hour=True)
        assert (controller.tick().state, world.share) == (State.HOLDING, 10)
    (reason, times) = alarms(store)[0]
    assert times == 20
    assert reason.startswith("not judged, and no step forward: stable: stable-")
    world.served["stable"] = [V1, V1, V1]
    controller.tick()
    world.passes(HOUR_S)
    assert controller.tick().state == State.BAKING


def test_a_wrong_stable_version_stops_no_way_back(world: World, store: RolloutStore, controller: Controller) -> None:
    world.served["stable"] = [V3, V3, V3]
    world.up.remove("canary")
    assert (controller.tick().state, world.share) == (State.ROLLED_BACK, 0)
    begin(world, store)
    world.up.add("canary")
    world.served["stable"] = [V1]
    again = build_controller(world, store)
    again.tick()
    world.served["stable"] = [V3]
    store.leave_command(2, "abort", "enough")
    assert (again.tick().state, world.share) == (State.ABORTED, 0)


@pytest.mark.parametrize("track", ["stable", "canary"])
def test_tasks_that_are_replaced_by_the_same_bundle_go_on(world: World, controller: Controller, track: str) -> None:
    for turn in range(3):
        world.passes(HOUR_S / 3, requests=3000)
        world.counts["stable" if track == "stable" else "canary"] = 50 - turn  # a new process
        assert controller.tick().state == State.HOLDING
    world.passes(1)
    assert controller.tick().state == State.BAKING


@pytest.mark.parametrize("track", ["stable", "canary"])
def test_no_share_is_given_while_an_instance_is_wrong(world: World, store: RolloutStore, track: str) -> None:
    begin(world, store)
    world.served["stable" if track == "stable" else "canary"].append(V3)
    controller = build_controller(world, store)
    controller.tick()
    assert (controller.tick().state, world.weights_set) == (State.STEPPING, [])
    assert alarms(store)[0][1] == 2
    world.served["stable" if track == "stable" else "canary"].pop()
    assert (controller.tick().state, world.share) == (State.HOLDING, 10)


def test_a_canary_that_turns_into_something_else_at_the_very_end_never_becomes_champion(
    world: World, store: RolloutStore, controller: Controller
) -> None:
    world.passes(HOUR_S)
    controller.tick()
    store.save(replace(controller.rollout, state=State.FINISHING))
    world.served["canary"] = [V1] * 3
    last = build_controller(world, store)
    for _ in range(3):
        assert last.tick().state == State.FINISHING
    assert world.champion == "v1"
    assert alarms(store)[0][1] == 3
    world.served["canary"] = [V2] * 3
    assert (last.tick().state, world.champion) == (State.PROMOTED, "v2")


def test_the_bundles_are_known_after_a_restart(world: World, store: RolloutStore, controller: Controller) -> None:
    assert (controller.rollout.stable_sha256, controller.rollout.canary_sha256) == (V1.sha256, V2.sha256)
    world.served["canary"] = [REBUILT] * 3
    again = build_controller(world, store, store.find_live(SERVICE))
    assert again.tick().state == State.ROLLED_BACK


def test_two_bundles_of_one_version_are_mixed_even_if_neither_is_known(world: World, store: RolloutStore) -> None:
    begin(world, store)
    world.served["canary"] = [V2, REBUILT]
    controller = build_controller(world, store)
    controller.tick()
    assert controller.tick().state == State.STEPPING
    assert world.weights_set == []
