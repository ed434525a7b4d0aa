"""A service with two workers as a process of its own, for Linux."""

import http.client
import os
import signal
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path

from support.processes import free_port, read_greeting, wait_until

PATIENCE_S = 60


class Service:
    """A service with two workers, and connections to both.

    Args:
        log: where it writes its log, if anywhere.
    """

    def __init__(
        self, bundle: Path, *, port: int | None = None, log: Path = Path(os.devnull), **environment: object
    ) -> None:
        self.port = port or free_port()
        own = {"MODEL_PATH": str(bundle), "PORT": str(self.port), "WORKERS": "2"}
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "churn", "serve"],
                env=os.environ | own | {name: str(value) for name, value in environment.items()},
                stdout=out,
                stderr=subprocess.PIPE,
                text=True,
            )
        self.said = read_greeting(self.process)

    def connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.connect()
        return connection

    def get(self, path: str) -> tuple[int, http.client.HTTPMessage, str]:
        connection = self.connect()
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.headers, text

    def is_answering(self) -> bool:
        return self.get("/health")[0] == HTTPStatus.OK

    def workers(self) -> set[int]:
        return workers_of(self.process.pid)

    def origin(self) -> int:
        """The process that workers are copies of."""
        [origin] = filter(is_origin, children_of(self.process.pid))
        return origin

    def kill_workers(self) -> None:
        """Kill all workers, and wait for as many new ones."""
        killed = self.workers()
        for worker in killed:
            os.kill(worker, signal.SIGKILL)
        wait_until(lambda: len(self.workers() - killed) == len(killed), "there are new workers")

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE_S)


def workers_of(service: int) -> set[int]:
    """The processes that serve: copies of one that its first process has started."""
    return {worker for child in children_of(service) if is_origin(child) for worker in children_of(child)}


def is_origin(process: int) -> bool:
    try:
        return b"forkserver" in Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return False


def children_of(process: int) -> set[int]:
    try:
        return {int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()}
    except (FileNotFoundError, ProcessLookupError):
        return set()
