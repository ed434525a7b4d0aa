"""The command `churn loadtest` against the real service, and its exit codes."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.processes import churn, free_port, serving
from support.small_server import PREDICTION, http, small_server

from churn.model.bundle import Bundle

FEW = ("--requests", "40", "--warmup", "4", "--slo-p99-ms", "60000")


@pytest.fixture(scope="module")
def service(bundles: dict[str, Bundle], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("home"), "serve", MODEL_PATH=bundles["streamflow"].path) as (address, _):
        yield address


@pytest.mark.parametrize("how", [("--connections", "3"), ("--rate", "200", "--arrivals", "poisson")])
def test_the_real_service_answers_every_request_with_a_prediction(
    service: str, tmp_path: Path, how: tuple[str, ...]
) -> None:
    files = [tmp_path / "new" / name for name in ("load.json", "load.png")]
    done = churn(tmp_path, "loadtest", service, *FEW, *how, "--json", "--out", files[0], "--out", files[1])
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert (report["requests"], report["answered"], report["errors"]) == (40, 40, {})
    assert report["model_versions"] == {"v0.0.1": 40}
    assert 0 < report["median_ms"] <= report["p99_ms"] <= report["max_ms"]
    assert json.loads(files[0].read_text()) == report
    assert files[1].read_bytes().startswith(b"\x89PNG")


def test_the_table_is_what_people_see_and_the_page_is_written(service: str, tmp_path: Path) -> None:
    done = churn(tmp_path, "loadtest", service, *FEW, "--out", tmp_path / "load.html")
    assert done.code == 0, done.err
    assert "closed loop, 8 connections" in done.out
    assert "met: p99 of" in done.out
    assert "<!doctype html>" in (tmp_path / "load.html").read_text()


def test_an_objective_that_is_missed_is_exit_code_1_and_still_reported(service: str, tmp_path: Path) -> None:
    done = churn(tmp_path, "loadtest", service, *FEW, "--slo-p99-ms", "0.001", "--json")
    assert done.code == 1
    assert json.loads(done.out)["passed"] is False
    assert "ms is not under 0.001 ms" in done.err


def test_subscribers_of_another_contract_are_refused_by_the_service_and_fail_the_test(
    service: str, tmp_path: Path
) -> None:
    done = churn(tmp_path, "loadtest", service, *FEW, "--json", CHURN_CONTRACT="telco")
    assert done.code == 1
    assert json.loads(done.out)["errors"] == {"status 422": 40}


@pytest.mark.parametrize(("allowed", "code"), [("0.5", 0), ("0.49", 1)])
def test_as_many_failures_as_are_allowed_are_exit_code_0(tmp_path: Path, allowed: str, code: int) -> None:
    turn = itertools.count()

    async def every_other(_: bytes) -> bytes:
        return http(500 if next(turn) % 2 else 200, PREDICTION)

    with small_server(every_other) as address:
        assert churn(tmp_path, "loadtest", address, *FEW, "--max-error-share", allowed).code == code


def test_nobody_there_is_said_before_the_run(tmp_path: Path) -> None:
    done = churn(tmp_path, "loadtest", f"http://127.0.0.1:{free_port()}", "--out", tmp_path / "load.json")
    assert (done.code, done.out) == (1, "")
    assert "error: nothing listens at 127.0.0.1 port" in done.err
    assert "instead: start the service" in done.err
    assert not (tmp_path / "load.json").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        ("127.0.0.1:8000",),
        ("http://127.0.0.1:9", "--rate", "10", "--connections", "2"),
        ("http://127.0.0.1:9", "--requests", "10", "--duration", "2"),
        ("http://127.0.0.1:9", "--arrivals", "poisson"),
        ("http://127.0.0.1:9", "--out", "load.jpg"),
    ],
)
def test_wrong_use_is_exit_code_2(tmp_path: Path, wrong: tuple[str, ...]) -> None:
    done = churn(tmp_path, "loadtest", *wrong)
    assert done.code == 2
    assert "instead: " in done.err


def test_a_missing_library_is_a_sentence() -> None:
    script = "import sys; sys.modules['aiohttp'] = None; from churn.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "loadtest", "http://127.0.0.1:9"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "error: this command needs the extra `loadtest`; missing here: aiohttp" in done.stderr
    assert "pip install 'streamflow-churn[loadtest]'" in done.stderr
