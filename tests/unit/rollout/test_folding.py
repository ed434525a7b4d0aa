"""However long a trouble lasts and whatever alternates with it, its events stay few, also an earlier program's."""

import sqlite3
from pathlib import Path

import pytest
from support.rollouts import World, begin, build_controller, plan

from churn.errors import RolloutError
from churn.judging.findings import Finding
from churn.rollout.folding import MOST_OF_A_KIND, MOST_UNFOLDED, SAMPLES
from churn.rollout.state import Event, Rollout, State
from churn.rollout.store import RolloutStore

TICK_S = 5.0
FINDING = Finding("error share", "hold", "not yet sure", 0.0, -0.1, 0.1, 0.01, True, 5, 5)  # noqa: FBT003
PATIENT = plan(tick_seconds=TICK_S, without_evidence="hold")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, verdict="hold")


def test_what_repeats_is_one_event_with_a_count_and_both_times_whatever_alternates_with_it(
    world: World, store: RolloutStore
) -> None:
    begin(world, store, PATIENT)
    controller = build_controller(world, store)
    controller.tick()
    began = world.now
    for turn in range(20):
        world.passes(TICK_S, requests=0)
        world.seeing, world.reachable = turn % 2 == 0, turn % 4 != 3
        controller.tick()
    events = [event for event in store.list_events(1) if event.kind in {"trouble", "judged"}]
    spans = [(event.reason.partition(";")[0], event.times, event.at - began, event.last - began) for event in events]
    assert spans == [
        ("it looks like hold", 10, 5.0, 95.0),
        ("nothing is seen", 5, 10.0, 90.0),
        ("the figures are old or have a gap", 5, 10.0, 90.0),
        ("the router does not answer", 5, 20.0, 100.0),
    ]


def test_numbers_in_a_reason_make_no_new_event_and_the_latest_reason_is_kept(world: World, store: RolloutStore) -> None:
    rollout = begin(world, store)
    for port in (40_001, 40_002, 40_003):
        store.save(rollout, Event(world.now, "trouble", State.STARTING, -1, 0, f"refused at 127.0.0.1:{port}"))
    (_, event) = store.list_events(1)
    assert (event.times, event.reason) == (3, "refused at 127.0.0.1:40003")


def test_reasons_that_never_repeat_are_told_apart_up_to_a_bound(world: World, store: RolloutStore) -> None:
    rollout = begin(world, store)
    reasons = ["x" * length for length in range(1, 200)]
    for reason in reasons:
        store.save(rollout, Event(world.now, "trouble", State.STARTING, -1, 0, reason))
    troubles = store.list_events(1)[1:]
    assert len(troubles) == MOST_OF_A_KIND + 1
    assert sum(event.times for event in troubles) == len(reasons)
    assert troubles[-1].reason == reasons[-1]


@pytest.mark.parametrize("hold_hours", [0.0, 1.0])
def test_thirty_days_of_verdicts_leave_a_bounded_number_of_them_and_the_last_is_whole(
    world: World, store: RolloutStore, hold_hours: float
) -> None:
    step = {"hold_hours": hold_hours, "minimum_requests": 100, "maximum_hold_hours": 10.0}
    steps = [{"weight_percent": weight, **step} for weight in (10, 100)]
    rollout = begin(world, store, plan(step=steps, tick_seconds=TICK_S, without_evidence="hold"))
    spans = [day * 86_400 + second for day in range(30) for second in range(0, 86_400, 7200)]
    for after_s in spans:
        for decision in ("hold", "promote"):
            at = world.now + after_s
            evidence = {"verdict": {"findings": [{"check": "error share"}]}, "seen": {"requests": after_s}}
            event = Event(at, "judged", State.STARTING, 0, 10, f"look {after_s}", decision, evidence)
            store.save(rollout, event)
    judged = store.list_events(1)[1:]
    assert SAMPLES / 2 < len(judged) < 2 * 5 * SAMPLES
    assert sum(event.times for event in judged) == 2 * len(spans)
    assert judged[-1].last == world.now + spans[-1]
    assert judged[-1].reason == f"look {spans[-1]}"
    assert judged[-1].evidence["seen"] == {"requests": spans[-1]}


def test_a_controller_that_is_restarted_all_the_time_leaves_no_more_events(world: World, store: RolloutStore) -> None:
    begin(world, store, PATIENT)
    build_controller(world, store).tick()
    world.seeing, world.findings = False, (FINDING,)
    before = len(store.list_events(1))
    for _ in range(50):
        world.passes(TICK_S)
        build_controller(world, store).tick()
    assert len(store.list_events(1)) == before + 2


def _write_earlier(path: Path, rollout: Rollout, rows: list[tuple[float, str, str | None, str, str]]) -> None:
    """Makes the file one of an earlier program, with events that it did not fold."""
    with sqlite3.connect(path) as connection:
        connection.execute("DROP INDEX unfolded")
        connection.execute("DROP INDEX alike")
        for table, names in {"event": ("times", "last_at", "alike"), "rollout": ("looked_at", "stable_sha256")}.items():
            for name in names:
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
        connection.executemany(
            "INSERT INTO event (rollout, state, step, weight_percent, at, kind, decision, reason, evidence) "
            "VALUES (?, 'holding', 0, 10, ?, ?, ?, ?, ?)",
            [(rollout.number, *row) for row in rows],
        )
    connection.close()


def test_the_34_560_events_of_a_day_that_an_earlier_program_wrote_are_folded_at_the_first_opening(
    world: World, store: RolloutStore
) -> None:
    rollout = begin(world, store)
    empty, full = '{"verdict": {"findings": []}}', '{"verdict": {"findings": [{"check": "error share"}]}}'
    rows: list[tuple[float, str, str | None, str, str]] = []
    for tick in range(17_280):
        at = tick * TICK_S
        rows.append((at, "trouble", None, f"Prometheus does not answer: refused, port {40_000 + tick}", "{}"))
        rows.append((at, "judged", "hold", f"counts are missing, {tick} s", full if tick % 5 == 0 else empty))
    _write_earlier(store.path, rollout, rows)
    again = RolloutStore(world.home)
    events = again.list_events(1)[1:]
    again.close()
    assert len(events) <= 2 + SAMPLES
    trouble, quiet = events[0], events[2]
    assert (trouble.times, trouble.at, trouble.last) == (17_280, 0, 17_279 * TICK_S)
    assert trouble.reason.endswith("port 57279")
    assert (quiet.times, quiet.last) == (17_280 * 4 // 5, 17_279 * TICK_S)
    assert sum(event.times for event in events) == 34_560


def test_events_of_an_earlier_program_that_are_few_stay_as_they_are(world: World, store: RolloutStore) -> None:
    rollout = begin(world, store)
    _write_earlier(store.path, rollout, [(1.0, "trouble", None, "again", "{}")] * (MOST_UNFOLDED - 1))
    again = RolloutStore(world.home)
    assert len(again.list_events(1)) == MOST_UNFOLDED
    again.close()


def test_a_reason_from_outside_is_cut(world: World, store: RolloutStore) -> None:
    begin(world, store, PATIENT)
    controller = build_controller(world, store)
    controller.recorder.save(controller.rollout, "trouble", RolloutError("x" * 10_000_000).message)
    assert len(store.list_events(1)[-1].reason) == 2000
