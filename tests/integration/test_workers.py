"""Workers that die, cannot start or are replaced, and a service whose first process is killed."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.many_workers import PATIENCE_S, Service
from support.processes import wait_until
from support.scraping import scraped, total

from churn.judging import metrics
from churn.model.bundle import Bundle

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers in Linux's /proc")


@pytest.fixture
def service(bundles: dict[str, Bundle]) -> Iterator[Service]:
    started = Service(bundles["streamflow"].path)
    yield started
    started.stop()


def lost(service: Service) -> dict[str, float]:
    samples = scraped(service.get("/metrics")[2])
    return {when: total(samples, metrics.WORKERS_LOST.name, when=when) for when in ("starting", "serving")} | {
        "missing": total(samples, metrics.WORKERS_MISSING.name)
    }


def test_while_no_worker_can_answer_every_request_gets_503_and_one_that_starts_is_waited_for(service: Service) -> None:
    assert lost(service) == {"starting": 0, "serving": 0, "missing": 0}
    service.kill_workers()
    starting = service.workers()
    for worker in starting:
        os.kill(worker, signal.SIGSTOP)
    for path in ("/predict", "/health", "/readyz", "/livez"):
        status, headers, problem = service.get(path)
        assert (status, headers["Retry-After"], headers["Connection"]) == (503, "1", "close"), path
        assert headers["Content-Type"] == "application/problem+json"
        assert headers["X-Request-ID"] in problem
    assert lost(service) == {"starting": 0, "serving": 2, "missing": 2}
    for worker in starting:
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: len(service.workers() - starting) == 2, "other workers are started")
    waited_for = service.workers()
    for worker in waited_for:
        os.kill(worker, signal.SIGSTOP)
    time.sleep(6)  # the library's own health check gives them five seconds
    for worker in waited_for:
        os.kill(worker, signal.SIGCONT)
    wait_until(service.is_answering, "they have started")
    assert service.workers() == waited_for
    wait_until(lambda: lost(service) == {"starting": 2, "serving": 2, "missing": 0}, "all of it is counted")


def test_a_hangup_replaces_each_worker_while_the_service_answers(service: Service) -> None:
    before = service.workers()
    service.process.send_signal(signal.SIGHUP)

    def is_replaced() -> bool:
        assert service.is_answering()
        return len(service.workers()) == 2 and not service.workers() & before

    wait_until(is_replaced, "all workers are new")
    assert lost(service) == {"starting": 0, "serving": 0, "missing": 0}


def test_nobody_listens_once_the_first_process_is_killed_and_another_service_starts_at_once(
    bundles: dict[str, Bundle],
) -> None:
    bundle = bundles["streamflow"].path
    killed = Service(bundle)
    os.kill(max(killed.workers()), signal.SIGKILL)
    wait_until(lambda: len(killed.workers()) == 2, "a worker is about to start")
    workers = killed.workers()
    killed.process.kill()
    killed.process.communicate(timeout=PATIENCE_S)
    second = Service(bundle, port=killed.port)
    try:
        assert second.is_answering()
        wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), "the workers have ended")
    finally:
        second.stop()
