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

from churn.cpus import read_cpu_s
from churn.judging import metrics
from churn.model.bundle import Bundle

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers in Linux's /proc")


@pytest.fixture(scope="module")
def service(bundles: dict[str, Bundle]) -> Iterator[Service]:
    started = Service(bundles["streamflow"].path)
    yield started
    started.stop()


@pytest.fixture
def before(service: Service) -> dict[str, float]:
    """What was lost before a test."""
    wait_until(lambda: lost(service)["missing"] == 0, "the service is whole")
    return lost(service)


def lost(service: Service) -> dict[str, float]:
    samples = scraped(service.get("/metrics")[2])
    return {when: total(samples, metrics.WORKERS_LOST.name, when=when) for when in ("starting", "serving")} | {
        "missing": total(samples, metrics.WORKERS_MISSING.name)
    }


def more(lost_before: dict[str, float], **lost_since: int) -> dict[str, float]:
    return {when: number + lost_since.get(when, 0) for when, number in lost_before.items()}


def test_while_no_worker_can_answer_every_request_gets_503_and_one_that_starts_is_waited_for(
    service: Service, before: dict[str, float]
) -> None:
    service.kill_workers()
    starting = service.workers()
    for worker in starting:
        os.kill(worker, signal.SIGSTOP)
    for path in ("/predict", "/health", "/readyz", "/livez"):
        status, headers, problem = service.get(path)
        assert (status, headers["Retry-After"], headers["Connection"]) == (503, "1", "close"), path
        assert headers["Content-Type"] == "application/problem+json"
        assert headers["X-Request-ID"] in problem
    assert lost(service) == more(before, serving=2, missing=2)
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
    wait_until(lambda: lost(service) == more(before, starting=2, serving=2), "all of it is counted")


def test_a_worker_starts_with_a_fraction_of_the_work_of_loading_all_that_it_needs(service: Service) -> None:
    wait_until(service.is_answering)
    loaded_s = read_cpu_s(service.origin()) or 0.0
    assert all((read_cpu_s(worker) or loaded_s) < loaded_s / 2 for worker in service.workers())


def test_workers_stay_when_their_origin_is_told_to_stop_and_are_replaced_when_it_is_killed(
    service: Service, before: dict[str, float]
) -> None:
    workers, origin = service.workers(), service.origin()
    for told in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):  # as a supervisor tells all processes of a service
        os.kill(origin, told)
    os.kill(min(workers), signal.SIGKILL)
    wait_until(lambda: lost(service) == more(before, serving=1), "the worker is replaced")
    assert service.origin() == origin
    workers = service.workers()
    os.kill(origin, signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), "the workers end with it")
    wait_until(lambda: lost(service) == more(before, serving=3), "all workers are replaced")
    assert service.origin() != origin


def test_a_hangup_replaces_each_worker_while_the_service_answers(service: Service, before: dict[str, float]) -> None:
    workers = service.workers()
    service.process.send_signal(signal.SIGHUP)

    def is_replaced() -> bool:
        assert service.is_answering()
        return len(service.workers()) == 2 and not service.workers() & workers

    wait_until(is_replaced, "all workers are new")
    assert lost(service) == before


def test_where_no_copies_can_be_made_workers_load_all_themselves(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    too_long_for_a_socket = tmp_path / ("temporary" * 12)
    too_long_for_a_socket.mkdir()
    service = Service(bundles["streamflow"].path, TMPDIR=too_long_for_a_socket)
    try:
        assert service.is_answering()
        assert not service.workers()
    finally:
        service.stop()


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
