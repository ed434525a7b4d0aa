"""The portal as a process: how it starts, what it says, and how it ends."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from support.processes import free_port, read_greeting

from portal.business import load_business

PATIENCE_S = 60


@contextmanager
def started(home: Path, **environment: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A portal that listens, and its address."""
    port = free_port()
    own = {"CHURN_HOME": home, "PORTAL_PORT": port, "SERVICE_URL": f"http://127.0.0.1:{free_port()}", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "portal"],
        env=os.environ | {name: str(value) for name, value in own.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        read_greeting(process)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def test_it_serves_until_it_is_told_to_stop_which_is_no_failure(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with started(tmp_path) as (process, address):
            assert httpx2.get(f"{address}/sign-in", trust_env=False).status_code == 200
            process.send_signal(number)
            assert process.wait(PATIENCE_S) == 0


def test_every_line_of_its_log_is_json_and_none_names_a_subscriber_or_the_key(tmp_path: Path) -> None:
    with started(tmp_path) as (process, address), httpx2.Client(base_url=address, trust_env=False) as browser:
        token = browser.get("/sign-in").text.partition('name="form_token" value="')[2].partition('"')[0]
        key = load_business("streamflow").subscribers[0].key
        browser.post("/sign-in", data={"form_token": token, "subscriber": key})
        assert browser.get("/").status_code == 200
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=PATIENCE_S)
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["kind"] for line in lines if line["event"] == "service_failed"] == ["unavailable"]
    assert all({"event", "level", "time"} <= set(line) for line in lines)
    secret = (tmp_path / "portal" / "secret").read_text()
    # Times and durations hold any digits by chance.
    words = str(
        [{name: value for name, value in line.items() if name not in {"time", "duration_ms"}} for line in lines]
    )
    assert not any(text in words for text in (key, secret, token, "1253"))


def test_what_is_not_http_gets_a_page_with_the_security_headers(tmp_path: Path) -> None:
    with started(tmp_path) as (_, address):
        host, _, port = address.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), PATIENCE_S) as connection:
            connection.sendall(b"nonsense\r\n\r\n")
            answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"content-security-policy: default-src 'none'" in answer
    assert b"That could not be read" in answer


def test_what_it_keeps_is_its_owners_only(tmp_path: Path) -> None:
    with started(tmp_path):
        assert stat.S_IMODE((tmp_path / "portal").stat().st_mode) == 0o700


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _run(CHURN_HOME=tmp_path, PORTAL_PORT=port)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: the portal cannot listen on 127.0.0.1 port {port}: ")
    assert "instead: stop what listens there, or set PORTAL_HOST and PORTAL_PORT" in done.stderr


def test_a_setting_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    done = _run(CHURN_HOME=tmp_path, SERVICE_URL="http://", SERVICE_BUDGET_MS="100")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_events_are_counted_on_the_command_line(tmp_path: Path) -> None:
    assert json.loads(_run("events", "--json", CHURN_HOME=tmp_path).stdout) == []
    assert _run("events", CHURN_HOME=tmp_path).stdout == "Nothing has happened yet.\n"


def test_it_explains_itself() -> None:
    done = _run("--help")
    assert done.returncode == 0
    assert "Example: PORTAL_PORT=8001" in done.stdout


def _run(*arguments: str, **environment: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "portal", *arguments],
        env=os.environ | {name: str(value) for name, value in environment.items()},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
