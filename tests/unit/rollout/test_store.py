"""What is on disk, who may write it, and what is refused."""

import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.rollouts import SERVICE, World, begin, counted

from churn.errors import RolloutError
from churn.rollout.state import Event, State, StepCounts
from churn.rollout.store import RolloutStore


def test_a_rollout_comes_back_as_it_was_saved(store: RolloutStore, tmp_path: Path) -> None:
    rollout = begin(World(tmp_path), store, router="haproxy://127.0.0.1:9999")
    tally = StepCounts(5.0, counted(3), {"a": counted(9)}, gap=True)
    saved = store.save(replace(rollout, state=State.HOLDING, counts={"stable": tally, "canary": tally}))
    again = RolloutStore(tmp_path)
    assert again.find_live(SERVICE) == saved
    again.close()


def test_a_service_has_one_rollout_at_a_time(store: RolloutStore, tmp_path: Path) -> None:
    first = begin(World(tmp_path), store)
    with pytest.raises(RolloutError, match="has a rollout that is not over"):
        begin(World(tmp_path), store)
    store.save(replace(first, state=State.ABORTED, ended=1.0))
    assert begin(World(tmp_path), store).number == 2
    assert [each.number for each in store.list_rollouts(SERVICE)] == [2, 1]


def test_a_second_controller_is_refused_and_told_who_is_the_first(store: RolloutStore, tmp_path: Path) -> None:
    other = RolloutStore(tmp_path)
    assert not other.is_locked(SERVICE)
    with store.lock(SERVICE):
        assert other.is_locked(SERVICE)
        with (
            pytest.raises(RolloutError, match=f"process {os.getpid()} controls the rollout"),
            other.lock(SERVICE),
        ):
            pass
    with other.lock(SERVICE):
        pass
    other.close()


def test_the_lock_of_a_killed_process_is_free(store: RolloutStore, tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from churn.rollout.store import RolloutStore\n"
        "with RolloutStore(Path(sys.argv[1])).lock('api'): print('has it', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "has it\n"
    assert store.is_locked(SERVICE)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with store.lock(SERVICE):
        pass


def test_state_event_and_wish_are_saved_together_or_not_at_all(store: RolloutStore, tmp_path: Path) -> None:
    rollout = begin(World(tmp_path), store)
    store.leave_command(rollout.number, "promote", "it is good")
    command = store.find_command(rollout.number)
    event = Event(1.0, "wish", State.HOLDING, 0, 10, "no", evidence={"not": {"JSON"}})
    with pytest.raises(TypeError):
        store.save(replace(rollout, state=State.HOLDING), event, taken=command)
    assert store.get_rollout(rollout.number).state == State.STARTING
    assert store.find_command(rollout.number) == command
    assert len(store.list_events(rollout.number)) == 1


def test_to_abort_is_taken_before_any_other_wish(store: RolloutStore, tmp_path: Path) -> None:
    rollout = begin(World(tmp_path), store)
    store.leave_command(rollout.number, "promote", "it is good")
    store.leave_command(rollout.number, "abort", "it is not")
    command = store.find_command(rollout.number)
    assert command is not None
    assert command.what == "abort"


def test_events_are_read_from_where_one_has_read_to(store: RolloutStore, tmp_path: Path) -> None:
    rollout = begin(World(tmp_path), store)
    store.save(rollout, Event(1.0, "trouble", State.STARTING, -1, 0, "no router"))
    first, second = store.list_events(rollout.number)
    assert store.list_events(rollout.number, after=first.number) == [second]


def test_a_file_of_another_version_is_refused(store: RolloutStore, tmp_path: Path) -> None:
    with sqlite3.connect(store.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(RolloutError, match="of version 99"):
        RolloutStore(tmp_path)


def test_every_commit_is_on_disk_when_it_returns(store: RolloutStore) -> None:
    assert store._connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # noqa: SLF001 - FULL
    assert store._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"  # noqa: SLF001


def test_an_unknown_number_says_how_to_find_one(store: RolloutStore) -> None:
    with pytest.raises(RolloutError, match="there is no rollout 7"):
        store.get_rollout(7)
