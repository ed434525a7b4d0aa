"""What portals report of banners: taken whole or refused in words, kept in the log, and counted once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from support.examples import STREAMFLOW
from support.in_process import InProcess, answering, require_problem
from support.keys import PORTAL, TWO_CALLERS, bearer
from support.processes import wait_until
from support.scraping import read_metrics, total

from churn.answers import BANNER_EVENT_NAMES
from churn.judging import metrics
from churn.model.bundle import Bundle
from churn.prediction_log.banner_events import BannerEvent
from churn.prediction_log.event_reader import join_events, read_events
from churn.prediction_log.places import locate_log
from churn.prediction_log.record import hash_key
from churn.prediction_log.writer import EVENTS_CAPACITY
from churn.service.answering.events import BYTES_PER_EVENT, MOST_EVENTS, RecentEvents
from churn.service.app import create_app
from churn.settings import Settings

SALT = "0123456789abcdef"
ID = "01a214d9a11d79598a0a48c2ec254d0e"


class Reporting:
    """A service whose log is running."""

    def __init__(self, folder: Path, bundle: Bundle, **settings: Any) -> None:
        salt = SecretStr(SALT)
        whole = Settings(prediction_log=str(folder), prediction_log_salt=salt, churn_threshold=0, **settings)
        self.places, self.version = locate_log(str(folder), "streamflow", home=folder), bundle.model.version
        self.service = InProcess(create_app(whole, bundle=bundle))
        self.log = self.service.app.state.prediction_log

    def report(self, *events: Any, **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.service.request("POST", "/events", json=list(events), headers=named)

    def read(self, count: int) -> list[BannerEvent]:
        """The events of the log, once it has so many."""
        wait_until(lambda: len(read_events(self.places)) >= count)
        return read_events(self.places)

    def count(self, **labels: str) -> float:
        return total(read_metrics(self.service), metrics.BANNER_EVENTS.name, **labels)


@contextmanager
def open_reporting(folder: Path, bundle: Bundle) -> Iterator[Reporting]:
    reporting = Reporting(folder, bundle)
    with reporting.service:
        reporting.log.start()
        yield reporting
        reporting.log.stop()


@pytest.fixture
def reporting(tmp_path: Path, bundles: dict[str, Bundle]) -> Iterator[Reporting]:
    with open_reporting(tmp_path, bundles["streamflow"]) as reporting:
        yield reporting


@pytest.fixture(scope="module")
def refusing(bundles: dict[str, Bundle], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reporting]:
    """One that takes nothing in all tests."""
    with open_reporting(tmp_path_factory.mktemp("refusing"), bundles["streamflow"]) as reporting:
        yield reporting


def report(made: int = 0, event: str = "seen", **rest: Any) -> dict[str, Any]:
    return {"prediction_id": f"{made:032x}", "event": event, **rest}


def test_an_event_is_in_the_log_with_all_that_is_known_of_it(reporting: Reporting) -> None:
    answer = reporting.service.request("POST", "/predict", json=STREAMFLOW.example()).json()
    sent = {
        "prediction_id": answer["prediction_id"],
        "event": "accepted",
        "time": "2026-03-01T10:30:00+01:00",
        "model_version": answer["model_version"],
    }
    response = reporting.report(sent, X_Subscriber_Key="somebody", X_Request_ID="a" * 32)
    assert (response.status_code, response.json()) == (200, {"taken": 1})
    [event] = reporting.read(1)
    assert event == BannerEvent(
        event.time,
        answer["prediction_id"],
        "accepted",
        1_772_357_400_000_000,
        reporting.version,
        None,
        hash_key("somebody", SALT),
        "a" * 32,
    )
    wait_until(lambda: reporting.log.written == 1)
    [(_, predicted)] = join_events(reporting.places, [event]).events
    assert predicted.model_version == reporting.version


def test_the_same_event_counts_once_and_is_answered_the_same(reporting: Reporting) -> None:
    answers = {reporting.report(report(), report(), report(1, "accepted")).text for _ in range(3)}
    assert answers == {'{"taken":3}'}
    assert (reporting.count(), reporting.count(event="seen"), reporting.count(event="accepted")) == (2, 1, 1)
    assert len(reporting.read(2)) == 2


def test_events_are_counted_by_the_version_that_is_served_and_all_others_as_one(reporting: Reporting) -> None:
    reporting.report(report(1, model_version=reporting.version), report(2, model_version="v9"), report(3))
    assert reporting.count(version=reporting.version) == 1
    assert reporting.count(version=metrics.OTHER) == 2


@pytest.mark.parametrize(
    ("body", "status", "field", "words"),
    [
        ([report(event="bought")], 422, "[0].event", "must be one of seen, dismissed, accepted, helpful, cancelled"),
        ([report(), {**report(), "event": None}], 422, "[1].event", "got null"),
        ([{"event": "seen"}], 422, "[0].prediction_id", "is missing; it must be the 32 hex digits"),
        ([{"event": "seen", "prediction_id": ID.upper()}], 422, "[0].prediction_id", "must be the 32 hex digits"),
        ([report(time="2026-03-01")], 422, "[0].time", "with its offset, such as 2026-03-01T09:30:00Z"),
        ([report(time=1_772_357_400)], 422, "[0].time", "got 1772357400"),
        ([report(model_version="v 1")], 422, "[0].model_version", "visible ASCII"),
        ([report(model_version="v" * 129)], 422, "[0].model_version", "visible ASCII"),
        ([report(subscriber="me")], 422, "[0].subscriber", "is not a field; leave it out: the fields are"),
        (["seen"], 422, "[0]", "must be an object, got a string"),
        ([], 422, None, "the array is empty; send at least one event"),
        (report(), 422, None, "the body must be a JSON array, got an object"),
        ([report(number) for number in range(MOST_EVENTS + 1)], 413, None, "send at most 100 in each request"),
        ([report(time=" " * MOST_EVENTS * BYTES_PER_EVENT)], 413, None, "send fewer events"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_in_words_and_nothing_of_it_is_taken(
    refusing: Reporting, body: Any, status: int, field: str | None, words: str
) -> None:
    response = refusing.service.request("POST", "/events", json=body)
    problem = require_problem(response, status)
    assert words in problem["detail"]
    assert [error["field"] for error in problem.get("errors", [])] == ([field] if field else [])
    assert refusing.count() == 0


def test_a_key_that_is_none_is_refused(refusing: Reporting) -> None:
    problem = require_problem(refusing.report(report(), X_Subscriber_Key="with space"), 422)
    assert problem["errors"][0]["field"] == "X-Subscriber-Key"


def test_optional_fields_may_be_null_and_times_of_any_year_are_kept(reporting: Reporting) -> None:
    edges = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
    sent = [report(1, time=None, model_version=None), *(report(2 + at, time=edge) for at, edge in enumerate(edges))]
    assert reporting.report(*sent).status_code == 200
    assert len(reporting.read(3)) == 3


def test_a_request_may_bring_as_many_events_as_it_may_at_their_longest(reporting: Reporting) -> None:
    time, version = "2026-03-01T10:30:00.123456+01:00", "v" * 128
    longest = [report(made, "dismissed", time=time, model_version=version) for made in range(MOST_EVENTS)]
    assert len(json.dumps(longest, indent=4)) < MOST_EVENTS * BYTES_PER_EVENT
    assert reporting.report(*longest).json() == {"taken": MOST_EVENTS}


def test_too_many_at_once_are_refused_whole_and_taken_when_they_come_again(reporting: Reporting) -> None:
    reporting.log.stop()  # nobody writes any more
    calls = EVENTS_CAPACITY // MOST_EVENTS + 1
    sent = [[report(call * MOST_EVENTS + number) for number in range(MOST_EVENTS)] for call in range(calls)]
    *taken, refused = [reporting.report(*events) for events in sent]
    assert {response.status_code for response in taken} == {200}
    assert refused.headers["retry-after"] == "1"
    assert "send this request again, whole" in require_problem(refused, 503)["detail"]
    assert reporting.count() == (calls - 1) * MOST_EVENTS


def test_what_cannot_be_written_waits_and_is_written_when_it_can_be(
    reporting: Reporting, caplog: pytest.LogCaptureFixture
) -> None:
    journals = reporting.places.banner_events.journals
    journals.write_bytes(b"")  # a file in place of the folder, as a disk that takes nothing
    assert reporting.report(report(1)).status_code == 200
    wait_until(lambda: "File exists" in caplog.text)
    assert reporting.report(report(2)).status_code == 200
    journals.unlink()
    assert [event.prediction_id for event in reporting.read(2)] == [f"{1:032x}", f"{2:032x}"]


def test_a_service_without_a_log_takes_no_events_and_says_why() -> None:
    with answering(STREAMFLOW, 0.5) as client:
        problem = require_problem(client.request("POST", "/events", json=[report()]), 404)
    assert "keeps no prediction log" in problem["detail"]


def test_an_event_names_the_caller_whose_key_came(tmp_path: Path, bundles: dict[str, Bundle]) -> None:
    guarded = Reporting(tmp_path, bundles["streamflow"], api_keys=SecretStr(TWO_CALLERS))
    with guarded.service:
        guarded.log.start()
        assert guarded.report(report(), **bearer(PORTAL)).status_code == 200
        assert [event.caller for event in guarded.read(1)] == ["portal"]
        guarded.log.stop()


def test_a_worker_forgets_the_oldest_of_too_many_events_and_the_log_still_has_each_once() -> None:
    recent = RecentEvents(most=2)
    first, second, third = (BannerEvent(1, f"{made:032x}", "seen") for made in range(3))
    recent.remember([first, second])
    assert recent.choose_new([first, third]) == [third]
    recent.remember([third])
    assert recent.choose_new([first, second, third]) == [first]


def test_every_event_that_there_is_has_a_cell(reporting: Reporting) -> None:
    reporting.report(*(report(1, event) for event in BANNER_EVENT_NAMES))
    assert {event: reporting.count(event=event) for event in BANNER_EVENT_NAMES} == dict.fromkeys(BANNER_EVENT_NAMES, 1)
