"""/metrics of a service with two workers: one count, whichever of them answers, also after a death."""

import http.client
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.many_workers import Service
from support.processes import wait_until
from support.scraping import Samples, scraped, total

from churn.businesses import find_contract
from churn.judging import metrics
from churn.model.bundle import Bundle

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers in Linux's /proc")

CALLERS = 24  # so many that no worker is left without one
EXAMPLE = json.dumps(find_contract("streamflow").example())


@pytest.fixture
def service(bundles: dict[str, Bundle]) -> Iterator[Service]:
    started = Service(bundles["streamflow"].path)
    yield started
    started.stop()


def ask(connection: http.client.HTTPConnection, method: str, path: str) -> str:
    connection.request(method, path, EXAMPLE if method == "POST" else None, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.status == 200, text
    return text


def asked_anew(service: Service, predictions: int, *, expected: int) -> list[Samples]:
    """Asks for predictions on many connections, and then on each of them what has been counted.

    A request is counted once its answer has been sent, so whoever asks another worker next may be too early.
    """
    callers = [service.connect() for _ in range(CALLERS)]
    for number in range(predictions):
        ask(callers[number % CALLERS], "POST", "/predict")

    def finished() -> float:
        return total(told(callers[0]), f"{metrics.REQUEST_DURATION.name}_count", route="/predict")

    wait_until(lambda: finished() == expected, f"{expected} requests are counted")
    seen = [told(caller) for caller in callers]
    for caller in callers:
        caller.close()
    return seen


def told(connection: http.client.HTTPConnection) -> Samples:
    return scraped(ask(connection, "GET", "/metrics"))


def test_any_worker_tells_what_all_have_counted_also_after_one_was_killed(service: Service) -> None:
    first = asked_anew(service, 3 * CALLERS, expected=3 * CALLERS)
    victim, other = sorted(service.workers())
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(service.workers() - {victim}) == 2, "there are two workers again")
    assert other in service.workers()
    second = asked_anew(service, 2 * CALLERS, expected=5 * CALLERS)

    for seen, expected in ((first, 3 * CALLERS), (second, 5 * CALLERS)):
        for name in (metrics.PREDICTIONS.name, metrics.TOP_SET.name, f"{metrics.PROBABILITY.name}_count"):
            assert {total(each, name) for each in seen} == {expected}
    scrapes = [total(each, metrics.REQUESTS.name, route="/metrics") for each in (*first, *second)]
    assert scrapes == sorted(scrapes)


def test_a_worker_that_died_with_a_request_leaves_no_request_in_the_queue(service: Service) -> None:
    waiting = [service.connect() for _ in range(CALLERS)]
    for caller in waiting:  # a head whose body does not come is a request that is not yet answered
        caller.putrequest("POST", "/predict")
        caller.putheader("Content-Type", "application/json")
        caller.putheader("Content-Length", "10")
        caller.endheaders()

    def queue() -> float:
        connection = service.connect()
        found = total(told(connection), metrics.QUEUE.name)
        connection.close()
        return found

    wait_until(lambda: queue() == CALLERS + 1, "all of them are in the queue")
    for worker in service.workers():
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: len(service.workers()) == 2, "there are workers again")
    wait_until(service.is_answering, "they answer")
    wait_until(lambda: queue() == 1, "the queue holds the one that asks")
    for caller in waiting:
        caller.close()
