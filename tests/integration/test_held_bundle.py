"""A service with two workers whose bundles are changed, removed and exchanged on disk while it runs."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from support.demo_bundle import write_demo_bundle
from support.examples import STREAMFLOW
from support.many_workers import Service
from support.processes import wait_until
from support.scraping import scraped, total

from churn.judging import metrics
from churn.model.bundle import Bundle, load_bundle

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers in Linux's /proc")

CALLERS = 16  # so many that no worker is left without one


@pytest.fixture
def folders(bundles: dict[str, Bundle], tmp_path: Path) -> tuple[Path, Path]:
    """The champion's bundle and the challenger's, to be damaged."""
    served = bundles["streamflow"].path
    return tuple(Path(shutil.copytree(served, tmp_path / name)) for name in ("champion", "challenger"))  # type: ignore[return-value]


@pytest.fixture
def service(folders: tuple[Path, Path], tmp_path: Path) -> Iterator[Service]:
    champion, challenger = folders
    started = Service(champion, CHALLENGER_PATH=challenger, PREDICTION_LOG=tmp_path / "log", CHURN_HOME=tmp_path)
    yield started
    started.stop()


def ask(service: Service) -> set[float | None]:
    """The probabilities that the workers give for the same subscriber, each caller on a connection of its own."""
    return {wait_until(lambda: ask_once(service), "a worker answers") for _ in range(CALLERS)}


def ask_once(service: Service) -> float | None:
    caller = service.connect()
    caller.request("POST", "/predict", json.dumps(STREAMFLOW.example()), {"Content-Type": "application/json"})
    answer = caller.getresponse()
    body = json.loads(answer.read())
    caller.close()
    return None if answer.status == HTTPStatus.SERVICE_UNAVAILABLE else body["churn_probability"]


def count_pairs(service: Service) -> float:
    return total(scraped(service.get("/metrics")[2]), metrics.SHADOW.name, outcome="paired")


def expected(path: Path) -> float:
    return load_bundle(path).model.predict([STREAMFLOW.model_validate(STREAMFLOW.example())])[0].probability


def renew_workers(service: Service, send: Callable[[], None]) -> None:
    before = service.workers()
    send()
    wait_until(lambda: len(service.workers()) == 2 and not service.workers() & before, "all workers are new")


def kill_workers(service: Service) -> None:
    for worker in service.workers():
        os.kill(worker, signal.SIGKILL)


def test_what_was_verified_is_served_while_the_folders_are_overwritten_truncated_and_removed(
    service: Service, folders: tuple[Path, Path]
) -> None:
    before = expected(folders[0])
    for change in (slice(None, None, -1), slice(0, 0)):
        for folder in folders:
            file = folder / "tables_numbers.npy"
            file.write_bytes(file.read_bytes()[change])
        assert ask(service) == {before}
    wait_until(lambda: count_pairs(service) == 2 * CALLERS, "the challenger has answered everybody")
    for folder in folders:
        shutil.rmtree(folder)
    renew_workers(service, lambda: kill_workers(service))
    assert ask(service) == {before}
    wait_until(lambda: count_pairs(service) == 3 * CALLERS, "the challenger answers in new workers, too")


def test_a_hangup_serves_what_the_folder_holds_by_then_if_that_can_be_served(
    service: Service, folders: tuple[Path, Path]
) -> None:
    champion, _ = folders
    before, workers = expected(champion), service.workers()
    shutil.rmtree(champion)
    service.process.send_signal(signal.SIGHUP)
    assert (ask(service), service.workers()) == ({before}, workers)

    write_demo_bundle(champion, "v0.0.1", draws=2000, trees=5)
    assert expected(champion) != before
    renew_workers(service, lambda: service.process.send_signal(signal.SIGHUP))
    assert ask(service) == {expected(champion)}
