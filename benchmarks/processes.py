"""Start a server with all its processes, wait for it, measure its memory, and always stop it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

START_S = 120.0
STOP_S = 20.0
PROC = Path("/proc")
MIB = 1024


def find_free_port() -> int:
    """Return a port where nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Server:
    """A running server. The end of the block stops all its processes."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], port: int, log: Path) -> None:
        self.port = port
        self.log = log
        self.started = time.perf_counter()
        with log.open("wb") as output:
            # It has a session of its own: so Ctrl+C reaches us first, and we stop the servers in order.
            self.process = subprocess.Popen(
                command, env=dict(environment), stdout=output, stderr=output, start_new_session=True
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        family = [self.process.pid, *list_descendants(self.process.pid)]
        try:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_S)
        finally:  # also if Ctrl+C comes again; one by one, since some servers put their workers into other groups
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()

    def wait_for_answer(self, path: str, body: Any) -> float:
        """Wait for the first 200, and return the seconds since the process was started.

        Raises:
            RuntimeError: the server stopped, or does not answer; its log is named.
        """
        while self.process.poll() is None and time.perf_counter() - self.started < START_S:
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, _ = self.post(path, body)
                if status == http.HTTPStatus.OK:
                    return time.perf_counter() - self.started
            time.sleep(0.01)
        raise RuntimeError(f"the server does not answer; {self.log} says why:\n{self.log.read_text()[-2000:]}")

    def post(self, path: str, body: Any) -> tuple[int, bytes]:
        """Send one request on a connection of its own, and return status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_S)
        with contextlib.closing(connection):
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()

    def measure_memory(self, workers: int) -> dict[str, float]:
        """Return the MiB of a worker on average, and of all processes together.

        The workers are the processes that have worked most: a server's other processes only watch them.
        """
        family = sorted([self.process.pid, *list_descendants(self.process.pid)], key=read_cpu_ticks, reverse=True)
        weights = [read_memory(pid) for pid in family]
        average = {name: sum(weight[name] for weight in weights[:workers]) / workers for name in ("rss", "pss", "uss")}
        return {name: round(value, 1) for name, value in average.items()} | {
            "all_pss": round(sum(weight["pss"] for weight in weights), 1)
        }


def list_descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and all that these have started."""
    children: list[int] = []
    for file in PROC.glob(f"{pid}/task/*/children"):
        with contextlib.suppress(OSError):  # a thread or process may end meanwhile
            children += map(int, file.read_text().split())
    return [pid for child in children for pid in (child, *list_descendants(child))]


def read_cpu_ticks(pid: int) -> int:
    """Return how long a process has worked so far, in clock ticks."""
    fields = (PROC / f"{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def read_memory(pid: int) -> dict[str, float]:
    """Return the resident MiB, the MiB with shared pages split among their processes, and the MiB of its own."""
    sizes: dict[str, int] = {}
    for line in (PROC / f"{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, size = line.partition(":")
        sizes[name] = int(size.split()[0])
    own = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return {"rss": sizes["Rss"] / MIB, "pss": sizes["Pss"] / MIB, "uss": own / MIB}
