"""The service is told what became of banners, behind the page, and whatever it does the page is not held up."""

import asyncio

import pytest
from support.broken_servers import BROKEN, JSON, always, in_turn
from support.fake_service import FakeService
from support.small_server import http, small_server
from support.visiting import NOON, Portal, key_of

from churn.client import AsyncChurnClient
from portal.records import Exposure
from portal.reporting import MOST_WAITING, EventReporter

EXPOSURE = Exposure("a" * 32, "somebody", "exposure", "treatment", "p1", "v1", (), "en", None)


def told(portal: Portal, service: FakeService, count: int) -> list[str]:
    """The events that the service was told, once it has so many."""
    for _ in range(1000):
        if len(service.reported) >= count:
            break
        portal.runner.run(asyncio.sleep(0.01))
    return [event["event"] for _, event in service.reported]


def test_the_service_is_told_what_a_subscriber_saw_and_did(portal: Portal, service: FakeService) -> None:
    visitor = portal.visitor(1)
    made = visitor.banner()
    visitor.submit(f"/banners/{made}/opinion", helpful="yes")
    visitor.submit(f"/banners/{made}/dismissal")
    visitor.submit(f"/banners/{made}/opt-out")
    assert told(portal, service, 4) == ["seen", "helpful", "dismissed", "objected"]
    assert {key for key, _ in service.reported} == {key_of(1)}
    assert service.reported[0][1] == {
        "prediction_id": made,
        "event": "seen",
        "time": NOON.isoformat(),
        "model_version": "v0-fake",
    }


def test_an_acceptance_is_told_once_and_an_opinion_only_if_it_helps(portal: Portal, service: FakeService) -> None:
    visitor = portal.visitor(1)
    made = visitor.banner()
    visitor.submit(f"/banners/{made}/opinion", helpful="no")
    visitor.get(f"/offers/{made}")
    for _ in range(2):
        visitor.submit(f"/offers/{made}")
    assert told(portal, service, 2) == ["seen", "accepted"]


def test_nothing_is_told_of_what_was_not_shown(portal: Portal, service: FakeService) -> None:
    service.answer = {**service.answer, "retention": None}
    portal.visitor(1).get()
    assert told(portal, service, 0) == []


class Log:
    """What the reporter says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def warning(self, event: str, *, detail: str, lost: int) -> None:
        self.said.append(f"{event}: {detail}, {lost}")


async def report(address: str, events: int, log: Log, *, until_sent: bool = False) -> EventReporter:
    """A reporter that was given so many events, and then closed, at once or once all were sent."""
    async with AsyncChurnClient(address, budget_s=0.2) as client:
        reporter = EventReporter(client, log)  # type: ignore[arg-type] # all that is asked of a log
        for _ in range(events):
            reporter.report(EXPOSURE, "seen", NOON)
        if until_sent:
            sending = asyncio.create_task(reporter.keep_sending())
            async with asyncio.timeout(60):
                while reporter.waiting:  # noqa: ASYNC110 - only the test waits for that
                    await asyncio.sleep(0.01)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        await reporter.close()
        return reporter


@pytest.mark.parametrize("name", ["is not there", "never answers", "fails"])
def test_what_a_broken_service_does_not_take_is_counted(name: str) -> None:
    log = Log()
    with BROKEN[name]() as address:
        reporter = asyncio.run(report(address, 3, log))
    assert reporter.lost == 3
    assert log.said == ["banner_events_not_reported: the portal stops, and the service did not answer, 3"]


def test_a_queue_that_is_full_takes_no_more_and_counts_them() -> None:
    log = Log()
    with BROKEN["is not there"]() as address:
        reporter = asyncio.run(report(address, MOST_WAITING + 5, log))
    assert reporter.lost == MOST_WAITING + 5
    assert log.said[0] == f"banner_events_not_reported: {MOST_WAITING} others wait already, 1"


def test_what_is_refused_is_lost_at_once_and_told_once_a_minute_at_most() -> None:
    log = Log()
    with small_server(always(http(404, b""))) as address:
        reporter = asyncio.run(report(address, 3, log))
    assert reporter.lost == 3
    assert log.said == ["banner_events_not_reported: the churn service refuses the call with status 404, 1"]


def test_what_a_service_could_not_take_is_sent_again_until_it_can() -> None:
    log = Log()
    with small_server(in_turn(http(500, b""), http(200, b'{"taken":1}', JSON))) as address:
        reporter = asyncio.run(report(address, 2, log, until_sent=True))
    assert (reporter.lost, log.said) == (0, [])
