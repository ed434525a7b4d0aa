"""Standard output that is closed, full, has no reader or a reader that sleeps: it costs nobody an answer."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from support.processes import free_port, wait_until
from support.scraping import scraped, total

from churn.businesses import find_contract
from churn.judging import metrics
from churn.model.bundle import Bundle

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")

EXAMPLE = find_contract("streamflow").example()
PATIENCE_S = 60
# What a shell does with `churn serve ... > /dev/full` and so on.
SHELL = {
    "full": "exec {} >/dev/full",
    "closed": "exec {} >&-",
    "no reader": "exec {} > >(exit 0)",
    "both full": "exec {} >/dev/full 2>&1",
}


@contextmanager
def running(command: str, **environment: object) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        ["bash", "-c", command],
        env=os.environ | {name: str(value) for name, value in environment.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def is_listening(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def stop(process: subprocess.Popen[str]) -> str:
    """Stop it, which must succeed, and return what it said on standard error."""
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    return said


@pytest.mark.parametrize("kind", ["full", "closed", "no reader"])
def test_lines_that_cannot_be_written_are_counted_said_once_and_cost_no_answer(
    bundles: dict[str, Bundle], tmp_path: Path, kind: str
) -> None:
    port = free_port()
    own = {"MODEL_PATH": bundles["streamflow"].path, "CHURN_HOME": tmp_path, "PORT": port, "WORKERS": 1}
    with (
        running(SHELL[kind].format(f"{sys.executable} -m churn serve"), **own) as process,
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        wait_until(lambda: is_listening(port), "it listens")
        for _ in range(5):
            assert client.post("/predict", json=EXAMPLE).status_code == 200
        assert total(scraped(client.get("/metrics").text), metrics.LOG_LINES_LOST.name) >= 5
        said = stop(process)
    assert "Traceback" not in said
    assert said.count("lines of the log cannot be written") == 1


def test_a_reader_that_sleeps_costs_no_answer_and_no_half_line(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    port = free_port()
    own = {"MODEL_PATH": bundles["streamflow"].path, "CHURN_HOME": tmp_path, "PORT": port, "WORKERS": 1}
    with (
        running(f"exec {sys.executable} -m churn serve", **own) as process,
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        wait_until(lambda: is_listening(port), "it listens")

        def lose_lines() -> float:
            assert client.get("/livez").status_code == 200
            return total(scraped(client.get("/metrics").text), metrics.LOG_LINES_LOST.name)

        wait_until(lose_lines, "the pipe is full")
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
    assert all(json.loads(line) for line in out.splitlines())


@pytest.mark.parametrize(("module", "port_name"), [("portal", "PORTAL_PORT"), ("churn dashboard", "DASHBOARD_PORT")])
def test_portal_and_dashboard_show_their_pages_though_nothing_can_be_written(
    tmp_path: Path, module: str, port_name: str
) -> None:
    port = free_port()
    command = SHELL["both full"].format(f"{sys.executable} -m {module}")
    with running(command, CHURN_HOME=tmp_path, **{port_name: port}) as process:
        wait_until(lambda: is_listening(port), "it listens")
        for _ in range(3):
            assert httpx2.get(f"http://127.0.0.1:{port}/nowhere", trust_env=False).status_code == 404
        assert "Traceback" not in stop(process)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("{} -m churn contract streamflow >/dev/full", 1),
        ("{} -m churn contract streamflow >&- 2>&-", 1),
        ("{} -m churn contract streamflow > >(exit 0)", None),  # it may have been fast enough
        ("{} -m churn contract streamflow 2>/dev/full", 0),
        ("{} -m portal events >&-", 1),
    ],
)
def test_a_command_whose_output_cannot_be_written_ends_without_a_traceback(
    tmp_path: Path, command: str, code: int | None
) -> None:
    line = command.format(sys.executable)
    own = os.environ | {"CHURN_HOME": str(tmp_path)}
    done = subprocess.run(
        ["bash", "-c", line], env=own, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert code is None or done.returncode == code, done.stderr
