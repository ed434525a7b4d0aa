"""HAProxy on this machine with the stack's own configuration, and load through it."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from churn.businesses import find_contract
from support.processes import free_port, wait_until

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "haproxy" / "haproxy.cfg"
PATIENCE_S = 60
COUNTED = ("econ", "eresp", "wretr", "wredis", "hrsp_4xx", "hrsp_5xx")


@dataclass(frozen=True)
class Balancer:
    """A running HAProxy: `address` is where predictions are asked for, `admin` where weights are moved."""

    address: str
    stats: str
    admin: str

    def servers(self) -> dict[str, dict[str, str]]:
        """HAProxy's counters of each server, and of the backend as a whole under `BACKEND`."""
        text = httpx2.get(f"{self.stats}/stats;csv", trust_env=False).text.removeprefix("# ")
        return {row["svname"]: row for row in csv.DictReader(io.StringIO(text)) if row["pxname"] == "service"}

    def wait_until_up(self, name: str) -> None:
        wait_until(lambda: self.servers()[name]["status"] == "UP", f"HAProxy sees {name} up")

    def wrong(self) -> dict[str, int]:
        """What went wrong so far, by counter; repeated requests count, too."""
        backend = self.servers()["BACKEND"]
        return {name: int(backend[name]) for name in COUNTED if int(backend[name] or 0)}


@contextmanager
def balancing(stable: str, canary: str, **environment: str) -> Iterator[Balancer]:
    """HAProxy before two servers, `host:port` each. It repeats no request unless told, so none can fail unseen."""
    program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no haproxy on PATH; on Debian: apt-get install haproxy")
    service, stats, admin = (f"127.0.0.1:{free_port()}" for _ in range(3))
    own = {
        "SERVICE_BIND": service, "STATS_BIND": stats, "ADMIN_BIND": admin,
        "STABLE_ADDRESS": stable, "CANARY_ADDRESS": canary, "STABLE_WEIGHT": "50", "CANARY_WEIGHT": "50",
        "BASELINE_ADDRESS": "127.0.0.1:9", "BASELINE_WEIGHT": "0",
        "CHECK_INTERVAL": "500ms", "RETRIES": "0", "NAMESERVER": "127.0.0.1:53",
    }  # fmt: skip
    process = subprocess.Popen(
        [program, "-db", "-f", CONFIGURATION],
        env=os.environ | own | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    balancer = Balancer(f"http://{service}", f"http://{stats}", admin)
    try:
        wait_until(lambda: process.poll() is None and _answers(f"{balancer.stats}/metrics"), "HAProxy answers")
        yield balancer
    finally:
        process.kill()  # told to stop, it would wait for connections that somebody keeps
        process.wait(PATIENCE_S)


def _answers(address: str) -> bool:
    try:
        return httpx2.get(address, trust_env=False).is_success
    except httpx2.TransportError:
        return False


@dataclass
class Load:
    """What wrk has found, once it has ended."""

    requests: int = 0
    failed: int = 0


@contextmanager
def loading(address: str, folder: Path, *, connections: int) -> Iterator[Load]:
    """Has wrk ask for predictions as fast as they come, until the block ends; then what it yields has figures."""
    program = shutil.which("wrk")
    if program is None:
        pytest.skip("no wrk on PATH; on Debian: apt-get install wrk")
    script = folder / "predict.lua"
    example = json.dumps(find_contract("streamflow").example())
    script.write_text(
        f"wrk.method = 'POST'\nwrk.body = [[{example}]]\nwrk.headers['Content-Type'] = 'application/json'\n"
        "function done(summary)\n"
        "  local e = summary.errors\n"
        "  local failed = e.connect + e.read + e.write + e.status + e.timeout\n"
        "  print(string.format('RESULT %d %d', summary.requests, failed))\n"
        "end\n"
    )
    load = Load()
    command = [program, "-t1", f"-c{connections}", "-d600s", "--timeout", "5s", "-s", str(script), f"{address}/predict"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield load
    finally:
        process.send_signal(signal.SIGINT)  # it stops and reports
        said, _ = process.communicate(timeout=PATIENCE_S)
        if found := re.search(r"RESULT (\d+) (\d+)", said):
            load.requests, load.failed = int(found[1]), int(found[2])
