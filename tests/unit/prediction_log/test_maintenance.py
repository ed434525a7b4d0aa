"""Closing: journals become segments, old segments go, and a subscriber's records can go."""

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import httpx2
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer
from pydantic_core import from_json, to_json
from support.predicted import SALT, find_policy, make_entry, make_header, read_lines

from churn.clocks import Clock
from churn.errors import ChurnError, DataError, SettingsError
from churn.model.bundle import Bundle
from churn.outcomes.person import Erasure, erase_person
from churn.prediction_log.banner_events import BannerEvent, make_event_header, make_event_line
from churn.prediction_log.batches import batches_from_journal, batches_from_segment, rows_from_batch
from churn.prediction_log.event_reader import read_events
from churn.prediction_log.journal import Journal, list_set_aside, set_aside, split_torn_line
from churn.prediction_log.maintenance import (
    ClosingSummary,
    close_all_journals,
    close_journals,
    erase_from_set_aside,
    erase_subscriber,
)
from churn.prediction_log.maintenance import main as maintain
from churn.prediction_log.places import locate_log
from churn.prediction_log.policies import keep_policy, name_policy
from churn.prediction_log.reader import find_record, read_kept_policy, read_latest_records
from churn.prediction_log.record import LineMaker, Record, hash_key
from churn.prediction_log.retention import remove_old_files
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
    assert close_journals(tmp_path, store) == ClosingSummary(segments=1, records=2, damaged=2, set_aside=1)
    [aside] = list_set_aside(tmp_path)
    assert aside.read_bytes() == lines[0] + b"\0" * 20 + b"\n"
    assert close_journals(tmp_path, store) == ClosingSummary()


def test_a_journal_without_anything_to_read_is_no_obstacle_for_the_next(
    tmp_path: Path, store: SegmentStore, streamflow: Bundle
) -> None:
    header = LineMaker(make_header(streamflow)).header
    nonsense = {"0-b": b"nonsense\nmore of it\n", "0-c": header + b"{}\n", "0-d": b"{}\n{}\n"}
    for name, content in {"0-a": b"", **nonsense}.items():
        (tmp_path / f"{name}.jsonl").write_bytes(content)
    (tmp_path / "0-e.jsonl").mkdir()
    written(tmp_path, streamflow, keys=["a"])
    assert close_journals(tmp_path, store) == ClosingSummary(segments=1, records=1, damaged=3, set_aside=3)
    assert [path.name for path in tmp_path.glob("*.jsonl")] == ["0-e.jsonl"]
    assert {path.stem: path.read_bytes() for path in list_set_aside(tmp_path)} == {
        f"{name}-damaged": content for name, content in nonsense.items()
    }


@pytest.mark.parametrize("content", ['{"time": null}', '{"time": 1e30}', '{"reasons": "text"}', '{"numbers": "zz"}'])
def test_a_record_with_one_wrong_value_is_set_aside_alone(
    tmp_path: Path, store: SegmentStore, streamflow: Bundle, content: str
) -> None:
    header, good, other = written(tmp_path, streamflow, keys=["a", "b"])
    [path] = tmp_path.glob("*.jsonl")
    wrong = to_json({**from_json(other), **from_json(content)}) + b"\n"
    path.write_bytes(header + good + wrong)
    assert close_journals(tmp_path, store) == ClosingSummary(segments=1, records=1, damaged=1, set_aside=1)
    assert list_set_aside(tmp_path)[0].read_bytes() == header + wrong


