"""All processes of a demonstration: HAProxy with the stack's own configuration, the stable service and the canary."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

from churn.errors import ChurnError, RolloutError
from churn.rollout.routers.haproxy import HAProxy
from demo.faulty_service import FAULT_FILE

ROOT = Path(__file__).resolve().parents[1]
CONFIGURATION = ROOT / "deploy" / "haproxy" / "haproxy.cfg"
PATIENCE_S = 60
STABLE, CANARY = "v2.3.1", "v2.4.0"


class Machine:
    """Runs from when it is entered until it is left.

    Args:
        bundles: the folder with the bundles v2.3.1 and v2.4.0.
        folder: where the fault is written.

    Raises:
        ChurnError: there is no HAProxy, or a part does not come up.
    """

    def __init__(self, bundles: Path, folder: Path) -> None:
        self.bundles = bundles
        self._fault = folder / "fault"
        self.stable, self.canary, self.service, self.admin = (f"127.0.0.1:{free_port()}" for _ in range(4))
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.router = HAProxy(self.admin)

    def __enter__(self) -> Self:
        program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            raise ChurnError("no haproxy on PATH", instead="install it; on Debian: apt-get install haproxy")
        self.fault("")
        try:
            self._start_haproxy(program)
            self._start("stable", "churn", "serve")
            self.start_canary()
            self._until(lambda: _ready(self.stable), "stable answers")
            self._until(
                lambda: self.router.is_healthy("stable") and self.router.is_healthy("canary"), "HAProxy sees both"
            )
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def fault(self, name: str) -> None:
        """What is wrong with the canary from now on; nothing if it has no name."""
        self._fault.write_text(name, encoding="utf-8")

    def start_canary(self) -> None:
        """Starts it anew if it does not run, and waits until HAProxy sees it."""
        if "canary" not in self._running or self._running["canary"].poll() is not None:
            self._start("canary", "demo.faulty_service")
            self._until(lambda: _ready(self.canary), "the canary answers")
        self._until(lambda: self._says(lambda: self.router.is_healthy("canary")), "HAProxy sees the canary")

    def kill_canary(self) -> None:
        """At once and without a word."""
        self._running["canary"].kill()
        self._running["canary"].wait()

    def _start(self, track: str, *module: str) -> None:
        version, address = (STABLE, self.stable) if track == "stable" else (CANARY, self.canary)
        own = {
            "MODEL_PATH": self.bundles / version,
            "PORT": address.rpartition(":")[2],
            "WORKERS": 1,
            FAULT_FILE: self._fault,
        }
        self._run(track, [sys.executable, "-m", *module], {name: str(value) for name, value in own.items()})

    def _start_haproxy(self, program: str) -> None:
        own = {
            "SERVICE_BIND": self.service, "ADMIN_BIND": self.admin, "STATS_BIND": f"127.0.0.1:{free_port()}",
            "STABLE_ADDRESS": self.stable, "CANARY_ADDRESS": self.canary, "STABLE_WEIGHT": "100", "CANARY_WEIGHT": "0",
            "CHECK_INTERVAL": "200ms", "RETRIES": "2", "NAMESERVER": "127.0.0.1:53",
        }  # fmt: skip
        self._run("haproxy", [program, "-db", "-f", str(CONFIGURATION)], own)
        self._until(lambda: self._says(lambda: bool(self.router.list_servers())), "HAProxy answers")

    def _run(self, part: str, command: list[str], environment: dict[str, str]) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in {"MODEL_VERSION", "HOST"}}
        self._running[part] = subprocess.Popen(
            command, env=kept | environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + PATIENCE_S
        while not holds():
            ended = [part for part, process in self._running.items() if process.poll() is not None]
            if ended or time.monotonic() > until:
                raise ChurnError(f"not so: {what}", instead=f"see why {' and '.join(ended) or 'it'} does not run")
            time.sleep(0.05)

    @staticmethod
    def _says(ask: Callable[[], bool]) -> bool:
        try:
            return ask()
        except RolloutError:
            return False

    def _stop(self) -> None:
        for part in reversed(self._running):
            self._running[part].send_signal(signal.SIGKILL if part == "haproxy" else signal.SIGTERM)
        for process in self._running.values():
            process.wait(PATIENCE_S)


def _ready(address: str) -> bool:
    try:
        return httpx2.get(f"http://{address}/readyz", trust_env=False).is_success
    except httpx2.TransportError:
        return False


def free_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
