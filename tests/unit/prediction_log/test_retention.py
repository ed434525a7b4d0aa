"""Retention: what is too old goes, and a clock that jumps removes nothing."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from churn.clocks import Clock
from churn.files import UNFINISHED
from churn.prediction_log.journal import list_set_aside, set_aside
from churn.prediction_log.retention import NOTE, Removal, remove_old_files
from churn.prediction_log.segments import Segment, SegmentStore, open_store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY_S = 86_400.0


@pytest.fixture
def store(tmp_path: Path) -> SegmentStore:
    return open_store(str(tmp_path / "log"))


def show_clock(*, wall_s: float = 0.0, running_s: float = 0.0, boot: str = "first") -> Clock:
    """A clock so many seconds after NOW, on a machine that has run for so long."""
    return Clock(NOW.timestamp() + wall_s, 1000.0 + running_s, boot)


def write(store: SegmentStore, *ages_days: float) -> None:
    """Segments whose latest records are so many days old at NOW."""
    for number, days in enumerate(ages_days):
        last = NOW - timedelta(days=days)
        store.write(Segment(last - timedelta(days=1), last, 1, f"x{number}", "0" * 8).name, b"")


def remove(store: SegmentStore, folder: Path, clock: Clock, *, at_once: bool = False) -> Removal:
    return remove_old_files(store, folder, days=30, clock=clock, at_once=at_once)


def test_only_what_is_too_old_is_removed(tmp_path: Path, store: SegmentStore) -> None:
    write(store, 31, 29, 0)
    store.write("2020-01-01/somebody-elses.parquet", b"")
    for name, days in (("old", 31), ("young", 29)):
        set_aside(tmp_path / f"{name}.jsonl", b"header\nline\n")
        os.utime(tmp_path / "damaged" / f"{name}-damaged.jsonl", (NOW.timestamp() - days * DAY_S,) * 2)
    assert remove(store, tmp_path, show_clock()) == Removal(1)
    assert len(list(store.list_names())) == 3
    assert [path.stem for path in list_set_aside(tmp_path)] == ["young-damaged"]


def test_what_was_never_finished_is_removed_after_an_hour(tmp_path: Path, store: SegmentStore) -> None:
    folder = tmp_path / "log" / "2026-01-01"
    folder.mkdir(parents=True)
    for name, age_s in (("old", 3700), ("young", 3500)):
        (file := folder / f"{UNFINISHED}{name}").touch()
        os.utime(file, (NOW.timestamp() - age_s,) * 2)
    remove(store, tmp_path, show_clock())
    assert [file.name for file in folder.iterdir()] == [f"{UNFINISHED}young"]


def test_a_clock_that_jumps_forward_removes_nothing_for_a_day(tmp_path: Path, store: SegmentStore) -> None:
    write(store, 25, 0)
    assert remove(store, tmp_path, show_clock()).doubt == ""
    write(store, 25, 0, -10)  # a record with the time after the jump
    jumped = show_clock(wall_s=10 * DAY_S + 60, running_s=60)
    assert remove(store, tmp_path, jumped) == Removal(0, 1, "the clock has jumped forward by 240.0 hours")
    for hours in (1, 12, 24):
        later = show_clock(wall_s=10 * DAY_S + hours * 3600, running_s=hours * 3600)
        assert remove(store, tmp_path, later).waiting == 1
    a_day_later = show_clock(wall_s=11 * DAY_S + 60, running_s=DAY_S + 60)
    assert remove(store, tmp_path, a_day_later) == Removal(1)
    assert remove(store, tmp_path, show_clock(wall_s=11 * DAY_S + 90, running_s=DAY_S + 90)) == Removal(0)


def test_a_clock_that_is_set_right_again_ends_the_doubt(tmp_path: Path, store: SegmentStore) -> None:
    write(store, 25, 0)
    remove(store, tmp_path, show_clock())
    assert remove(store, tmp_path, show_clock(wall_s=10 * DAY_S, running_s=60)).waiting == 1
    assert remove(store, tmp_path, show_clock(wall_s=120, running_s=120)) == Removal(0)


@pytest.mark.parametrize(
    ("ages", "doubt"),
    [
        ((40, 35), "all segments are older than the retention"),
        ((40, 3), "the clock is 3.0 days ahead of the newest record"),
    ],
)
def test_a_first_pass_that_cannot_know_better_waits(
    tmp_path: Path, store: SegmentStore, ages: tuple[float, ...], doubt: str
) -> None:
    write(store, *ages)
    assert remove(store, tmp_path, show_clock()).doubt == doubt
    restarted = show_clock(wall_s=30 * 3600, boot="second")
    assert remove(store, tmp_path, restarted).waiting
    assert remove(store, tmp_path, show_clock(wall_s=54 * 3600, running_s=24 * 3600, boot="second")).removed


def test_a_person_who_knows_that_the_clock_is_right_ends_the_doubt(tmp_path: Path, store: SegmentStore) -> None:
    write(store, 40, 35)
    assert remove(store, tmp_path, show_clock()).waiting == 2
    assert remove(store, tmp_path, show_clock(), at_once=True) == Removal(2)


def test_a_damaged_note_is_as_none(tmp_path: Path, store: SegmentStore) -> None:
    write(store, 40, 0)
    (tmp_path / NOTE).write_bytes(b"{")
    assert remove(store, tmp_path, show_clock()) == Removal(1)


def test_a_folder_for_journals_that_is_not_there_is_not_made(tmp_path: Path, store: SegmentStore) -> None:
    assert remove(store, tmp_path / "journals", show_clock()) == Removal(0)
    assert not (tmp_path / "journals").exists()


def test_without_a_store_only_damaged_lines_are_removed(tmp_path: Path) -> None:
    set_aside(tmp_path / "old.jsonl", b"header\nline\n")
    os.utime(tmp_path / "damaged" / "old-damaged.jsonl", (NOW.timestamp() - 31 * DAY_S,) * 2)
    assert remove_old_files(None, tmp_path, days=30, clock=show_clock()) == Removal(0)
    assert list_set_aside(tmp_path) == []
