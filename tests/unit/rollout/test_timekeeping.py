"""A rollout whose wall clock is set, forward and back, while its controller lives and while it does not."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.rollouts import V1, V2, World, begin, build_controller, plan

from churn.clocks import Clock
from churn.errors import ExitCode
from churn.rollout.controller import Controller
from churn.rollout.state import Event, State
from churn.rollout.status import Status, ask_status, find_trouble
from churn.rollout.store import RolloutStore
from churn.rollout.timekeeping import JUMP_S, STEADY_S, look_at_clock

HOUR_S = 3600.0
JUMPS = [49 * HOUR_S, -49 * HOUR_S]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def controller(world: World, store: RolloutStore) -> Controller:
    """A controller that has made the first step of an hour."""
    begin(world, store)
    controller = build_controller(world, store)
    controller.tick()
    return controller


def clock_events(store: RolloutStore) -> list[Event]:
    return [event for event in store.list_events(1) if event.kind == "clock"]


@pytest.mark.parametrize("jump_s", JUMPS)
def test_a_step_takes_as_long_as_it_should_however_the_wall_clock_jumps(
    world: World, store: RolloutStore, controller: Controller, jump_s: float
) -> None:
    world.passes(HOUR_S / 2)
    controller.tick()
    world.jumps(jump_s)
    world.passes(HOUR_S / 2 - 1)
    assert controller.tick().state == State.HOLDING
    world.passes(1)
    assert controller.tick().state == State.BAKING
    [event] = clock_events(store)
    assert event.reason.startswith(f"the wall clock has jumped {'forward' if jump_s > 0 else 'back'} by 49 h 0 min")
    assert store.get_rollout(1).clock_jumped_at == pytest.approx(world.wall - 1)


def test_a_jump_within_a_tick_ends_no_step(world: World, controller: Controller) -> None:
    def is_healthy(_: str) -> bool:
        world.jumps(49 * HOUR_S)
        return True

    controller.router = type("Router", (), {"read_weight": world.read_weight, "is_healthy": staticmethod(is_healthy)})()
    world.passes(15)
    assert controller.tick().state == State.HOLDING
    assert controller.tick().state == State.HOLDING


@pytest.mark.parametrize("jump_s", [JUMP_S - 1, 1 - JUMP_S])
def test_a_clock_that_is_set_a_little_at_every_look_moves_no_step(
    world: World, controller: Controller, jump_s: float
) -> None:
    looks = 100
    for _ in range(looks - 1):
        world.passes(HOUR_S / looks)
        world.jumps(jump_s)
        assert controller.tick().state == State.HOLDING
    world.passes(HOUR_S / looks)
    assert controller.tick().state == State.BAKING


@pytest.mark.usefixtures("controller")
@pytest.mark.parametrize("jump_s", JUMPS)
def test_on_the_same_machine_time_counts_on_while_nobody_controls_and_a_jump_does_not(
    world: World, store: RolloutStore, jump_s: float
) -> None:
    world.passes(HOUR_S - 1)
    world.jumps(jump_s)
    again = build_controller(world, store)
    assert again.tick().state == State.HOLDING
    assert len(clock_events(store)) == 1
    world.passes(1)
    assert again.tick().state == State.BAKING


@pytest.mark.parametrize("jump_s", [0.0, *JUMPS])
def test_when_the_machine_has_started_anew_only_what_was_observed_counts(
    world: World, store: RolloutStore, controller: Controller, jump_s: float
) -> None:
    world.passes(HOUR_S / 2)
    controller.tick()
    world.passes(20 * HOUR_S)
    world.boot = "second"
    world.jumps(jump_s)
    again = build_controller(world, store)
    assert again.tick().state == State.HOLDING
    [event] = clock_events(store)
    if jump_s < 0:
        assert event.reason.startswith("the wall clock has jumped back by 29 h 0 min")
    else:
        assert "since the last look do not count: the machine has started anew" in event.reason
    assert (store.get_rollout(1).clock_jumped_at is not None) == (jump_s < 0)
    world.passes(HOUR_S / 2)
    assert again.tick().state == State.BAKING


@pytest.mark.parametrize("jump_s", JUMPS)
def test_limits_are_measured_like_steps(world: World, controller: Controller, jump_s: float) -> None:
    limit_s = plan().start_limit_s
    world.served["canary"] = [V2, V1]
    controller.tick()
    world.jumps(jump_s)
    world.passes(limit_s - 1)
    assert controller.tick().state == State.HOLDING
    world.passes(1)
    assert controller.tick().state == State.ROLLED_BACK


def test_old_figures_are_not_fresh_because_the_clock_was_set_back(world: World, controller: Controller) -> None:
    world.seeing = False
    world.passes(600)
    world.jumps(-HOUR_S)
    controller.tick()
    assert world.judge_inputs[-1].age_s == 600


def test_many_jumps_are_two_events(world: World, store: RolloutStore, controller: Controller) -> None:
    for turn in range(20):
        world.jumps(100.0 * (turn + 1) * (-1) ** turn)
        controller.tick()
    assert [event.times for event in clock_events(store)] == [10, 10]


def test_a_window_into_which_the_clock_has_jumped_is_closed_until_it_has_been_steady(
    world: World, store: RolloutStore
) -> None:
    begin(world, store, plan(window="release"))
    controller = build_controller(world, store)
    world.closed = "it is Friday"
    assert controller.tick().state == State.STARTING
    world.jumps(96 * HOUR_S)
    world.closed = None
    for _ in range(2):
        rollout = controller.tick()
        assert rollout.state == State.STARTING
        assert "no step forward now: the wall clock may be wrong, and must run steadily for" in rollout.reason
        world.passes(STEADY_S / 2)
        controller = build_controller(world, store)
    assert controller.tick().state == State.HOLDING


def test_status_says_that_the_clock_may_be_wrong(world: World, store: RolloutStore, controller: Controller) -> None:
    world.jumps(-HOUR_S)
    live = controller.tick()

    def ask() -> Status:
        return ask_status(
            live,
            store.list_events(1),
            now=world.wall,
            controlled=True,
            open_router=lambda: world,
            open_source=lambda: world,
        )

    [problem] = ask().list_problems()
    assert "the wall clock may be wrong, and must run steadily for 1 h 0 min more" in problem.what
    world.passes(STEADY_S)
    live = controller.tick()
    assert ask().exit_code == ExitCode.DONE


def test_after_the_clock_was_set_back_the_last_event_is_the_last_and_old_trouble_is_over(
    world: World, store: RolloutStore, controller: Controller
) -> None:
    world.reachable = False
    controller.tick()
    assert find_trouble(controller.rollout, store.list_events(1)) is not None
    world.reachable = True
    world.jumps(-HOUR_S)
    world.verdict = "hold"
    controller.tick()
    rollout, events = store.get_rollout(1), store.list_events(1)
    assert find_trouble(rollout, events) is None
    assert Status(rollout, events, world.wall, controlled=True).last_event.kind == "judged"
    store.leave_command(1, "abort", "seen enough")
    ended = controller.tick()
    assert ended.state == State.ABORTED
    assert ended.ended is not None
    assert ended.ended - ended.began == pytest.approx(0)


def test_a_jump_that_could_not_be_written_is_noticed_again(
    world: World, store: RolloutStore, controller: Controller
) -> None:
    world.jumps(49 * HOUR_S)
    world.passes(HOUR_S / 2)
    store._connection.execute("PRAGMA query_only = ON")  # noqa: SLF001 - a store that cannot be written
    assert controller.tick().state == State.HOLDING
    store._connection.execute("PRAGMA query_only = OFF")  # noqa: SLF001
    assert controller.tick().state == State.HOLDING
    assert len(clock_events(store)) == 1


def test_a_rollout_of_a_program_that_kept_no_clock_counts_what_that_observed(store: RolloutStore, world: World) -> None:
    rollout = replace(begin(world, store), looked_at=world.now + 100)
    moved, what = look_at_clock(rollout, Clock(world.now + 600, 5.0, "first"))
    assert moved.looked_at == world.now + 600
    assert moved.looked_at - moved.since == 100
    assert "8 min since the last look do not count" in what
