"""What scripts/serve runs: service, portal, its team's pages and dashboard, which start, answer and stop together."""

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

from churn.model.bundle import Bundle

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "lib" / "serve_both.py"
PATIENCE_S = 120
PORTS = ("PORT", "PORTAL_PORT", "PORTAL_TEAM_PORT", "DASHBOARD_PORT")


@contextmanager
def both(home: Path, **environment: object) -> Iterator[subprocess.Popen[str]]:
    own = {"CHURN_HOME": home, "WORKERS": 1, **environment}
    process = subprocess.Popen(
        [sys.executable, SCRIPT],
        env=os.environ | {name: str(value) for name, value in own.items()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


def is_free(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl c", "terminate"])
def test_all_say_where_they_are_and_one_signal_stops_all(
    tmp_path: Path, bundles: dict[str, Bundle], number: signal.Signals
) -> None:
    ports = {name: free_port() for name in PORTS}
    with both(tmp_path, MODEL_PATH=bundles["streamflow"].path, **ports) as process:
        assert process.stderr is not None
        said = ""
        while said.count("Stop with Ctrl+C") < 4:
            line = process.stderr.readline()
            assert line, said
            said += line
        for port in ports.values():
            assert f"http://127.0.0.1:{port}" in said
        assert httpx2.get(f"http://127.0.0.1:{ports['PORTAL_PORT']}/sign-in", trust_env=False).status_code == 200
        assert (
            httpx2.get(f"http://127.0.0.1:{ports['PORTAL_TEAM_PORT']}/team/events", trust_env=False).status_code == 200
        )
        assert httpx2.get(f"http://127.0.0.1:{ports['DASHBOARD_PORT']}/", trust_env=False).status_code == 200
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0
    assert all(map(is_free, ports.values()))


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells processes of their parent's end")
def test_all_stop_when_the_script_is_killed(tmp_path: Path, bundles: dict[str, Bundle]) -> None:
    ports = {name: free_port() for name in PORTS}
    with both(tmp_path, MODEL_PATH=bundles["streamflow"].path, **ports) as process:
        assert process.stderr is not None
        for _ in range(4):
            assert any("Stop with Ctrl+C" in line for line in iter(process.stderr.readline, ""))
        process.kill()
        wait_until(lambda: all(map(is_free, ports.values())), "nobody listens")


def test_a_service_that_cannot_start_gives_its_exit_code_and_there_are_no_pages(tmp_path: Path) -> None:
    ports = {name: free_port() for name in PORTS}
    with both(tmp_path, MODEL_PATH=tmp_path / "nowhere", **ports) as process:
        assert process.wait(PATIENCE_S) == 4
    assert all(map(is_free, ports.values()))


@pytest.mark.parametrize(
    ("name", "what"),
    [("PORTAL_PORT", "portal"), ("PORTAL_TEAM_PORT", "portal's team app"), ("DASHBOARD_PORT", "dashboard")],
)
def test_a_port_that_is_taken_is_one_sentence_before_anything_starts(tmp_path: Path, name: str, what: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        free = {name: free_port() for name in PORTS}
        with both(tmp_path / "home", **free | {name: port}) as process:
            _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert said.startswith(f"error: the {what} cannot listen on 127.0.0.1 port {port}")
    assert not (tmp_path / "home").exists()
