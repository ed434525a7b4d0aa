"""Stopping a service loses no request: 20 restarts behind HAProxy, which repeats nothing, under wrk's full load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from balancer import balancing, loading
from demo_bundle import write_demo_bundle
from processes import free_port

pytestmark = pytest.mark.xdist_group("docker")

RESTARTS = 20
CONNECTIONS = 16
DRAIN_S = 2  # longer than the two checks, of 500 ms each, that HAProxy takes to believe it
PATIENCE_S = 60


class Service(Protocol):
    """One server that can be stopped and started again."""

    address: str

    def start(self) -> None:
        """Starts it; it need not answer yet."""

    def stop(self) -> int:
        """Tells it to stop, waits until it has, and gives its exit code."""


class Process:
    """The service as a process of this machine."""

    def __init__(self, bundle: Path, workers: int = 1, drain_s: float = DRAIN_S) -> None:
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        own = {"MODEL_PATH": bundle, "PORT": port, "WORKERS": workers, "DRAIN_SECONDS": drain_s}
        self.environment = os.environ | {name: str(value) for name, value in own.items()}
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "churn", "serve"],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("restarts") / "bundle"
    write_demo_bundle(path)
    return path


@pytest.fixture
def services(bundle: Path) -> Iterator[dict[str, Service]]:
    both: dict[str, Service] = {"stable": Process(bundle), "canary": Process(bundle)}
    yield both
    for each in both.values():
        each.stop()


def test_twenty_restarts_under_load_lose_no_request(services: dict[str, Service], tmp_path: Path) -> None:
    with balancing(services["stable"].address, services["canary"].address) as balancer:
        for name in services:
            balancer.wait_until_up(name)
        with loading(balancer.address, tmp_path, connections=CONNECTIONS) as load:
            codes = []
            for turn in range(RESTARTS):
                name = ("stable", "canary")[turn % 2]
                codes.append(services[name].stop())
                services[name].start()
                balancer.wait_until_up(name)
        assert codes == [0] * RESTARTS
        assert balancer.wrong() == {}
    assert load.requests > 0
    assert load.failed == 0
