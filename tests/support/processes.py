"""The command line as its users start it: a process of its own, with a home of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 600
# What these tests, or MLflow in their process, set for themselves.
NOT_HANDED_ON = {"MODEL_PATH", "MODEL_VERSION", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"}


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str


def churn(home: Path, *arguments: str | Path, **environment: object) -> Done:
    """Runs `churn ARGUMENTS` to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "churn", *map(str, arguments)],
        env=_environment(home, environment),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def succeed(home: Path, *arguments: str | Path, **environment: object) -> str:
    """Runs `churn ARGUMENTS`, which must succeed; gives what it printed."""
    done = churn(home, *arguments, **environment)
    assert done.code == 0, done.err
    return done.out


@contextmanager
def serving(home: Path, *arguments: str, **environment: object) -> Iterator[tuple[str, str]]:
    """A command that serves, from when it is ready: its address, and what it had said by then."""
    with serving_with_log(home, Path(os.devnull), *arguments, **environment) as address_and_said:
        yield address_and_said


@contextmanager
def serving_with_log(home: Path, log: Path, *arguments: str, **environment: object) -> Iterator[tuple[str, str]]:
    """The same, with its log in a file."""
    port = free_port()
    with _running("churn", *arguments, environment=_environment(home, {"PORT": port, **environment}), log=log) as said:
        yield f"http://127.0.0.1:{port}", said


@contextmanager
def portal(home: Path, **environment: object) -> Iterator[str]:
    """The portal as a process, from when it is ready: its address."""
    port = free_port()
    with _running("portal", environment=_environment(home, {"PORTAL_PORT": port, **environment})):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def team_pages(home: Path, **environment: object) -> Iterator[str]:
    """The portal's pages for the team as a process, from when it is ready: their address."""
    port = free_port()
    with _running("portal", "team", environment=_environment(home, {"PORTAL_TEAM_PORT": port, **environment})):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(module: str, *arguments: str, environment: dict[str, str], log: Path = Path(os.devnull)) -> Iterator[str]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=environment,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
        )
    try:
        yield read_greeting(process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0


def read_greeting(process: subprocess.Popen[str]) -> str:
    """Read what a program that serves says until it is ready. One that ends before fails the test with its words."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if "Stop with Ctrl+C" in line:
            return said
    raise AssertionError(said)


def wait_until[T](holds: Callable[[], T], what: str = "it holds", *, patience_s: float = 60) -> T:
    """Ask again and again until it holds, and return what it gave."""
    until = time.monotonic() + patience_s
    while not (result := holds()):
        assert time.monotonic() < until, f"not within {patience_s} s: {what}"
        time.sleep(0.01)
    return result


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def _environment(home: Path, more: dict[str, object]) -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON}
    # One worker starts soonest; a test that wants more says so.
    return known | {"CHURN_HOME": str(home), "WORKERS": "1"} | {name: str(value) for name, value in more.items()}
