"""A worker killed under load: those who were with the others notice nothing, and a new one takes its place."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.demo_bundle import write_demo_bundle
from support.many_workers import workers_of
from support.processes import free_port, read_greeting, wait_until

from churn.businesses import find_contract

pytestmark = pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="looks at connections in Linux's /proc")

WORKERS = 2
CALLERS = 24
MOST_CALLERS = 240  # where one worker has a busy core, nearly all may come to the other
PATIENCE_S = 60
HEADERS = {"Content-Type": "application/json"}
BODY = json.dumps(find_contract("streamflow").example())


class Caller(threading.Thread):
    """Keeps one connection and asks on it without a pause. The first failure ends it."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self.stopping = threading.Event()
        self.answered = 0
        self.failure: str | None = None
        self.ask()  # so that the connection is there
        self.own_port = self.connection.sock.getsockname()[1]

    def ask(self) -> None:
        self.connection.request("POST", "/predict", BODY, HEADERS)
        answer = self.connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise http.client.HTTPException(answer.status)
        self.answered += 1

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                self.ask()
        except (OSError, http.client.HTTPException) as error:
            self.failure = repr(error)


def callers_of(worker: int) -> set[int]:
    """The ports from which the connections come that a worker holds."""
    sockets = set()
    for each in Path(f"/proc/{worker}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            if found := re.fullmatch(r"socket:\[(\d+)\]", str(each.readlink())):
                sockets.add(found[1])
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return {int(row[2].split(":")[1], 16) for row in rows if row[9] in sockets}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("killed") / "bundle"
    write_demo_bundle(path)
    return path


@contextmanager
def serving(bundle: Path, port: int) -> Iterator[int]:
    """A service with two workers that both answer; its process id."""
    own = {"MODEL_PATH": str(bundle), "PORT": str(port), "WORKERS": str(WORKERS)}
    process = subprocess.Popen(
        [sys.executable, "-m", "churn", "serve"],
        env=os.environ | own,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        read_greeting(process)
        yield process.pid
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


def test_a_killed_worker_fails_only_its_own_connections_and_is_replaced(bundle: Path) -> None:
    port = free_port()
    with serving(bundle, port) as parent:
        workers = workers_of(parent)
        callers = [Caller(port) for _ in range(CALLERS)]
        while not all(callers_of(worker) & {caller.own_port for caller in callers} for worker in workers):
            assert len(callers) < MOST_CALLERS, "a worker took no connection"
            callers.append(Caller(port))
        assert len(workers) == WORKERS
        victim = max(workers, key=lambda worker: len(callers_of(worker)))
        doomed = callers_of(victim)
        for caller in callers:
            caller.start()
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(workers_of(parent) - {victim}) == WORKERS, "there are two workers again")
        before = sum(caller.answered for caller in callers)
        wait_until(lambda: sum(caller.answered for caller in callers) > before + CALLERS, "requests are answered")
        for caller in callers:
            caller.stopping.set()
        for caller in callers:
            caller.join(PATIENCE_S)
            caller.connection.close()
        assert doomed
        assert [caller.failure for caller in callers if caller.own_port not in doomed and caller.failure] == []
        (new,) = workers_of(parent) - workers
        wait_until(lambda: _reaches(new, port), "the new worker takes connections")


def _reaches(worker: int, port: int) -> bool:
    """Whether one of a few new connections lands with the worker, and is answered."""
    callers = [Caller(port) for _ in range(8)]
    found = callers_of(worker) & {caller.own_port for caller in callers}
    for caller in callers:
        caller.connection.close()
    return bool(found)
