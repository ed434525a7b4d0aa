"""The writer: it never makes anybody wait, and what it cannot keep it counts."""

from pathlib import Path

import pytest
from support.predicted import make_entry, make_header
from support.processes import wait_until

from churn.model.bundle import Bundle
from churn.prediction_log.journal import list_journals
from churn.prediction_log.maintenance import close_all_journals
from churn.prediction_log.places import Places, locate_log
from churn.prediction_log.reader import find_record
from churn.prediction_log.segments import list_segments, open_store
from churn.prediction_log.writer import CAPACITY, PredictionLog

PATIENCE_S = 60


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return locate_log(None, "streamflow", home=tmp_path)


def open_log(places: Places, bundle: Bundle, *, segment_s: float = 60, capacity: int = CAPACITY) -> PredictionLog:
    return PredictionLog(places, make_header(bundle), segment_s=segment_s, retention_days=30, capacity=capacity)


def test_a_writer_that_is_asked_lets_its_journal_go_and_begins_another(places: Places, streamflow: Bundle) -> None:
    log, store = open_log(places, streamflow), open_store(places.where)
    log.start()
    log.note(make_entry(streamflow))
    wait_until(lambda: log.written == 1)
    [before] = list_journals(places.journals)
    assert close_all_journals(places.journals, store) == 0
    assert [segment.records for segment in list_segments(store)] == [1]
    log.note(make_entry(streamflow))
    wait_until(lambda: log.written == 2)
    [after] = list_journals(places.journals)
    assert after != before
    log.stop()
    assert sum(segment.records for segment in list_segments(store)) == 2


def test_what_is_noted_is_in_a_journal_at_once_and_in_a_segment_in_the_end(places: Places, streamflow: Bundle) -> None:
    log, entry = open_log(places, streamflow), make_entry(streamflow)
    log.start()
    log.note(entry)
    wait_until(lambda: log.written == 1)
    in_journal = find_record(places, entry.prediction_id)
    assert list_segments(open_store(places.where)) == []
    log.stop()
    assert list_journals(places.journals) == []
    assert find_record(places, entry.prediction_id) == in_journal
    assert (log.written, log.dropped) == (1, 0)


def test_a_full_queue_drops_and_counts(places: Places, streamflow: Bundle) -> None:
    log, entry = open_log(places, streamflow, capacity=3), make_entry(streamflow)
    for _ in range(5):  # nobody writes yet
        log.note(entry)
    assert log.dropped == 2
    reported = []
    log.observer = lambda *more: reported.append(more)
    log.start()
    log.stop()
    assert (log.written, log.dropped) == (3, 2)
    assert tuple(map(sum, zip(*reported, strict=True))) == (3, 2)


def test_what_cannot_be_written_is_dropped_and_counted_and_the_rest_goes_on(
    places: Places, streamflow: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    log, entry = open_log(places, streamflow), make_entry(streamflow)
    log.start()
    places.journals.rmdir()
    log.note(entry)
    wait_until(lambda: log.dropped == 1)
    places.journals.mkdir()
    log.note(entry)
    log.stop()
    assert (log.written, log.dropped) == (1, 1)
    assert "dropped so far: 1" in caplog.text


def test_a_prediction_that_is_none_costs_only_itself(places: Places, streamflow: Bundle) -> None:
    log, entry = open_log(places, streamflow), make_entry(streamflow)
    log.start()
    log.note(entry._replace(prediction=entry.prediction._replace(values=(object(),))))  # type: ignore[arg-type]
    wait_until(lambda: log.dropped == 1)
    log.note(entry)
    log.stop()
    assert (log.written, log.dropped) == (1, 1)


def test_a_journal_that_is_old_enough_is_closed_while_the_service_goes_on(places: Places, streamflow: Bundle) -> None:
    log, entry = open_log(places, streamflow, segment_s=0.1), make_entry(streamflow)
    log.start()
    log.note(entry)
    wait_until(lambda: len(list_segments(open_store(places.where))) == 1)
    log.stop()
    assert log.written == 1


def test_the_log_says_where_it_is_and_whether_it_keeps_keys(places: Places, streamflow: Bundle) -> None:
    assert str(places.where) in str(open_log(places, streamflow))
    assert "keys hashed" in str(open_log(places, streamflow))
    unsalted = PredictionLog(places, make_header(streamflow, salt=None), segment_s=1, retention_days=30)
    assert "without subscribers' keys" in str(unsalted)
