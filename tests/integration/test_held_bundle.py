"""A service with two workers whose bundles are changed, removed and exchanged on disk while it runs."""

import contextlib
import functools
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from support.demo_bundle import write_demo_bundle
from support.examples import STREAMFLOW
from support.many_workers import Service
from support.processes import wait_until
from support.scraping import scraped, total

from churn.judging import metrics
from churn.model.bundle import Bundle, load_bundle

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers in Linux's /proc")

LOG = "service.log"
CALLERS = 16  # so many that no worker is left without one


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("held")


@pytest.fixture
def folders(bundles: dict[str, Bundle], home: Path) -> tuple[Path, Path]:
    """The champion's bundle and the challenger's, whole, to be damaged."""
    champion, challenger = home / "champion", home / "challenger"
    for folder in (champion, challenger):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(bundles["streamflow"].path, folder)
    return champion, challenger


@pytest.fixture(scope="module")
def start(home: Path) -> Iterator[Callable[[], Service]]:
    """Starts the service once, when its folders are there."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def start_once() -> Service:
            own: dict[str, Any] = {"CHALLENGER_PATH": home / "challenger", "PREDICTION_LOG": home / "log"}
            started = Service(home / "champion", log=home / LOG, CHURN_HOME=home, **own)
            stack.callback(started.stop)
            return started

        yield start_once


@pytest.fixture
def service(folders: tuple[Path, Path], start: Callable[[], Service]) -> Service:
    """A service that serves what lies in the folders: one for all tests, of which the last changes what it serves."""
    assert all(folder.exists() for folder in folders)
    return start()


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


def list_refusals(home: Path) -> list[str]:
    """What the log says of restarts that were refused."""
    lines = (home / LOG).read_text().split("\n")[:-1]
    events: list[str] = [json.loads(line)["event"] for line in lines]
    return [event for event in events if event.startswith("SIGHUP: the workers go on with what they serve: ")]


def test_what_was_verified_is_served_while_the_folders_are_overwritten_truncated_and_removed(
    service: Service, folders: tuple[Path, Path]
) -> None:
    before, pairs = expected(folders[0]), count_pairs(service)
    for change in (slice(None, None, -1), slice(0, 0)):
        for folder in folders:
            file = folder / "tables_numbers.npy"
            file.write_bytes(file.read_bytes()[change])
        assert ask(service) == {before}
    wait_until(lambda: count_pairs(service) == pairs + 2 * CALLERS, "the challenger has answered everybody")
    for folder in folders:
        shutil.rmtree(folder)
    renew_workers(service, lambda: kill_workers(service))
    assert ask(service) == {before}
    wait_until(lambda: count_pairs(service) == pairs + 3 * CALLERS, "the challenger answers in new workers, too")


def test_a_hangup_changes_nothing_and_says_so_if_what_the_folders_hold_cannot_be_served(
    service: Service, folders: tuple[Path, Path]
) -> None:
    champion, challenger = folders
    before, workers = expected(champion), service.workers()

    def hang_up(reason: str) -> None:
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: any(reason in refusal for refusal in list_refusals(champion.parent)), f"refused: {reason}")
        assert (ask(service), service.workers()) == ({before}, workers)

    damaged = challenger / "tables_numbers.npy"
    damaged.write_bytes(damaged.read_bytes()[::-1])
    hang_up(f"{damaged} was changed after the export")
    shutil.rmtree(champion)
    hang_up(f"there is no bundle at {champion}")
    write_demo_bundle(champion, "v0.0.2", draws=2000, trees=5)
    hang_up(f"the bundle at {champion} holds v0.0.2")


def test_a_hangup_serves_what_the_folder_holds_by_then(service: Service, folders: tuple[Path, Path]) -> None:
    champion, _ = folders
    before = expected(champion)
    shutil.rmtree(champion)
    write_demo_bundle(champion, "v0.0.1", draws=2000, trees=5)
    assert expected(champion) != before
    renew_workers(service, lambda: service.process.send_signal(signal.SIGHUP))
    assert ask(service) == {expected(champion)}
