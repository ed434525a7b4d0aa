"""Following a log: at each look what is new, whatever is closed in between."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.logged import write_journal

from churn.errors import DataError
from churn.prediction_log.batches import values_from_batch
from churn.prediction_log.following import LogFollower
from churn.prediction_log.maintenance import close_journals
from churn.prediction_log.places import Places
from churn.prediction_log.segments import list_segments, open_store

EVER = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(str(tmp_path / "log"), tmp_path / "log" / "journals")


def write(places: Places, name: str, *, at: int, count: int = 1, version: str = "v1") -> None:
    write_journal(places, name, version=version, features=["x"], rows=[[1.0]] * count, scores=[0.5] * count, at_s=at)


def close(places: Places) -> None:
    close_journals(places.journals, open_store(places.where))


def seconds(log: LogFollower) -> list[int]:
    return [time // 10**6 for batch in log.read_new() for time in values_from_batch(batch, "time")]


def test_each_look_reads_what_came_since_the_one_before(places: Places) -> None:
    log = LogFollower(places, EVER)
    assert seconds(log) == []
    write(places, "one", at=1, count=2)
    assert (seconds(log), seconds(log)) == ([1, 2], [])
    write(places, "one", at=1, count=3)  # the journal has grown by a line
    write(places, "two", at=7)
    assert (seconds(log), seconds(log)) == ([3, 7], [])


def test_a_line_that_is_not_whole_yet_is_read_at_a_later_look(places: Places) -> None:
    log = LogFollower(places, EVER)
    write(places, "one", at=1, count=2)
    journal = places.journals / "one.jsonl"
    content = journal.read_bytes()
    journal.write_bytes(content[:-5])
    assert seconds(log) == [1]
    journal.write_bytes(content)
    assert seconds(log) == [2]


def test_a_segment_is_not_read_again_after_its_journal_unless_it_has_more(places: Places) -> None:
    log = LogFollower(places, EVER)
    write(places, "one", at=1, count=2)
    write(places, "two", at=5, count=1)
    assert seconds(log) == [1, 2, 5]
    write(places, "two", at=5, count=2)
    close(places)
    assert (seconds(log), seconds(log)) == ([5, 6], [])


def test_a_look_that_has_enough_leaves_the_other_files_to_the_next(places: Places) -> None:
    log = LogFollower(places, EVER)
    for name, at in (("one", 1), ("two", 2), ("three", 3)):
        write(places, name, at=at)
    close(places)
    read: list[list[int]] = []
    while not read or log.is_behind:
        read.append([values_from_batch(batch, "time")[0] // 10**6 for batch in log.read_new(lambda: True)])
    assert read == [[1], [2], [3]]


def test_a_process_that_nobody_asks_for_is_read_neither_as_a_journal_nor_as_its_segment(places: Places) -> None:
    log = LogFollower(places, EVER, lambda header: header["model_version"] == "v2")
    write(places, "one", at=1, version="v1")
    write(places, "two", at=2, version="v2")
    assert seconds(log) == [2]
    close(places)
    assert seconds(log) == []


def test_a_segment_that_ended_before_is_not_even_asked_for(places: Places) -> None:
    write(places, "one", at=1)
    write(places, "two", at=1_000_000)
    close(places)
    since = datetime.fromtimestamp(500_000, UTC)
    assert seconds(LogFollower(places, since)) == [1_000_000]
    assert len(list_segments(open_store(places.where), since)) == 1


def test_a_damaged_segment_is_named_at_each_look_until_it_is_mended(places: Places) -> None:
    write(places, "one", at=1)
    write(places, "two", at=2)
    close(places)
    store, log = open_store(places.where), LogFollower(places, EVER)
    [first, _] = list_segments(store)
    whole = store.read(first.name)
    store.write(first.name, whole[:-3])
    assert (seconds(log), len(log.damaged)) == ([2], 1)
    assert isinstance(log.damaged[0], DataError)
    assert (seconds(log), len(log.damaged)) == ([], 1)
    store.write(first.name, whole)
    assert (seconds(log), log.damaged) == ([1], [])
