"""Closing: journals become segments, old segments go, and a subscriber's records can go."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer
from support.predicted import SALT, make_entry, make_header, read_lines

from churn.errors import ChurnError, DataError
from churn.files import UNFINISHED
from churn.model.bundle import Bundle
from churn.prediction_log.batches import batches_from_journal, batches_from_segment, rows_from_batch
from churn.prediction_log.journal import Journal, split_torn_line
from churn.prediction_log.maintenance import (
    ClosingSummary,
    close_all_journals,
    close_journals,
    erase_subscriber,
    remove_old_segments,
)
from churn.prediction_log.places import locate_log
from churn.prediction_log.reader import find_record
from churn.prediction_log.record import LineMaker, Record, hash_key
from churn.prediction_log.segments import Segment, SegmentStore, list_segments, open_store, read_segment

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - see timezones


@pytest.fixture
def store(tmp_path: Path) -> SegmentStore:
    return open_store(str(tmp_path / "log"))


def written(folder: Path, bundle: Bundle, *, keys: list[str]) -> list[bytes]:
    """A journal that was let go, one record for each key; its lines."""
    maker = LineMaker(make_header(bundle))
    lines = [maker.make_line(make_entry(bundle, key=key, threshold=0.0)) for key in keys]
    journal = Journal(folder, maker.header)
    journal.append(b"".join(lines))
    journal.close()
    return [maker.header, *lines]


def rows(store: SegmentStore, segment: Segment) -> list[Record]:
    return [row for batch in batches_from_segment(read_segment(store, segment)) for row in rows_from_batch(batch)]


def test_a_segment_holds_what_the_journal_held(tmp_path: Path, store: SegmentStore, streamflow: Bundle) -> None:
    lines = written(tmp_path, streamflow, keys=["a", "b"])
    assert close_journals(tmp_path, store) == ClosingSummary(segments=1, records=2)
    assert list(tmp_path.glob("*.jsonl")) == []
    [segment] = list_segments(store)
    assert segment.records == 2
    assert rows(store, segment) == read_lines(*lines)


def test_a_segment_is_parquet_that_others_read(tmp_path: Path, store: SegmentStore, streamflow: Bundle) -> None:
    written(tmp_path, streamflow, keys=["a"])
    close_journals(tmp_path, store)
    [segment] = list_segments(store)
    table = pyarrow.parquet.read_table(tmp_path / "log" / segment.name)
    assert table.num_rows == 1
    assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"
    assert str(table.schema.field("contribution_tenure").type) == "double"
    assert table.column("time")[0].as_py() == segment.first


@given(data=st.data())
def test_a_torn_journal_loses_the_record_it_is_torn_in_and_no_other(
    bundles: dict[str, Bundle], data: st.DataObject
) -> None:
    maker = LineMaker(make_header(bundles["streamflow"]))
    entry = make_entry(bundles["streamflow"])
    content = maker.header + 3 * maker.make_line(entry)
    cut = data.draw(st.integers(len(maker.header), len(content)))
    whole = (cut - len(maker.header)) // len(maker.make_line(entry))
    batches = batches_from_journal(split_torn_line(content[:cut])[0])
    assert sum(batch.num_rows for batch in batches) == whole


def test_torn_and_damaged_lines_are_counted_and_the_others_kept(
    tmp_path: Path, store: SegmentStore, streamflow: Bundle
) -> None:
    lines = written(tmp_path, streamflow, keys=["a", "b", "c"])
    [path] = tmp_path.glob("*.jsonl")
    path.write_bytes(lines[0] + lines[1] + b"\0" * 20 + b"\n" + lines[2] + lines[3][:-9])
    assert close_journals(tmp_path, store) == ClosingSummary(segments=1, records=2, damaged=2)


def test_a_journal_without_anything_to_read_is_no_obstacle_for_the_next(
    tmp_path: Path, store: SegmentStore, streamflow: Bundle
) -> None:
    (tmp_path / "0-a.jsonl").write_bytes(b"")
    (tmp_path / "0-b.jsonl").write_bytes(b"nonsense\nmore of it\n")
    (tmp_path / "0-c.jsonl").write_bytes(LineMaker(make_header(streamflow)).header + b"{}\n")
    written(tmp_path, streamflow, keys=["a"])
    assert close_journals(tmp_path, store) == ClosingSummary(segments=1, records=1, damaged=2)
    assert list(tmp_path.glob("*.jsonl")) == []


def test_closing_that_was_killed_before_it_removed_the_journal_makes_the_same_segment_again(
    tmp_path: Path, store: SegmentStore, streamflow: Bundle
) -> None:
    written(tmp_path, streamflow, keys=["a"])
    [path] = tmp_path.glob("*.jsonl")
    content = path.read_bytes()
    close_journals(tmp_path, store)
    path.write_bytes(content)
    close_journals(tmp_path, store)
    assert len(list_segments(store)) == 1


def test_a_journal_whose_segment_cannot_be_written_stays(tmp_path: Path, streamflow: Bundle) -> None:
    written(tmp_path, streamflow, keys=["a"])
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        close_journals(tmp_path, open_store(str(tmp_path / "file")))
    assert len(list(tmp_path.glob("*.jsonl"))) == 1


@given(first=MOMENTS, seconds=st.integers(0, 10**6), records=st.integers(1, 10**9))
def test_a_segments_name_says_all_that_is_known_of_it(first: datetime, seconds: int, records: int) -> None:
    segment = Segment(first, first + timedelta(seconds=seconds), records, "20260101T000000Z-7-0a1b2c3d", "00c0ffee")
    assert Segment.from_name(segment.name) == segment


def test_only_segments_that_are_too_old_are_removed(store: SegmentStore) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    old, young = (Segment(now - timedelta(days=40), now - timedelta(days=age), 1, "x", "0" * 8) for age in (31, 29))
    for name in (old.name, young.name, "2020-01-01/somebody-elses.parquet"):
        store.write(name, b"")
    assert remove_old_segments(store, days=30, now=now) == 1
    assert set(store.list_names()) == {young.name, "2020-01-01/somebody-elses.parquet"}


def test_what_was_never_finished_is_removed_after_an_hour(tmp_path: Path, store: SegmentStore) -> None:
    folder, now = tmp_path / "log" / "2026-01-01", datetime.now(UTC)
    folder.mkdir(parents=True)
    for name, age in (("old", 3700), ("young", 3500)):
        (file := folder / f"{UNFINISHED}{name}").touch()
        os.utime(file, (now.timestamp() - age,) * 2)
    remove_old_segments(store, days=30, now=now)
    assert [file.name for file in folder.iterdir()] == [f"{UNFINISHED}young"]


def test_a_journal_that_is_not_let_go_is_told(tmp_path: Path, store: SegmentStore, streamflow: Bundle) -> None:
    written(tmp_path, streamflow, keys=["a"])
    journal = Journal(tmp_path, LineMaker(make_header(streamflow)).header)
    assert not journal.is_release_requested()
    assert close_all_journals(tmp_path, store, wait_s=0) == 1
    assert journal.is_release_requested()
    journal.close()
    assert close_all_journals(tmp_path, store) == 0
    assert not Journal(tmp_path, b"\n").is_release_requested()


def test_erasing_removes_one_subscribers_records_and_no_others(
    tmp_path: Path, store: SegmentStore, streamflow: Bundle
) -> None:
    written(tmp_path, streamflow, keys=["a", "b", "a"])
    written(tmp_path, streamflow, keys=["a"])
    close_journals(tmp_path, store)
    assert erase_subscriber(store, hash_key("a", SALT) or "") == 3
    [left] = list_segments(store)
    assert left.records == 1
    assert [row["subscriber"] for row in rows(store, left)] == [hash_key("b", SALT)]


def test_a_segment_of_which_a_bit_has_changed_is_damaged_and_named(
    tmp_path: Path, store: SegmentStore, streamflow: Bundle
) -> None:
    written(tmp_path, streamflow, keys=["a"])
    close_journals(tmp_path, store)
    [segment] = list_segments(store)
    content = bytearray(store.read(segment.name))
    content[len(content) // 2] ^= 1
    store.write(segment.name, bytes(content))
    with pytest.raises(DataError, match=re.escape(f"the segment {segment.name} is damaged")):
        read_segment(store, segment)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of a stand-in for S3."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    httpx2.put(f"{endpoint}/a-bucket", trust_env=False).raise_for_status()
    yield "s3://a-bucket/some/where"
    server.stop()


def test_an_object_store_is_a_place_like_any_other(tmp_path: Path, bucket: str, streamflow: Bundle) -> None:
    places = locate_log(bucket, "streamflow", home=tmp_path)
    places.prepare()
    written(places.journals, streamflow, keys=["a", "b"])
    store = open_store(places.where)
    assert close_journals(places.journals, store).records == 2
    [segment] = list_segments(store)
    [row, _] = rows(store, segment)
    assert find_record(places, row["prediction_id"]) == row
    assert erase_subscriber(store, row["subscriber"]) == 1
    assert remove_old_segments(store, days=1, now=datetime.now(UTC) + timedelta(days=2)) == 1
    assert list_segments(store) == []


def test_an_object_store_that_cannot_be_used_keeps_the_journals(
    tmp_path: Path, bucket: str, streamflow: Bundle
) -> None:
    written(tmp_path, streamflow, keys=["a"])
    with pytest.raises(ChurnError, match="s3://another-bucket cannot be used"):
        close_journals(tmp_path, open_store(bucket.replace("a-bucket/some/where", "another-bucket")))
    assert len(list(tmp_path.glob("*.jsonl"))) == 1
