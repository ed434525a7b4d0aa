"""The prediction log of a real service: two workers, a real socket, and kill -9 under load."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from support.processes import churn, free_port, read_greeting, succeed, wait_until

from churn.businesses import find_contract
from churn.model.bundle import Bundle

BODY = json.dumps(find_contract("streamflow").example())
HEADERS = {"Content-Type": "application/json", "X-Subscriber-Key": "somebody-in-particular"}
SALT = "a secret of the tests"
PATIENCE_S = 60
# A second, and what a busy machine may take to wake a thread.
MOST_LOST_S = 1.5


class Caller(threading.Thread):
    """Asks without a pause until the service is gone; remembers each answer's id, and when it came."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self.answered: list[tuple[float, str]] = []

    def ask(self) -> None:
        self.connection.request("POST", "/predict", BODY, HEADERS)
        answer = json.loads(self.connection.getresponse().read())
        self.answered.append((time.time(), answer["prediction_id"]))

    def run(self) -> None:
        try:
            while True:
                self.ask()
        except (OSError, http.client.HTTPException):
            self.connection.close()


@contextmanager
def service(home: Path, bundle: Bundle, **more: object) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`churn serve` with two workers in a process group of its own, killed in the end if it still runs."""
    port = free_port()
    settings = {"CHURN_HOME": home, "MODEL_PATH": bundle.path, "PORT": port, "WORKERS": 2, "PREDICTION_LOG_SALT": SALT}
    process = subprocess.Popen(
        [sys.executable, "-m", "churn", "serve"],
        env=os.environ | {name: str(value) for name, value in (settings | more).items()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        read_greeting(process)
        yield process, port
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE_S)


def logged(home: Path) -> dict[str, dict[str, Any]]:
    """All records of the closed segments, by id; an id that stands twice is an error."""
    tables = [pyarrow.parquet.read_table(path) for path in (home / "predictions/streamflow").glob("*/*.parquet")]
    rows = [row for table in tables for row in table.to_pylist()]
    found = {row["prediction_id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def test_after_kill_9_under_load_segments_are_readable_journals_recovered_and_a_second_is_lost_at_most(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    bundle, folder = bundles["streamflow"], tmp_path / "predictions/streamflow"
    with service(tmp_path, bundle, PREDICTION_LOG_SEGMENT_SECONDS=1) as (process, port):
        callers = [Caller(port) for _ in range(8)]
        for caller in callers:
            caller.start()
        wait_until(lambda: any(folder.glob("*/*.parquet")) and any(folder.glob("journals/*.jsonl")))
        os.killpg(process.pid, signal.SIGKILL)
        killed = time.time()
        process.wait(PATIENCE_S)
        for caller in callers:
            caller.join(PATIENCE_S)
    answered = [found for caller in callers for found in caller.answered]
    wait_until(lambda: not closing(folder))  # one that had begun goes on for a moment
    assert logged(tmp_path)
    with service(tmp_path, bundle):
        wait_until(lambda: not any(folder.glob("journals/*.jsonl")))
    records = logged(tmp_path)
    lost = [when for when, prediction_id in answered if prediction_id not in records]
    assert all(killed - when <= MOST_LOST_S for when in lost), [killed - when for when in lost]
    assert b"somebody-in-particular" not in b"".join(path.read_bytes() for path in folder.rglob("*.*"))
    [_, prediction_id] = answered[0]
    replayed = json.loads(succeed(tmp_path, "replay", prediction_id, "--bundle", bundle.path, "--json"))
    assert (replayed["same"], replayed["not_compared"]) == (True, [])


def closing(folder: Path) -> bool:
    """Whether a process is closing journals of this folder."""
    commands = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    return any(
        b"churn.prediction_log.maintenance" in command and str(folder).encode() in command for command in commands
    )


def test_a_service_that_stops_leaves_only_closed_segments(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    with service(tmp_path, bundles["streamflow"]) as (process, port):
        caller = Caller(port)
        for _ in range(20):
            caller.ask()
        caller.connection.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert set(logged(tmp_path)) == {prediction_id for _, prediction_id in caller.answered}
    assert not any((tmp_path / "predictions/streamflow/journals").glob("*.jsonl"))
    listed = json.loads(succeed(tmp_path, "predictions", "list", "--json"))
    assert sum(segment["records"] for segment in listed["segments"]) == 20
    [latest] = json.loads(succeed(tmp_path, "predictions", "tail", "-n", "1", "--json"))
    assert latest["prediction_id"] == caller.answered[-1][1]
    erased = json.loads(
        succeed(tmp_path, "predictions", "erase", HEADERS["X-Subscriber-Key"], "--json", PREDICTION_LOG_SALT=SALT)
    )
    assert erased["erased"] == 20
    assert churn(tmp_path, "replay", latest["prediction_id"]).code == 3


def test_a_subscriber_is_erased_while_the_service_runs(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    def in_journals() -> int:
        paths = (tmp_path / "predictions/streamflow/journals").glob("*.jsonl")
        return sum(path.read_bytes().count(b"\n") - 1 for path in paths)

    with service(tmp_path, bundles["streamflow"]) as (_, port):
        caller = Caller(port)
        for _ in range(20):
            caller.ask()
        wait_until(lambda: in_journals() == 20)
        key, erase = HEADERS["X-Subscriber-Key"], ("predictions", "erase")
        erased = json.loads(succeed(tmp_path, *erase, key, "--json", PREDICTION_LOG_SALT=SALT))
        assert (erased["erased"], erased["journals_still_open"]) == (20, 0)
        assert (logged(tmp_path), in_journals()) == ({}, 0)
        caller.ask()
        caller.connection.close()
        wait_until(lambda: in_journals() == 1)


def test_a_place_that_cannot_be_written_refuses_the_start_if_it_was_asked_for(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    refused = churn(tmp_path, "serve", MODEL_PATH=bundles["streamflow"].path, PREDICTION_LOG=tmp_path / "file")
    assert refused.code == 2
    assert "PREDICTION_LOG" in refused.err


@pytest.mark.parametrize("settings", [{"PREDICTION_LOG": "off"}, {"CHURN_HOME": "/dev/null"}])
def test_a_service_without_a_log_answers_all_the_same(
    bundles: dict[str, Bundle], tmp_path: Path, settings: dict[str, str]
) -> None:
    with service(tmp_path, bundles["streamflow"], WORKERS=1, **settings) as (_, port):
        caller = Caller(port)
        caller.ask()
        caller.connection.close()
    assert caller.answered
    assert not (tmp_path / "predictions").exists()
