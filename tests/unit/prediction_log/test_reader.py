"""The reader: journals first, then segments, each record once, whatever is closed while it reads."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from arro3.core import RecordBatch
from support.logged import write_journal

from churn.errors import DataError
from churn.outcomes.file import Outcome
from churn.outcomes.join import join_outcomes
from churn.prediction_log.batches import values_from_batch
from churn.prediction_log.maintenance import close_journals
from churn.prediction_log.places import Places
from churn.prediction_log.reader import find_record, read_latest_records, read_records, walk_log
from churn.prediction_log.segments import list_segments, open_store


def log(tmp_path: Path) -> Places:
    return Places(str(tmp_path / "log"), tmp_path / "log" / "journals")


def write(places: Places, name: str, *, at: int, count: int = 1) -> None:
    """A journal of `count` records, whose ids are their seconds."""
    write_journal(places, name, version="v1", features=["x"], rows=[[1.0]] * count, scores=[0.5] * count, at_s=at)


def close(places: Places) -> None:
    close_journals(places.journals, open_store(places.where))


def test_outcomes_of_a_journal_that_is_closed_while_the_log_is_read_are_joined(tmp_path: Path) -> None:
    places = log(tmp_path)
    write(places, "one", at=1)
    close(places)
    write(places, "two", at=2)
    outcomes = [Outcome("prediction_id", f"{at:032x}", left=True, accepted=None) for at in (1, 2)]
    assert join_outcomes(places, outcomes, progress=lambda *_: close(places)).matched == 2


def test_a_record_of_a_journal_that_is_closed_while_the_log_is_searched_is_found(tmp_path: Path) -> None:
    places = log(tmp_path)
    write(places, "one", at=1)
    close(places)
    write(places, "two", at=2)
    assert find_record(places, f"{2:032x}", progress=lambda *_: close(places))["time"] == 2 * 10**6


def seconds(batch: RecordBatch) -> list[int]:
    return [time // 10**6 for time in values_from_batch(batch, "time")]


def test_every_record_is_read_once_whatever_is_closed_while_it_is_read(tmp_path: Path) -> None:
    places = log(tmp_path)
    for at in (1, 2, 3):
        write(places, f"journal-{at}", at=at)
    read = []
    for batch in read_records(places, ["time"]):  # the first closes all three, of which one has been read
        read += seconds(batch)
        close(places)
    assert read == [1, 2, 3]


def test_a_segment_that_was_written_anew_and_not_yet_removed_is_read_without_what_was_erased(tmp_path: Path) -> None:
    places, store = log(tmp_path), open_store(str(tmp_path / "log"))
    write(places, "one", at=1, count=3)
    close(places)
    [whole] = list_segments(store)
    content = store.read(whole.name)
    store.delete(whole.name)
    write(places, "one", at=1, count=2)
    close(places)
    store.write(whole.name, content)
    assert [seconds(batch) for batch in read_records(places, ["time"])] == [[1, 2]]


def test_only_records_of_the_time_are_read_and_only_files_in_which_they_may_be(tmp_path: Path) -> None:
    places = log(tmp_path)
    for name, at in (("one", 10), ("two", 20), ("three", 30)):
        write(places, name, at=at, count=5)
        close(places)
    write(places, "four", at=22, count=5)
    since, until = (datetime.fromtimestamp(at, UTC) for at in (22, 30))
    assert [seconds(batch) for batch in read_records(places, ["time"], since, until)] == [
        [22, 23, 24, 25, 26],
        [22, 23, 24],
    ]
    assert [file.name for file in walk_log(places, since, until)] == ["four", "two"]


def test_a_file_without_a_column_is_left_out(tmp_path: Path) -> None:
    places = log(tmp_path)
    write(places, "one", at=1)
    assert list(read_records(places, ["time", "feature_y"])) == []
    assert [batch.column_names for batch in read_records(places, ["feature_x", "time"])] == [["feature_x", "time"]]


def test_the_latest_records_are_the_latest_of_all_journals_and_segments(tmp_path: Path) -> None:
    places = log(tmp_path)
    write(places, "old", at=1, count=5)
    write(places, "new", at=12, count=5)
    close(places)
    write(places, "one-worker", at=11, count=3)
    write(places, "other-worker", at=14, count=4)
    assert [record["time"] // 10**6 for record in read_latest_records(places, 6)] == [14, 15, 15, 16, 16, 17]
    assert len(read_latest_records(places, 100)) == 17


def test_a_damaged_segment_does_not_hide_a_record_in_another(tmp_path: Path) -> None:
    places, store = log(tmp_path), open_store(str(tmp_path / "log"))
    write(places, "one", at=1)
    write(places, "two", at=2)
    close(places)
    damaged, _ = list_segments(store)
    store.write(damaged.name, store.read(damaged.name)[:-3])
    assert find_record(places, f"{2:032x}")["time"] == 2 * 10**6
    with pytest.raises(DataError, match="damaged"):
        find_record(places, f"{1:032x}")


def test_a_journal_that_cannot_be_read_is_named_in_a_warning_and_the_others_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    places = log(tmp_path)
    write(places, "one", at=1)
    [journal] = places.journals.iterdir()
    journal.write_bytes(journal.read_bytes().replace(b'"threshold":0.6', b'"threshold":"high"'))
    write(places, "two", at=2)
    assert [record["time"] for record in read_latest_records(places, 9)] == [2_000_000]
    assert "1 lines of the journal one cannot be read" in caplog.text
