"""Whatever the service does, the page comes: without banner, in time, and with a line in the log that says why."""

import sqlite3
import time
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest
from support.broken_servers import BROKEN, NONSENSE, REFUSING, UNAVAILABLE
from support.fake_service import OFFER, FakeService, with_retention
from support.visiting import Portal

BUDGET_MS = 200
SLACK_S = 1.0  # for a machine that is busy with other tests
KINDS = {
    name: kind
    for servers, kind in ((UNAVAILABLE, "unavailable"), (NONSENSE, "nonsense"), (REFUSING, "refused"))
    for name in servers
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_page_comes_without_banner_if_the_service(name: str, tmp_path: Path) -> None:
    server: AbstractContextManager[str] = BROKEN[name]()
    with server as address, Portal(tmp_path, address, service_budget_ms=BUDGET_MS) as portal:
        visitor = portal.visitor(1)
        began = time.monotonic()
        response = visitor.get()
        took_s = time.monotonic() - began
        assert response.status_code == 200
        assert "Your next bill" in response.text
        assert "data-banner" not in response.text
        assert took_s < BUDGET_MS / 1000 + SLACK_S
        assert [line["kind"] for line in portal.said("service_failed")] == [KINDS[name]]


@pytest.mark.parametrize(
    "answer",
    [
        with_retention(offer={**OFFER, "expires": "soon"}),
        with_retention(offer={**OFFER, "discount_dollars": -5.0}),
        with_retention(offer={**OFFER, "months": 10**9}),
        {**with_retention(), "prediction_id": "../../sign-out"},
        {**with_retention(), "prediction_id": ""},
    ],
    ids=["a day that is none", "a negative discount", "a billion months", "a path for an id", "no id"],
)
def test_an_answer_of_the_right_shape_that_makes_no_sense_is_not_shown(
    portal: Portal, service: FakeService, answer: Any
) -> None:
    service.rule = lambda _: answer
    service.numbered = False
    assert "data-banner" not in portal.visitor(1).get().text
    assert [line["kind"] for line in portal.said("service_failed")] == ["nonsense"]


def in_the_store(portal: Portal, statement: str) -> None:
    """Does something to the portal's file behind its back."""
    with closing(sqlite3.connect(portal.settings.store_path)) as other:
        other.execute(statement)


def test_a_banner_that_cannot_be_recorded_is_not_shown(portal: Portal) -> None:
    full = "CREATE TRIGGER full BEFORE INSERT ON exposures BEGIN SELECT RAISE (ABORT, 'no room'); END"
    in_the_store(portal, full)
    response = portal.visitor(1).get()
    assert response.status_code == 200
    assert "data-banner" not in response.text
    assert [line["detail"] for line in portal.said("exposure_not_recorded")] == ["no room"]


def test_a_file_that_another_locks_costs_the_page_no_time_and_the_exposure_is_written_later(portal: Portal) -> None:
    visitor = portal.visitor(1)
    with closing(sqlite3.connect(portal.settings.store_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        page = visitor.get().text
        assert time.monotonic() - began < BUDGET_MS / 1000 + SLACK_S
        assert "data-banner" in page
        assert other.execute("SELECT count(*) FROM exposures").fetchone() == (0,)
        other.execute("COMMIT")
        until = time.monotonic() + 20
        while other.execute("SELECT count(*) FROM exposures").fetchone() == (0,):
            assert time.monotonic() < until
            time.sleep(0.02)
    assert portal.said("exposure_not_recorded") == []


def test_if_all_fails_there_is_still_a_page_and_a_traceback_in_the_log(portal: Portal) -> None:
    visitor = portal.visitor(1)
    in_the_store(portal, "ALTER TABLE responses RENAME TO elsewhere")
    response = visitor.get()
    assert response.status_code == 500
    assert "Something went wrong" in response.text
    assert "content-security-policy" in response.headers
    assert len(portal.said("request_failed")) == 1


def test_the_log_names_no_subscriber(portal: Portal) -> None:
    portal.visitor(1).banner()
    # Durations hold any digits by chance.
    words = str([{**line, "duration_ms": None} for line in portal.capture.entries])
    assert not any(text in words for text in ("91cf3223f2b4e13a", "1253"))
