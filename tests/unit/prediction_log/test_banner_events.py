"""Banner events: written as lines, closed as segments, read once each, and erased with their subscriber."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.logged import write_journal
from support.predicted import SALT

from churn.answers import BANNER_EVENT_NAMES
from churn.errors import DataError
from churn.outcomes.person import collect_events, collect_records, erase_person
from churn.prediction_log.banner_events import (
    BannerEvent,
    make_event_header,
    make_event_line,
)
from churn.prediction_log.event_reader import join_events, read_events
from churn.prediction_log.following import LogFollower
from churn.prediction_log.maintenance import close_journals, keep_in_order
from churn.prediction_log.places import Places
from churn.prediction_log.reader import read_records, walk_log
from churn.prediction_log.record import hash_key
from churn.prediction_log.retention import NOTE
from churn.prediction_log.segments import list_segments, open_store

times = st.integers(0, 7_000_000_000_000_000)  # until the year 2191
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
events = st.builds(
    BannerEvent,
    time=times,
    prediction_id=st.from_regex("[0-9a-f]{32}", fullmatch=True),
    event=st.sampled_from(BANNER_EVENT_NAMES),
    reported_time=st.none() | times,
    model_version=st.none() | texts,
    caller=st.none() | texts,
    subscriber=st.none() | st.from_regex("[0-9a-f]{32}", fullmatch=True),
    request_id=st.none() | texts,
)


def log(tmp_path: Path) -> Places:
    return Places(str(tmp_path / "log"), tmp_path / "log" / "journals")


def write(places: Places, name: str, *noted: BannerEvent, torn: bytes = b"") -> None:
    """A journal of banner events that nobody writes to any more."""
    places.banner_events.journals.mkdir(parents=True, exist_ok=True)
    lines = [make_event_header("streamflow"), *map(make_event_line, noted), torn]
    (places.banner_events.journals / f"{name}.jsonl").write_bytes(b"".join(lines))


def close(places: Places) -> None:
    for closed in (places, places.banner_events):
        close_journals(closed.journals, open_store(closed.where))


def note(made: int, event: str = "seen", at_s: int = 1, **rest: str) -> BannerEvent:
    return BannerEvent(at_s * 10**6, f"{made:032x}", event, **rest)  # type: ignore[arg-type] # only texts


@given(st.lists(events, max_size=8, unique_by=lambda event: (event.prediction_id, event.event)))
def test_what_was_written_is_read_from_the_journal_and_from_the_segment(noted: list[BannerEvent]) -> None:
    with TemporaryDirectory() as folder:
        places = log(Path(folder))
        write(places, "one", *noted)
        assert read_events(places) == sorted(noted)
        close(places)
        assert read_events(places) == sorted(noted)


def test_an_event_that_came_twice_is_read_once_as_it_came_first_wherever_it_stands(tmp_path: Path) -> None:
    places = log(tmp_path)
    write(places, "one", note(7, at_s=5), note(7, at_s=6), note(7, "accepted", at_s=7))
    close(places)
    write(places, "two", note(7, at_s=8), note(7, at_s=4), note(8, at_s=9))
    assert [(event.time // 10**6, event.event) for event in read_events(places)] == [
        (4, "seen"),
        (7, "accepted"),
        (9, "seen"),
    ]


def test_only_events_of_the_time_are_read(tmp_path: Path) -> None:
    places = log(tmp_path)
    write(places, "one", *(note(made, at_s=made) for made in range(1, 6)))
    second = datetime(1970, 1, 1, tzinfo=UTC)
    read = read_events(places, second + timedelta(seconds=2), second + timedelta(seconds=4))
    assert [event.time // 10**6 for event in read] == [2, 3]


def test_a_torn_line_is_lost_alone_and_a_damaged_one_set_aside(tmp_path: Path) -> None:
    places = log(tmp_path)
    torn = make_event_line(note(9))[:-5]
    write(places, "one", note(1), torn=b'{"time": "soon"}\n' + make_event_line(note(2)) + torn)
    closed = close_journals(places.banner_events.journals, open_store(places.banner_events.where))
    assert (closed.records, closed.damaged, closed.set_aside) == (2, 2, 1)
    assert [event.prediction_id for event in read_events(places)] == [f"{1:032x}", f"{2:032x}"]


def test_readers_of_predictions_do_not_see_events_nor_the_other_way_round(tmp_path: Path) -> None:
    places = log(tmp_path)
    write_journal(places, "one", version="v1", features=["x"], rows=[[1.0]], scores=[0.5])
    write(places, "one", note(1))
    for _ in range(2):  # as journals, then as segments
        assert [batch.num_rows for file in walk_log(places) for batch in file.read_batches()] == [1]
        assert [batch.num_rows for batch in read_records(places, ["probability"])] == [1]
        assert len(read_events(places)) == 1
        close(places)
    assert len(list_segments(open_store(places.where))) == 1


def test_an_event_that_is_followed_comes_once_from_its_journal_and_not_again_from_its_segment(tmp_path: Path) -> None:
    places = log(tmp_path)
    write(places, "one", note(1), note(2))
    follower = LogFollower(places.banner_events, datetime(1970, 1, 1, tzinfo=UTC))
    assert [batch.num_rows for batch in follower.read_new()] == [2]
    close(places)
    assert [batch.num_rows for batch in follower.read_new()] == []


def test_events_get_the_version_of_their_predictions_and_those_without_one_are_counted(tmp_path: Path) -> None:
    places = log(tmp_path)
    write_journal(places, "one", version="v1", features=["x"], rows=[[1.0]], scores=[0.5], at_s=1)
    write_journal(places, "two", version="v2", features=["x"], rows=[[1.0]], scores=[0.5], at_s=2)
    write(places, "one", note(1, model_version="v9"), note(2), note(3))
    joined = join_events(places, read_events(places))
    assert [(event.prediction_id, predicted.model_version) for event, predicted in joined.events] == [
        (f"{1:032x}", "v1"),
        (f"{2:032x}", "v2"),
    ]
    assert joined.without_prediction == 1


def test_erasing_a_subscriber_erases_their_events_with_and_without_a_key(tmp_path: Path) -> None:
    places = log(tmp_path)
    write_journal(places, "one", version="v1", features=["x"], rows=[[1.0]] * 2, scores=[0.5] * 2, at_s=1, keys="kl")
    own, other = (str(hash_key(key, SALT)) for key in ("k", "l"))
    write(places, "one", note(1), note(2), note(3, subscriber=own), note(4, subscriber=other))
    close(places)
    write(places, "two", note(1, "accepted"), torn=b'{"damaged": "' + own.encode() + b'"}\n')
    records = collect_records(places, own, damaged=[])
    kept = collect_events(places, own, records, damaged=[])
    assert [(event.prediction_id, event.event) for event in kept] == [
        (f"{1:032x}", "accepted"),
        (f"{1:032x}", "seen"),
        (f"{3:032x}", "seen"),
    ]
    assert erase_person(places, tmp_path / "outcomes.sqlite", own).events == 3
    assert [event.prediction_id for event in read_events(places)] == [f"{2:032x}", f"{4:032x}"]
    assert all(own.encode() not in path.read_bytes() for path in tmp_path.rglob("*.jsonl"))


def test_a_damaged_segment_of_events_keeps_no_other_record_of_theirs(tmp_path: Path) -> None:
    places, own = log(tmp_path), str(hash_key("k", SALT))
    write_journal(places, "one", version="v1", features=["x"], rows=[[1.0]], scores=[0.5], at_s=1, keys="k")
    write(places, "damaged", note(1))
    close(places)
    write(places, "whole", note(1, "accepted"))
    store = open_store(places.banner_events.where)
    [segment] = list_segments(store)
    store.write(segment.name, b"damaged")
    with pytest.raises(DataError, match="1 records are erased, but 1 segments may hold more"):
        erase_person(places, tmp_path / "outcomes.sqlite", own)
    assert collect_records(places, own, damaged=[]) == []
    assert read_events(places, damaged=[]) == []


def test_old_events_are_removed_with_old_predictions_and_wait_with_them(tmp_path: Path) -> None:
    places = log(tmp_path)
    now_s = int(datetime.now(UTC).timestamp())
    for name, at_s in (("old", now_s - 40 * 86_400), ("new", now_s)):
        write_journal(places, name, version="v1", features=["x"], rows=[[1.0]], scores=[0.5], at_s=at_s)
    write(places, "old", note(1, at_s=now_s - 40 * 86_400))
    closed = keep_in_order(places, 30)
    assert (closed.segments, closed.records, closed.removed, closed.waiting) == (3, 3, 2, 0)
    assert read_events(places) == []
    assert (places.banner_events.journals / NOTE).exists()
