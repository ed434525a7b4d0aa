"""The portal's memory: what may happen once happens once, in any number of threads and processes."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from support.fake_service import OFFER

from churn.web.database import locate_copy
from portal.business import load_business
from portal.database import StoreError
from portal.records import Exposure
from portal.store import Store

KEY = load_business("streamflow").subscribers[0].key
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
UNTIL = date(2027, 5, 1)


def exposure(number: int) -> Exposure:
    return Exposure(f"p{number}", KEY, "exposure", "treatment", "v1", "v2.3.1", ("tenure.short",), "en", OFFER)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "portal" / "portal.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with closing(Store(path, load_business("streamflow").subscribers)) as made:
        yield made


def test_what_is_recorded_is_given_back(store: Store) -> None:
    store.record_exposure(exposure(1), NOON)
    assert store.find_exposure("p1", KEY) == exposure(1)
    assert store.find_exposure("p1", "somebody else") is None


def test_the_same_exposure_twice_is_one(store: Store) -> None:
    store.record_exposure(exposure(1), NOON)
    store.record_exposure(replace(exposure(1), arm="holdout"), NOON)
    assert store.find_exposure("p1", KEY) == exposure(1)
    assert [count["events"] for count in store.count_events()] == [1]


def test_a_response_to_what_was_not_shown_is_refused(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        store.record_response(exposure(9), "dismissal", NOON)


def test_what_waits_to_be_written_can_be_answered(store: Store) -> None:
    store.unwritten["p1"] = exposure(1), NOON
    assert store.find_exposure("p1", KEY) == exposure(1)
    assert store.find_exposure("p1", "somebody else") is None
    assert store.accept_offer(exposure(1), NOON, active_until=UNTIL)
    assert [count["kind"] for count in store.count_events()] == ["acceptance", "exposure"]


def test_a_reader_does_not_wait_for_a_writer_of_the_same_process(store: Store) -> None:
    with store._database.transaction(), ThreadPoolExecutor() as others:  # noqa: SLF001 - a transaction that takes long
        assert others.submit(store.find_subscriber, KEY).result(timeout=30)


def test_of_many_who_accept_at_once_one_does(path: Path) -> None:
    with ExitStack() as stack:
        stores = [stack.enter_context(closing(Store(path, load_business("streamflow").subscribers))) for _ in range(4)]
        for number in range(40):
            stores[0].record_exposure(exposure(number), NOON)

        def accept(number: int) -> bool:
            return stores[number % 4].accept_offer(exposure(number), NOON, active_until=UNTIL)

        with ThreadPoolExecutor(8) as threads:
            accepted = list(threads.map(accept, range(40)))
        assert accepted.count(True) == 1
        assert [count["events"] for count in stores[0].count_events() if count["kind"] == "acceptance"] == [1]


def test_an_offer_holds_through_its_last_day(store: Store) -> None:
    for number in (1, 2):
        store.record_exposure(exposure(number), NOON)
    assert store.accept_offer(exposure(1), NOON, active_until=UNTIL)
    last_day = datetime(2027, 5, 1, 23, 59, tzinfo=UTC)
    assert not store.accept_offer(exposure(2), last_day, active_until=date(2027, 11, 1))
    assert store.accept_offer(exposure(2), last_day + timedelta(minutes=1), active_until=date(2027, 11, 1))


def test_what_was_recorded_outlives_the_process(path: Path) -> None:
    with closing(Store(path, load_business("streamflow").subscribers)) as store:
        store.record_exposure(exposure(1), NOON)
        store.record_response(exposure(1), "dismissal", NOON)
        store.set_wants_offers(KEY, wants=False)
    with closing(Store(path, load_business("streamflow").subscribers)) as store:
        assert store.read_history(KEY).dismissed_on == NOON.date()
        found = store.find_subscriber(KEY)
        assert found is not None
        assert not found.wants_offers


def test_who_is_erased_is_gone_from_the_copy_of_before_a_step_too(store: Store, path: Path) -> None:
    store.record_exposure(exposure(1), NOON)
    locate_copy(path).write_bytes(KEY.encode())
    store.erase_subscriber(KEY)
    assert [file.name for file in path.parent.iterdir() if KEY.encode() in file.read_bytes()] == []


def test_an_event_has_all_that_the_experiment_needs(store: Store, path: Path) -> None:
    store.record_exposure(exposure(1), NOON)
    store.accept_offer(exposure(1), NOON, active_until=UNTIL)
    with closing(sqlite3.connect(path)) as file:
        file.row_factory = sqlite3.Row
        shown, accepted = (dict(row) for row in file.execute("SELECT * FROM events ORDER BY kind DESC"))
    assert accepted == shown | {"kind": "acceptance"}
    assert shown == {
        "prediction_id": "p1",
        "subscriber": KEY,
        "at": "2026-11-23T12:00:00.000+00:00",
        "kind": "exposure",
        "arm": "treatment",
        "policy_version": "v1",
        "model_version": "v2.3.1",
        "reason_codes": '["tenure.short"]',
        "offer_code": OFFER["code"],
    }


@pytest.mark.parametrize("content", [b"not a database" * 100, None], ids=["another file", "tables of another version"])
def test_a_file_that_is_something_else_is_refused_in_a_sentence(path: Path, content: bytes | None) -> None:
    path.parent.mkdir()
    if content:
        path.write_bytes(content)
    else:
        with closing(sqlite3.connect(path)) as file:
            file.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=r"portal\.sqlite cannot be used"):
        Store(path, load_business("streamflow").subscribers)
