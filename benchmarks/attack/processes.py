"""Start what is attacked: a small bundle, the service on it, and callers that note how each request ended."""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Self

from benchmarks.models import CHAMPION, CONTRACT, make_bundle
from benchmarks.processes import PROC, Server, find_free_port
from churn.businesses import find_contract

EXAMPLE = json.dumps(find_contract(CONTRACT).example())
JSON_TYPE = {"Content-Type": "application/json"}
PATIENCE_S = 10.0
LATE_S = 1.0
PAUSE_S, LONG_PAUSE_S = 0.005, 0.1  # after an answer, and after none
GREETING = "Stop with Ctrl+C"
START_S = 90.0


class Service(Server):
    """A service as a process of its own. The end of the block stops it."""

    def __init__(self, bundle: Path, home: Path, *, workers: int = 2, port: int | None = None, **more: str) -> None:
        port = port or find_free_port()
        own = {"CHURN_HOME": str(home), "MODEL_PATH": str(bundle), "PORT": str(port), "WORKERS": str(workers)}
        command = [sys.executable, "-m", "churn", "serve"]
        super().__init__(command, {**os.environ, **own, **more}, port, home / f"service-{time.monotonic_ns()}.log")

    def is_serving(self) -> bool:
        """Return whether it has said that all its workers answer."""
        return GREETING in self.log.read_text(errors="replace")

    def wait_until_serving(self) -> bool:
        """Return whether it serves in time."""
        return wait_for(lambda: self.process.poll() is not None or self.is_serving(), START_S) and self.is_serving()

    def list_workers(self) -> list[int]:
        """Return the processes of its workers, in no order."""
        origins = [pid for pid in list_children(self.process.pid) if "forkserver" in read_command(pid)]
        return [worker for origin in origins for worker in list_children(origin)]


def make_attacked_bundle(home: Path) -> Path:
    """Make a bundle in a folder, as `churn train` does."""
    return make_bundle(CHAMPION, home)


def list_children(pid: int) -> list[int]:
    """Return the processes that a process has started; none if it is gone."""
    try:
        return [int(child) for child in (PROC / f"{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def read_command(pid: int) -> str:
    """Return a process's command line; empty if it is gone."""
    try:
        return (PROC / f"{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


def wait_for(holds: Callable[[], object], patience_s: float) -> bool:
    """Ask again and again until it holds, and return whether it did in time."""
    until_s = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > until_s:
            return False
        time.sleep(0.02)
    return True


def ask(port: int, method: str = "POST", path: str = "/predict") -> int | str:
    """Send one request on a connection of its own. Return its status, or the name of the error."""
    return exchange(port, method, path)[0]


def exchange(port: int, method: str = "POST", path: str = "/predict") -> tuple[int | str, bytes]:
    """Send one request, and return the body, too; empty after an error."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, EXAMPLE if method == "POST" else None, JSON_TYPE)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__, b""
    finally:
        connection.close()


def read_metric(port: int, name: str) -> float | None:
    """Return the sum of a metric's samples; None if it cannot be read."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    values = [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
    return sum(values) if values else None


class Callers:
    """Threads that ask without end, until the end of the block.

    Attributes:
        outcomes: counts of statuses and errors.
        late: the number of answers after `LATE_S`.
        prediction_ids: of all answers.
    """

    def __init__(self, port: int, number: int) -> None:
        self.outcomes: Counter[int | str] = Counter()
        self.late = 0
        self.prediction_ids: list[str] = []
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(number)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_S + 1)

    def _run(self) -> None:
        outcome: int | str = HTTPStatus.OK
        while not self._stop.wait(PAUSE_S if outcome == HTTPStatus.OK else LONG_PAUSE_S):
            asked_s = time.monotonic()
            outcome, body = exchange(self._port)
            self.outcomes[outcome] += 1
            if outcome == HTTPStatus.OK:
                self.late += time.monotonic() - asked_s > LATE_S
                self.prediction_ids.append(json.loads(body)["prediction_id"])