@given(data=st.data())
def test_whatever_byte_of_a_journal_is_damaged_each_line_is_read_or_set_aside(
    bundles: dict[str, Bundle], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(b"".join(written(folder, bundles["streamflow"], keys=["a", "b", "c"])))
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    [path] = folder.glob("*.jsonl")
    path.write_bytes(content)
    closed = close_journals(folder, open_store(str(folder / "log")))
    assert closed.records + closed.damaged == max(0, content.count(b"\n") - 1) + (content[-1:] != b"\n")
    assert closed.records == sum(segment.records for segment in list_segments(open_store(str(folder / "log"))))


def test_what_was_set_aside_and_mended_is_closed_as_a_journal_beside_its_segment(
    tmp_path: Path, streamflow: Bundle
) -> None:
    places = locate_log(str(tmp_path), "streamflow", home=tmp_path)
    places.prepare()
    header, *lines = written(places.journals, streamflow, keys=["a", "b"])
    [path] = places.journals.glob("*.jsonl")
    path.write_bytes(header + lines[0] + lines[1].replace(b'"time"', b'"tome"'))
    close_journals(places.journals, open_store(places.where))
    [aside] = list_set_aside(places.journals)
    aside.write_bytes(header + lines[1])
    aside.rename(places.journals / aside.name)
    close_journals(places.journals, open_store(places.where))
    assert [record["subscriber"] for record in read_latest_records(places, 9)] == [hash_key(key, SALT) for key in "ab"]


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
    with pytest.raises(DataError, match=re.escape(f"the segment {store.where}/{segment.name} is damaged")):
        read_segment(store, segment)


def test_erasing_goes_on_past_a_damaged_segment_and_says_that_it_may_hold_more(
    tmp_path: Path, store: SegmentStore, streamflow: Bundle
) -> None:
    for _ in range(2):
        written(tmp_path, streamflow, keys=["a"])
    close_journals(tmp_path, store)
    first, second = list_segments(store)
    store.write(first.name, b"PAR1")
    with pytest.raises(DataError, match="1 records are erased, but 1 segments may hold more"):
        erase_subscriber(store, hash_key("a", SALT) or "")
    assert list_segments(store) == [first]
    assert second.records == 1


def test_erasing_removes_a_subscribers_lines_from_what_was_set_aside_too(tmp_path: Path) -> None:
    hashed = (hash_key("a", SALT) or "").encode()
    set_aside(tmp_path / "x.jsonl", b'header\n{"subscriber":"%b",\n{"other"\n' % hashed)
    assert erase_from_set_aside(tmp_path, hashed.decode()) == 1
    assert list_set_aside(tmp_path)[0].read_bytes() == b'header\n{"other"\n'


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
    httpx2.post(f"{endpoint}/moto-api/reset", trust_env=False)
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
    since = [segment.last + timedelta(days=days) for days in (-9, 0, 3)]
    assert [list_segments(store, time) for time in since] == [[segment], [segment], []]
    [row, _] = rows(store, segment)
    assert find_record(places, row["prediction_id"]) == row
    assert erase_subscriber(store, row["subscriber"]) == 1
    later = Clock(time.time() + 2 * 86_400, 0.0, "")
    assert remove_old_files(store, places.journals, days=1, clock=later, at_once=True).removed == 1
    assert list_segments(store) == []


def test_a_policy_goes_to_the_bucket_before_the_segment_that_names_it(
    tmp_path: Path, bucket: str, streamflow: Bundle
) -> None:
    places, policy = locate_log(bucket, "streamflow", home=tmp_path), find_policy(streamflow)
    places.prepare()
    with pytest.raises(DataError, match="is neither"):
        read_kept_policy(places, policy.sha256)
    keep_policy(places.journals, policy.content)
    written(places.journals, streamflow, keys=["a"])
    assert maintain([places.where, str(places.journals), "1", "--only-write"]) == 0
    shutil.rmtree(places.journals)
    assert read_kept_policy(places, policy.sha256) == policy.content
    open_store(places.where).write(name_policy(policy.sha256), b"another")
    with pytest.raises(DataError, match="is damaged"):
        read_kept_policy(places, policy.sha256)


def test_a_process_that_only_writes_tries_the_bucket_and_leaves_what_is_old_to_its_rule(
    tmp_path: Path, bucket: str, streamflow: Bundle
) -> None:
    places = locate_log(bucket, "streamflow", home=tmp_path, kept_days=1)
    places.prepare()
    store = open_store(places.where)
    old = datetime(2026, 1, 1, tzinfo=UTC)
    store.write(Segment(old, old, 1, "old", "0" * 8).name, b"")
    only_write = [places.where, str(places.journals), "1", "--only-write"]
    assert maintain(only_write) == 0
    written(places.journals, streamflow, keys=["a"])
    assert maintain(only_write) == 0
    assert [segment.records for segment in list_segments(store)] == [1, 1]
    assert "trial" in store.list_names()


@pytest.mark.parametrize(("newest_days", "tag"), [(0, "50"), (60, "89")], ids=["old", "clock ahead"])
def test_a_segment_that_is_written_anew_has_a_tag_for_the_days_that_are_left(
    tmp_path: Path, bucket: str, streamflow: Bundle, newest_days: int, tag: str
) -> None:
    places = locate_log(bucket, "streamflow", home=tmp_path, kept_days=90)
    places.prepare()
    written(places.journals, streamflow, keys=["a", "b"])
    store = open_store(places.where, places.kept_days)
    close_journals(places.journals, store)
    [segment] = list_segments(store)
    [row, _] = rows(store, segment)
    now, content = datetime.now(UTC), store.read(segment.name)
    store.delete(segment.name)
    for origin, days in (("old", max(40, newest_days + 1)), ("newest", newest_days)):
        time = now - timedelta(days=days)
        store.write(replace(segment, first=time, last=time, origin=origin).name, content)
    assert erase_subscriber(store, row["subscriber"]) == 2
    [old, newest] = list_segments(store)
    assert (read_tags(bucket, old), read_tags(bucket, newest)) == ({"kept-days": tag}, {})


def test_events_in_a_bucket_that_are_written_anew_have_as_many_days_left_as_the_predictions_say(
    tmp_path: Path, bucket: str, streamflow: Bundle
) -> None:
    places, theirs = locate_log(bucket, "streamflow", home=tmp_path, kept_days=90), str(hash_key("a", SALT))
    places.banner_events.prepare()
    old_us = time.time_ns() // 1000 - 40 * 86_400 * 10**6
    events = [BannerEvent(old_us, f"{made:032x}", "seen", subscriber=key) for made, key in enumerate((theirs, "b"))]
    journal = places.banner_events.journals / "old.jsonl"
    journal.write_bytes(make_event_header("streamflow") + b"".join(map(make_event_line, events)))
    written(places.journals, streamflow, keys=["a"])
    assert maintain([places.where, str(places.journals), "90", "--only-write"]) == 0
    assert len(read_events(places)) == 2
    assert erase_person(places, tmp_path / "outcomes.sqlite", theirs) == Erasure(1, 0, 0, 0, 1)
    [segment] = list_segments(open_store(places.banner_events.where))
    assert read_tags(bucket, segment, "streamflow/_events") == {"kept-days": "50"}


def read_tags(bucket: str, segment: Segment, folder: str = "streamflow") -> dict[str, str]:
    """The tags of an object, as the stand-in tells them."""
    name, _, prefix = bucket.removeprefix("s3://").partition("/")
    tags = boto3.client("s3").get_object_tagging(Bucket=name, Key=f"{prefix}/{folder}/{segment.name}")["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in tags}


def test_only_a_bucket_of_s3_can_remove_by_a_rule(tmp_path: Path) -> None:
    for where in (None, str(tmp_path), "gs://bucket/log"):
        with pytest.raises(SettingsError, match="is `bucket`, but"):
            locate_log(where, "streamflow", home=tmp_path, kept_days=90)


def test_an_object_store_that_cannot_be_used_keeps_the_journals(
    tmp_path: Path, bucket: str, streamflow: Bundle
) -> None:
    written(tmp_path, streamflow, keys=["a"])
    with pytest.raises(ChurnError, match="s3://another-bucket cannot be used"):
        close_journals(tmp_path, open_store(bucket.replace("a-bucket/some/where", "another-bucket")))
    assert len(list(tmp_path.glob("*.jsonl"))) == 1
