"""What a controller does in each state, in trouble, and when it is killed."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.rollouts import SERVICE, V1, Killed, Tasks, World, begin, build_controller, counted, plan

from churn.errors import RegistryError
from churn.judging.counts import StepAnswers
from churn.rollout.controller import Controller
from churn.rollout.routers.router import Track
from churn.rollout.state import JUDGED, Reading, Rollout, State
from churn.rollout.store import RolloutStore

HOUR_S = 3600.0


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def controller(world: World, store: RolloutStore) -> Controller:
    """A controller of a rollout that has just begun."""
    begin(world, store)
    return build_controller(world, store)


@pytest.fixture
def stepped(controller: Controller) -> Controller:
    """The same after its first step."""
    controller.tick()
    return controller


def kinds(store: RolloutStore, rollout: Rollout) -> list[str]:
    return [event.kind for event in store.list_events(rollout.number)]


def test_a_good_version_goes_all_the_way(world: World, store: RolloutStore, controller: Controller) -> None:
    assert (controller.tick().state, world.share) == (State.HOLDING, 10)
    world.passes(HOUR_S - 1)
    assert controller.tick().state == State.HOLDING
    world.passes(1)
    assert (controller.tick().state, world.share) == (State.BAKING, 100)
    world.passes(HOUR_S)
    rollout = controller.tick()
    assert (rollout.state, world.share, world.champion) == (State.PROMOTED, 100, "v2")
    assert store.find_live(SERVICE) is None
    assert kinds(store, rollout) == [
        *("started", "stepping", "stepped", "judged", "judged", "stepping", "stepped", "judged", "finishing", "ended"),
    ]


def test_a_bad_version_is_sent_back_in_the_tick_of_the_verdict(
    world: World, store: RolloutStore, stepped: Controller
) -> None:
    world.passes(15)
    world.verdict = "roll back"
    rollout = stepped.tick()
    assert (rollout.state, world.share, world.champion) == (State.ROLLED_BACK, 0, "v1")
    assert "it looks like roll back" in rollout.reason
    judged = next(event for event in store.list_events(rollout.number) if event.kind == "judged")
    assert judged.evidence["seen"]["canary"]["requests"] == 100
    assert judged.evidence["verdict"]["decision"] == "roll back"


def test_the_judge_sees_what_was_answered_in_this_step_and_in_the_bake_the_stable_version_of_the_step_before(
    world: World, stepped: Controller
) -> None:
    world.passes(HOUR_S)
    stepped.tick()
    world.passes(60, requests=500)
    stepped.tick()
    first, second = world.judge_inputs
    assert (first.stable, first.canary, first.weight) == (counted(900), counted(100), 10)
    assert (second.stable, second.canary, second.weight) == (counted(900), counted(500), 100)
    assert (first.steps, first.steps_left, second.steps_left) == ((), 1, 0)
    assert second.steps == (StepAnswers(first.stable, first.canary, first.earlier),)


def test_what_earlier_steps_answered_is_on_disk_and_kept_by_the_next_controller(
    world: World, store: RolloutStore, stepped: Controller
) -> None:
    world.passes(HOUR_S)
    stepped.tick()
    stored = store.get_rollout(stepped.rollout.number)
    assert stored.answered == stepped.rollout.answered
    build_controller(world, store, stored).tick()
    [step] = world.judge_inputs[-1].steps
    assert (step.stable, step.canary) == (counted(900), counted(100))


def test_the_judge_knows_what_stable_answered_before_the_step_but_never_counts_it_twice(
    world: World, controller: Controller
) -> None:
    before = counted(world.counts["stable"])
    controller.tick()
    world.passes(HOUR_S)
    controller.tick()
    world.passes(60, requests=500)
    controller.tick()
    step, bake = world.judge_inputs
    assert step.earlier == before
    # The counters hold the step by which the bake is judged; what came before that does not.
    assert (bake.stable, bake.earlier) == (counted(900), before)


def test_a_canary_that_dies_is_sent_back(world: World, stepped: Controller) -> None:
    world.up.remove("canary")
    assert (stepped.tick().state, world.share) == (State.ROLLED_BACK, 0)


def test_nothing_starts_before_the_canary_is_healthy_and_the_window_open(world: World, controller: Controller) -> None:
    world.up.remove("canary")
    assert (controller.tick().state, world.weights_set) == (State.STARTING, [])
    world.up.add("canary")
    world.closed = "it is Friday"
    assert (controller.tick().reason, world.weights_set) == ("no step forward now: it is Friday", [])
    world.closed = None
    assert controller.tick().state == State.HOLDING


def test_a_start_outside_the_window_takes_a_reason(world: World, store: RolloutStore) -> None:
    begin(world, store, override="a security fix")
    world.closed = "it is Friday"
    assert build_controller(world, store).tick().state == State.HOLDING


def test_a_closed_window_stops_no_rollback(world: World, stepped: Controller) -> None:
    world.closed, world.verdict = "it is Friday", "roll back"
    assert stepped.tick().state == State.ROLLED_BACK


def test_a_canary_without_requests_is_sent_back_when_time_is_over(world: World, stepped: Controller) -> None:
    world.passes(10 * HOUR_S, requests=0)
    rollout = stepped.tick()
    assert rollout.state == State.ROLLED_BACK
    assert "not enough evidence in time" in rollout.reason


def test_one_may_choose_to_hold_instead(world: World, store: RolloutStore) -> None:
    begin(world, store, plan(without_evidence="hold"))
    controller = build_controller(world, store)
    controller.tick()
    world.passes(100 * HOUR_S, requests=0)
    assert (controller.tick().state, world.share) == (State.HOLDING, 10)


def test_figures_that_cannot_be_read_hold_and_are_told_once(world: World, stepped: Controller) -> None:
    world.seeing = False
    for _ in range(3):
        world.passes(HOUR_S)
        rollout = stepped.tick()
    assert rollout.state == State.HOLDING
    assert all(judge_input.gap for judge_input in world.judge_inputs)
    assert world.judge_inputs[-1].age_s == 3 * HOUR_S
    world.seeing = True
    assert stepped.tick().state == State.BAKING


def test_routing_that_was_lost_is_put_right_within_a_tick(
    world: World, store: RolloutStore, stepped: Controller
) -> None:
    world.share = 37
    rollout = stepped.tick()
    assert world.share == 10
    assert "routing" in kinds(store, rollout)


def test_whoever_takes_all_traffic_back_by_hand_is_not_overruled(world: World, stepped: Controller) -> None:
    world.share = 0
    assert (stepped.tick().state, world.share) == (State.ABORTED, 0)


def test_whoever_aborts_is_obeyed_and_quoted(world: World, store: RolloutStore, stepped: Controller) -> None:
    store.leave_command(1, "abort", "I do not like it")
    rollout = stepped.tick()
    assert (rollout.state, rollout.reason, world.share) == (State.ABORTED, "I do not like it", 0)


def test_a_router_that_is_away_is_told_of_once_and_judged_again_when_it_is_back(
    world: World, store: RolloutStore, stepped: Controller
) -> None:
    world.reachable = False
    for _ in range(3):
        world.passes(HOUR_S)
        assert stepped.tick().state == State.HOLDING
    assert kinds(store, stepped.rollout).count("trouble") == 1
    world.reachable = True
    assert stepped.tick().state == State.BAKING


def test_a_rollback_that_the_router_does_not_hear_is_tried_again(
    world: World, store: RolloutStore, stepped: Controller
) -> None:
    world.verdict = "roll back"
    world.killed_after = world.done + 3  # it reads weight, health and figures, then decides to go back
    with pytest.raises(Killed):
        stepped.tick()
    world.killed_after, world.reachable = None, False
    again = build_controller(world, store)
    assert (again.tick().state, world.share) == (State.RETURNING, 10)
    again.tick()
    assert kinds(store, again.rollout).count("trouble") == 1
    world.reachable = True
    assert (again.tick().state, world.share) == (State.ROLLED_BACK, 0)


def test_a_fault_in_an_answer_is_trouble_and_ends_no_controller(
    world: World, store: RolloutStore, stepped: Controller
) -> None:
    def read() -> Mapping[Track, Reading]:
        raise KeyError("what nobody thought of")

    stepped.source = type("Faulty", (), {"read": staticmethod(read)})()
    assert (stepped.tick().state, world.share) == (State.HOLDING, 10)
    assert "what nobody thought of" in store.list_events(1)[-1].reason


def test_a_store_that_somebody_locks_ends_no_controller(world: World, stepped: Controller, store: RolloutStore) -> None:
    store._connection.execute("PRAGMA busy_timeout = 10")  # noqa: SLF001 - of 5 s
    with closing(sqlite3.connect(store.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        world.verdict = "roll back"
        assert (stepped.tick().state, world.share) == (State.HOLDING, 10)
    assert stepped.tick().state == State.ROLLED_BACK


def test_nothing_is_sent_back_to_a_stable_version_that_is_down(world: World, stepped: Controller) -> None:
    world.up.remove("stable")
    world.verdict = "roll back"
    assert (stepped.tick().state, world.share) == (State.RETURNING, 10)
    world.up.add("stable")
    assert (stepped.tick().state, world.share) == (State.ROLLED_BACK, 0)


def test_a_registry_that_is_away_keeps_the_traffic_where_it_is(store: RolloutStore, tmp_path: Path) -> None:
    class Away(World):
        fails = True

        def promote(self, rollout: Rollout) -> None:
            if self.fails:
                raise RegistryError("the registry does not answer")
            super().promote(rollout)

    away = Away(tmp_path)
    begin(away, store)
    controller = build_controller(away, store)
    for _ in range(3):
        controller.tick()
        away.passes(HOUR_S)
    assert (controller.tick().state, away.share) == (State.FINISHING, 100)
    away.fails = False
    assert controller.tick().state == State.PROMOTED


def test_somebody_may_go_forward_without_waiting(world: World, store: RolloutStore, stepped: Controller) -> None:
    world.verdict = "hold"
    store.leave_command(1, "promote", "seen enough")
    assert (stepped.tick().state, world.share) == (State.BAKING, 100)
    assert store.find_command(1) is None
    world.verdict = "roll back"
    store.leave_command(1, "promote", "all the same")
    assert stepped.tick().state == State.ROLLED_BACK


def test_a_rollout_may_be_aborted_before_it_has_begun(world: World, store: RolloutStore) -> None:
    begin(world, store)
    world.up.remove("canary")
    store.leave_command(1, "abort", "never mind")
    assert build_controller(world, store).tick().state == State.ABORTED


def test_more_tasks_come_before_more_weight(world: World, store: RolloutStore) -> None:
    begin(world, store)
    fleet = Tasks(world, canary=0)
    controller = build_controller(world, store, fleet=fleet)
    assert (controller.tick().state, world.share, fleet.canary) == (State.STARTING, 0, 1)
    assert (controller.tick().state, world.share) == (State.HOLDING, 10)
    world.passes(HOUR_S)
    rollout = controller.tick()
    assert (rollout.state, world.share, fleet.canary) == (State.HOLDING, 10, 10)
    assert rollout.reason == "1 of 10 tasks of the canary run; then: it looks like promote"
    assert (controller.tick().state, world.share) == (State.BAKING, 100)


def test_after_the_bake_the_stable_tasks_run_the_new_version_before_the_canary_stops(
    world: World, store: RolloutStore
) -> None:
    begin(world, store)
    fleet = Tasks(world, canary=10)
    controller = build_controller(world, store, fleet=fleet)
    controller.tick()
    for _ in range(2):
        world.passes(HOUR_S)
        controller.tick()
    assert (controller.rollout.state, world.share, world.champion) == (State.FINISHING, 100, "v1")
    world.up.remove("stable")
    assert (controller.tick().state, world.share, fleet.canary) == (State.FINISHING, 100, 10)
    world.up.add("stable")
    assert (controller.tick().state, world.share, world.champion) == (State.PROMOTED, 0, "v2")
    assert (fleet.stable, fleet.canary) == ("v2", 0)
    reasons = [event.reason for event in store.list_events(controller.rollout.number) if event.kind == "settling"]
    assert reasons == [
        "v2 is being started",
        "waiting until the router finds the stable version healthy",
        "the stable tasks run v2 and have all requests",
    ]


def through(world: World, store: RolloutStore, kills: list[int], fleet: Tasks | None) -> Rollout:
    """Ticks to the end; each of the numbers kills the controller after so many things done to the world."""
    begin(world, store, plan(baseline="baseline" in world.counts))
    left = [*kills]
    world.killed_after = left.pop() if left else None
    controller = build_controller(world, store, fleet=fleet)
    for _ in range(200):
        try:
            rollout = controller.tick()
        except Killed:
            # What was done had been written down before.
            written = store.find_live(SERVICE)
            assert written is not None
            under_way = {State.STEPPING, State.RETURNING, *([State.FINISHING] if fleet else [])}
            assert world.share == written.weight_percent or written.state in under_way
            world.done, world.killed_after = 0, left.pop() if left else None
            controller = build_controller(world, store, fleet=fleet)
            continue
        if rollout.is_over:
            return rollout
        # A tick that was not killed leaves no disagreement.
        assert rollout.state not in JUDGED or world.share == rollout.weight_percent
        world.passes(HOUR_S / 2)
        if world.now > 1_000_000 + 2 * HOUR_S and world.verdict == "hold":
            world.verdict = "roll back"
    raise AssertionError("it never ended")


# How it ends, what the canary and the registry have then, and of a fleet the stable version and the tasks beside it.
ENDS = {
    (True, False): (State.PROMOTED, 100, "v2", None),
    (False, False): (State.ROLLED_BACK, 0, "v1", None),
    (True, True): (State.PROMOTED, 0, "v2", ("v2", 0, 0)),
    (False, True): (State.ROLLED_BACK, 0, "v1", ("v1", 0, 0)),
}


def end(folder: Path, kills: list[int], *, good: bool, managed: bool) -> tuple[tuple[object, ...], bool]:
    """The end of a rollout whose controllers are killed, and whether they were."""
    world = World(folder, verdict="promote" if good else "hold")
    if managed:  # then there is a baseline, too
        world.up.add("baseline")
        world.counts["baseline"], world.served["baseline"] = 2, [V1]
    fleet = Tasks(world) if managed else None
    store = RolloutStore(folder)
    try:
        rollout = through(world, store, kills, fleet)
    finally:
        store.close()
    assert set(world.weights_set) <= {0, 10, 100}
    tasks = (fleet.stable, fleet.canary, fleet.baseline) if fleet else None
    return (rollout.state, world.share, world.champion, tasks), world.killed_after is None


@pytest.mark.parametrize("managed", [True, False])
@pytest.mark.parametrize("good", [True, False])
def test_wherever_a_controller_is_killed_the_next_one_comes_to_the_same_end(
    tmp_path: Path, *, good: bool, managed: bool
) -> None:
    at, killed = 0, True
    while killed:
        ended, killed = end(tmp_path / str(at), [at], good=good, managed=managed)
        assert ended == ENDS[good, managed]
        at += 1
    assert at > 15


@settings(max_examples=30)
@given(kills=st.lists(st.integers(0, 40), min_size=2, max_size=6), good=st.booleans(), managed=st.booleans())
def test_however_often_controllers_are_killed_the_last_one_comes_to_the_same_end(
    tmp_path_factory: pytest.TempPathFactory, *, kills: list[int], good: bool, managed: bool
) -> None:
    ended, _ = end(tmp_path_factory.mktemp("killed"), kills, good=good, managed=managed)
    assert ended == ENDS[good, managed]
