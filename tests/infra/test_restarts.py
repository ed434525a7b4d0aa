"""Stopping a service loses no request: 20 restarts behind HAProxy, which repeats nothing, under wrk's full load."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from support.balancer import balancing, loading
from support.demo_bundle import write_demo_bundle
from support.images import Built
from support.processes import free_port

from churn.errors import ImageError
from churn.image.container import HARDENED
from churn.image.docker import docker, require_engine

pytestmark = pytest.mark.xdist_group("docker")

RESTARTS = 20
CONNECTIONS = 16
DRAIN_S = 3  # well longer than the two checks, 500 ms apart, that HAProxy takes to believe it
PATIENCE_S = 60


class Service(Protocol):
    """One server that can be stopped and started again."""

    address: str

    def start(self) -> None:
        """Starts it; it need not answer yet."""

    def stop(self) -> int:
        """Tells it to stop, waits until it has, and gives its exit code."""

    def remove(self) -> None:
        """Ends it, however it is."""


class Process:
    """The service as a process of this machine."""

    def __init__(self, bundle: Path) -> None:
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        own = {"MODEL_PATH": bundle, "PORT": port, "WORKERS": 1, "DRAIN_SECONDS": DRAIN_S}
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

    def remove(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)


class Container:
    """The service's image, as hardened as in production; on the machine's network, which every engine has."""

    def __init__(self, image: str) -> None:
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        own = (f"--env=PORT={port}", "--env=HOST=127.0.0.1", f"--env=DRAIN_SECONDS={DRAIN_S}")
        self.name = docker("run", "--detach", "--network=host", *HARDENED, *own, image)

    def start(self) -> None:
        docker("start", self.name)

    def stop(self) -> int:
        docker("stop", f"--time={PATIENCE_S}", self.name)
        return int(docker("inspect", "--format={{.State.ExitCode}}", self.name))

    def remove(self) -> None:
        docker("rm", "--force", self.name)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("restarts") / "bundle"
    write_demo_bundle(path)
    return path


@pytest.fixture
def services(request: pytest.FixtureRequest) -> Iterator[dict[str, Service]]:
    """Containers; without a Docker engine processes, which stop in the same way."""
    both: dict[str, Service] = {}
    try:
        for name in ("stable", "canary"):
            if _there_is_an_engine():
                image: Built = request.getfixturevalue("image")
                both[name] = Container(image.reference)
            else:
                both[name] = Process(request.getfixturevalue("bundle"))
        yield both
    finally:
        for each in both.values():
            each.remove()


def _there_is_an_engine() -> bool:
    try:
        require_engine()
    except ImageError:
        return False
    return True


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
