"""A baseline: the old version started beside the canary, with which latency is compared."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.rollouts import V1, V3, Tasks, World, begin, build_controller, counted, plan

from churn.cli.rollout_baseline import require_baseline
from churn.errors import SettingsError
from churn.rollout.paired import Evidence
from churn.rollout.recorder import build_judge_input
from churn.rollout.routers.router import Track, split_percent
from churn.rollout.state import Setup, State, StepCounts
from churn.rollout.store import RolloutStore

HOUR_S = 3600.0
STABLE, OTHER = "http://127.0.0.1:1", "http://127.0.0.1:2"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(
        tmp_path,
        up={"stable", "canary", "baseline"},
        counts={"stable": 7, "canary": 3, "baseline": 2},
        served={"stable": [V1], "canary": [World(tmp_path).served["canary"][0]], "baseline": [V1]},
    )


@pytest.mark.parametrize(
    ("percent", "stable", "baseline"), [(0, 100, 0), (10, 80, 10), (50, 0, 50), (75, 0, 25), (100, 0, 0)]
)
def test_a_baseline_gets_as_much_as_the_canary_or_what_is_left(percent: int, stable: int, baseline: int) -> None:
    assert split_percent(percent, has_baseline=True) == {"stable": stable, "canary": percent, "baseline": baseline}
    assert split_percent(percent, has_baseline=False) == {"stable": 100 - percent, "canary": percent, "baseline": 0}


def test_the_judge_gets_the_baseline_alone_and_as_a_part_of_stable(world: World, store: RolloutStore) -> None:
    begin(world, store, plan(baseline=True), baseline=(OTHER,))
    controller = build_controller(world, store)
    controller.tick()
    world.passes(HOUR_S)
    controller.tick()
    seen = world.judge_inputs[-1]
    assert seen.baseline is not None
    assert (seen.stable.requests, seen.canary.requests, seen.baseline.requests) == (900, 100, 100)


def test_the_bake_compares_with_what_the_baseline_answered_in_the_step_before(
    world: World, store: RolloutStore
) -> None:
    begin(world, store, plan(baseline=True), baseline=(OTHER,))
    controller = build_controller(world, store)
    controller.tick()
    world.passes(HOUR_S)
    assert controller.tick().state == State.BAKING
    for served in (V3, V1):  # stable's instances are replaced for a while
        world.served["stable"] = [served]
        world.passes(1)
        controller.tick()
    seen = world.judge_inputs[-1]
    assert seen.baseline is not None
    assert (seen.stable.requests, seen.baseline.requests) == (900, 100)


@pytest.mark.parametrize(("at", "gap"), [(1_000.0, True), (900.0, False)])
def test_a_canary_whose_baseline_is_gone_is_judged_as_one_that_has_none(
    world: World, store: RolloutStore, at: float, gap: bool
) -> None:
    rollout = replace(begin(world, store, plan(baseline=True), baseline=(OTHER,)), state=State.HOLDING)
    tracks: dict[Track, StepCounts] = {
        "stable": StepCounts(1_000.0, counted(80)),
        "canary": StepCounts(1_000.0, counted(10)),
        "baseline": StepCounts(at, counted(9), gap=gap),
    }
    seen = build_judge_input(rollout, tracks, 1_000.0, canary_up=True, complete=True, evidence=Evidence(None))
    assert (seen.baseline, seen.gap, seen.age_s) == (None, False, 0.0)
    assert seen.stable.requests == 89


def test_nothing_is_judged_while_the_baseline_serves_another_version(world: World, store: RolloutStore) -> None:
    begin(world, store, plan(baseline=True), baseline=(OTHER,))
    controller = build_controller(world, store)
    controller.tick()
    world.served["baseline"] = [V3]
    world.passes(HOUR_S)
    rollout = controller.tick()
    assert rollout.state == State.HOLDING
    assert rollout.reason.startswith("not judged, and no step forward: baseline: baseline-1 serves v3")


def test_a_rollout_waits_until_its_baseline_is_healthy(world: World, store: RolloutStore) -> None:
    world.up.remove("baseline")
    begin(world, store, plan(baseline=True), baseline=(OTHER,))
    rollout = build_controller(world, store).tick()
    assert (rollout.state, rollout.reason) == (State.STARTING, "waiting until the router finds the baseline healthy")


def test_a_rollout_with_a_baseline_is_the_same_once_it_is_read_again(world: World, store: RolloutStore) -> None:
    begun = begin(world, store, plan(baseline=True), baseline=(OTHER,))
    build_controller(world, store).tick()
    again = store.get_rollout(begun.number)
    assert again.tracks == ("stable", "canary", "baseline")
    assert again.setup.places == {"stable": (), "canary": (), "baseline": (OTHER,)}
    assert set(again.counts) == {"stable", "canary", "baseline"}


@pytest.mark.parametrize(
    ("setup", "why"),
    [
        (Setup("haproxy", stable=(STABLE,)), "--baseline is missing"),
        (Setup("haproxy", stable=(STABLE,), baseline=(STABLE,)), "is --stable and --baseline"),
        (Setup("alb:arn", stable=(STABLE,), fleet="ecs:one"), "nobody knows its addresses yet"),
        (Setup("alb:arn", baseline=(OTHER,), fleet="ecs:one"), "nobody knows its addresses yet"),
    ],
)
def test_a_baseline_that_cannot_be_compared_is_refused(setup: Setup, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        require_baseline(setup, plan(baseline=True))


def test_whoever_takes_the_canary_its_share_by_hand_leaves_the_baseline_none(world: World, store: RolloutStore) -> None:
    begin(world, store, plan(baseline=True))
    fleet = Tasks(world)
    controller = build_controller(world, store, fleet=fleet)
    controller.tick()
    assert (world.weights_set, fleet.baseline) == ([10], 1)
    world.share = 0
    assert controller.tick().state == State.ABORTED
    assert (world.weights_set, fleet.canary, fleet.baseline) == ([10, 0], 0, 0)


def test_the_router_is_told_the_share_at_each_look_since_the_baseline_may_have_come_or_gone(
    world: World, store: RolloutStore
) -> None:
    begin(world, store, plan(baseline=True))
    controller = build_controller(world, store)
    for _ in range(3):
        controller.tick()
    assert world.weights_set == [10, 10, 10]
    assert [event.kind for event in store.list_events(controller.rollout.number)] == [
        "started",
        "stepping",
        "stepped",
        "judged",
    ]


def test_a_plan_that_does_not_say_is_read_from_the_store_as_one_without_a_baseline(
    store: RolloutStore, world: World
) -> None:
    begun = begin(world, store, plan())
    assert store.get_rollout(begun.number).tracks == ("stable", "canary")
