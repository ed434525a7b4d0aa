"""A container of the image as it is run in production: nothing writable, no rights, little memory, one CPU."""

import http.client
import json
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from churn.errors import ImageError
from churn.image.docker import docker

HARDENED = (
    *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),  # noqa: S108
    *("--pids-limit", "128", "--memory", "2g", "--cpus", "1"),
)
PORT = 8000
PATIENCE_S = 30.0
LOOK_EVERY_S = 0.02
STOP_WITHIN_S = 60
LAST_LINES = 5


@dataclass(frozen=True, slots=True)
class Container:
    """A container that answers."""

    name: str  # the engine's name for it
    port: int  # where it listens on 127.0.0.1
    healthy_after_s: float  # how long after `docker run` was called it said to be healthy

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, http.client.HTTPMessage, Any]:
        """Return status, headers and JSON of the answer. Raise OSError if nobody answers."""
        return _request(self.port, method, path, body)

    def stop(self) -> int:
        """Stop it as a platform does, by SIGTERM, and gives its exit code."""
        docker("stop", "--time", str(STOP_WITHIN_S), self.name)
        return int(docker("inspect", "--format", "{{.State.ExitCode}}", self.name))


@contextmanager
def run_container(
    reference: str, *, network: str | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Container]:
    """Yield a hardened container once it is healthy, and remove it at the end, whatever happens.

    Args:
        reference: the image.
        network: `host`, or a network with a port published on 127.0.0.1; the engine's bridge where it has one if not
            given, else `host`.
        environment: more settings of the service.

    Raises:
        ImageError: it ended, or did not get healthy in 30 s; the message has the last lines of its log.
    """
    name = f"churn-{secrets.token_hex(6)}"
    chosen = network or ("bridge" if _has_bridge() else "host")
    port = _free_port() if chosen == "host" else PORT
    variables = {**(environment or {}), "PORT": str(port)}
    options = [
        *("--network", chosen),
        *([] if chosen == "host" else ["--publish", f"127.0.0.1::{PORT}"]),
        *(word for variable, value in variables.items() for word in ("--env", f"{variable}={value}")),
    ]
    started = time.monotonic()
    try:
        docker("run", "--detach", "--name", name, *HARDENED, *options, reference)
        if chosen != "host":
            port = int(docker("port", name, f"{PORT}/tcp").splitlines()[0].rpartition(":")[2])
        _wait_until_healthy(name, port, started + PATIENCE_S)
        yield Container(name, port, time.monotonic() - started)
    finally:
        with suppress(ImageError):  # what went wrong before is what matters
            docker("rm", "--force", "--volumes", name)


def _wait_until_healthy(name: str, port: int, deadline: float) -> None:
    while True:
        with suppress(OSError, http.client.HTTPException):
            status, _, _ = _request(port, "GET", "/health")
            if status == http.HTTPStatus.OK:
                return
        ended = docker("inspect", "--format", "{{.State.Running}}", name) != "true"
        if ended or time.monotonic() > deadline:
            log = docker("logs", "--tail", str(LAST_LINES), name)
            what = "ended at once" if ended else f"was not healthy within {PATIENCE_S:g} s"
            raise ImageError(f"the container {what}; its log ends with:\n{log}", instead="mend that, and build again")
        time.sleep(LOOK_EVERY_S)


def _request(port: int, method: str, path: str, body: Any = None) -> tuple[int, http.client.HTTPMessage, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json"} if content else {})
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())
    finally:
        connection.close()


def _has_bridge() -> bool:
    return "bridge" in docker("network", "ls", "--format", "{{.Name}}").splitlines()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
