"""/metrics of a service with two workers: one count, whichever of them answers, also after a death."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from balancer import wait_until
from demo_bundle import write_demo_bundle
from processes import free_port
from scraping import Samples, scraped, total

from churn import measures
from churn.contracts import find_contract

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers in Linux's /proc")

CALLERS = 24  # so many that no worker is left without one
PATIENCE_S = 60
EXAMPLE = json.dumps(find_contract("streamflow").example())


class Service:
    """A service with two workers, and connections to both."""

    def __init__(self, bundle: Path) -> None:
        self.port = free_port()
        own = {"MODEL_PATH": str(bundle), "PORT": str(self.port), "WORKERS": "2"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "churn", "serve"],
            env=os.environ | own,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        assert any("Stop with Ctrl+C" in line for line in self.process.stderr)

    def connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.connect()
        return connection

    def workers(self) -> set[int]:
        parent = self.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return {int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE_S)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    write_demo_bundle(tmp_path / "bundle")
    started = Service(tmp_path / "bundle")
    yield started
    started.stop()


def ask(connection: http.client.HTTPConnection, method: str, path: str) -> str:
    connection.request(method, path, EXAMPLE if method == "POST" else None, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.status == 200, text
    return text


def on_new_connections(service: Service, predictions: int) -> list[Samples]:
    """Predictions over many connections, and then what each of these connections is told has been counted."""
    callers = [service.connect() for _ in range(CALLERS)]
    for number in range(predictions):
        ask(callers[number % CALLERS], "POST", "/predict")
    seen = [scraped(ask(caller, "GET", "/metrics")) for caller in callers]
    for caller in callers:
        caller.close()
    return seen


def test_any_worker_tells_what_all_have_counted_also_after_one_was_killed(service: Service) -> None:
    first = on_new_connections(service, 3 * CALLERS)
    assert {total(seen, measures.PREDICTIONS) for seen in first} == {3 * CALLERS}
    assert {total(seen, f"{measures.REQUEST_DURATION}_count", route="/predict") for seen in first} == {3 * CALLERS}
    # Each scrape counts those before it: they only grow, in whichever worker they were.
    assert [total(seen, measures.REQUESTS, route="/metrics") for seen in first] == list(range(CALLERS))
    assert {total(seen, measures.QUEUE) for seen in first} == {1}

    victim, other = sorted(service.workers())
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(service.workers() - {victim}) == 2, "there are two workers again")
    assert other in service.workers()
    second = on_new_connections(service, 2 * CALLERS)
    assert {total(seen, measures.PREDICTIONS) for seen in second} == {5 * CALLERS}
    assert {total(seen, measures.QUEUE) for seen in second} == {1}


def test_a_worker_that_died_with_a_request_leaves_no_request_in_the_queue(service: Service) -> None:
    waiting = [service.connect() for _ in range(CALLERS)]
    for caller in waiting:  # a head whose body does not come is a request that is not yet answered
        caller.putrequest("POST", "/predict")
        caller.putheader("Content-Type", "application/json")
        caller.putheader("Content-Length", "10")
        caller.endheaders()

    def queue() -> float:
        connection = service.connect()
        found = scraped(ask(connection, "GET", "/metrics"))
        connection.close()
        return total(found, measures.QUEUE)

    wait_until(lambda: queue() == CALLERS + 1, "all of them are in the queue")
    for worker in service.workers():
        os.kill(worker, signal.SIGKILL)
    # Nobody answers until there are new workers, which wait until the old ones are buried.
    wait_until(lambda: len(service.workers()) == 2, "there are workers again")
    wait_until(lambda: queue() == 1, "the queue holds the one that asks")
    for caller in waiting:
        caller.close()
