"""All processes of a demonstration: HAProxy with the stack's own configuration, the stable service and the canary."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

from churn.errors import ChurnError, RolloutError
from churn.rollout.routers.haproxy import HAProxy
from churn.rollout.routers.router import BASELINE, TRACKS, Track
from demo.faulty_service import FAULT_FILE, STABLE_BUNDLE
from demo.pair import Pair

ROOT = Path(__file__).resolve().parents[1]
CONFIGURATION = ROOT / "deploy" / "haproxy" / "haproxy.cfg"
PATIENCE_S = 60
SALT = "the demonstration's own secret"


class Machine:
    """Run all processes during the `with` block.

    Args:
        pair: the bundles that are served.
        folder: for the file that names the fault.

    Raises:
        ChurnError: there is no HAProxy, or a process does not come up.
    """

    def __init__(self, pair: Pair, folder: Path) -> None:
        self.pair = pair
        self._fault = folder / "fault"
        # A demonstration leaves nothing in the log of the real service.
        self.log = folder / "services" / "predictions"
        self.stable, self.canary, self.baseline, self.service, self.admin = (
            f"127.0.0.1:{free_port()}" for _ in range(5)
        )
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.router = HAProxy(self.admin)

    def __enter__(self) -> Self:
        program = find_program("haproxy")
        if program is None:
            raise ChurnError("no haproxy on PATH", instead="install it; on Debian: apt-get install haproxy")
        self.set_fault("")
        try:
            self._start_haproxy(program)
            self._start_service("stable", "churn", "serve")
            self.start_canary()
            self._wait_until(lambda: answers(f"http://{self.stable}/readyz"), "stable answers")
            self._wait_until(lambda: all(map(self.router.is_healthy, TRACKS)), "HAProxy sees both")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def set_fault(self, name: str) -> None:
        """Give the canary a fault from now on; none if the name is empty."""
        self._fault.write_text(name, encoding="utf-8")

    def start_canary(self) -> None:
        """Start the canary if it does not run, and wait until HAProxy sees it."""
        if "canary" not in self._running or self._running["canary"].poll() is not None:
            self._start_service("canary", "demo.faulty_service")
            self._wait_until(lambda: answers(f"http://{self.canary}/readyz"), "the canary answers")
        self._wait_until(lambda: self.router.is_healthy("canary"), "HAProxy sees the canary")

    def start_baseline(self) -> None:
        """Start the old version once more, on the canary's kind of machine, and wait until HAProxy sees it."""
        if BASELINE not in self._running:
            self._start_service(BASELINE, "demo.faulty_service")
        self._wait_until(lambda: self.router.is_healthy(BASELINE), "HAProxy sees the baseline")

    def kill_canary(self) -> None:
        """Kill the canary, so that it cannot say goodbye."""
        self._running["canary"].kill()
        self._running["canary"].wait()

    def _start_service(self, track: Track, *module: str) -> None:
        address = {"stable": self.stable, "canary": self.canary, BASELINE: self.baseline}[track]
        bundle = self.pair.canary if track == "canary" else self.pair.stable
        own = {
            "MODEL_PATH": str(bundle),
            "CHURN_CONTRACT": self.pair.contract.contract_name,
            "PORT": address.rpartition(":")[2],
            "WORKERS": "1",
            "CHURN_HOME": str(self.log.parent),
            "PREDICTION_LOG": str(self.log),
            "PREDICTION_LOG_SALT": SALT,
            FAULT_FILE: str(self._fault),
            STABLE_BUNDLE: str(self.pair.stable),
        }
        self._running[track] = start_process([sys.executable, "-m", *module], own)

    def _start_haproxy(self, program: str) -> None:
        own = {
            "SERVICE_BIND": self.service, "ADMIN_BIND": self.admin, "STATS_BIND": f"127.0.0.1:{free_port()}",
            "STABLE_ADDRESS": self.stable, "CANARY_ADDRESS": self.canary, "BASELINE_ADDRESS": self.baseline,
            "STABLE_WEIGHT": "100", "CANARY_WEIGHT": "0", "BASELINE_WEIGHT": "0",
            "CHECK_INTERVAL": "200ms", "RETRIES": "2", "NAMESERVER": "127.0.0.1:53",
        }  # fmt: skip
        self._running["haproxy"] = start_process([program, "-db", "-f", str(CONFIGURATION)], own)
        self._wait_until(lambda: bool(self.router.list_servers()), "HAProxy answers")

    def _wait_until(self, holds: Callable[[], bool], what: str) -> None:
        wait_until(holds, what, self._running)

    def _stop(self) -> None:
        for name in reversed(self._running):
            self._running[name].send_signal(signal.SIGKILL if name == "haproxy" else signal.SIGTERM)
        for process in self._running.values():
            process.wait(PATIENCE_S)


def find_program(name: str) -> str | None:
    """Return the path of an installed program."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")


def start_process(command: list[str], own: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a process with variables of its own, without those that name another model or host."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"MODEL_VERSION", "HOST"}}
    return subprocess.Popen(
        command, env={**inherited, **own}, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def wait_until(holds: Callable[[], bool], what: str, running: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """Wait until something holds; a router that does not answer yet does not count as an error.

    Raises:
        ChurnError: it takes too long, or a process has ended.
    """
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            if holds():
                return
        except RolloutError:
            pass
        ended = [name for name, process in running.items() if process.poll() is not None]
        if ended or time.monotonic() > until:
            raise ChurnError(f"not so: {what}", instead=f"see why {' and '.join(ended) or 'it'} does not run")
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Return whether a server answers there without an error."""
    try:
        return httpx2.get(url, trust_env=False).is_success
    except httpx2.TransportError:
        return False


def free_port() -> int:
    """Return a port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
