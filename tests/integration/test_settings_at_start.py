"""Settings are tried when a program starts: what is wrong in itself is refused, what may come back is counted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from support.processes import churn, free_port, serving, serving_with_log, wait_until
from support.scraping import scraped, total

from churn.businesses import find_contract
from churn.errors import SettingsError
from churn.judging import metrics
from churn.model.bundle import Bundle
from churn.settings import read_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PREDICTION_LOG_SALT", "ä" * 40),  # 80 bytes
        ("PREDICTION_LOG_SALT", "\udcff" * 20),  # a byte of the environment that is not UTF-8
        ("DASHBOARD_TOKEN", "\udcff" * 20),
        ("RELEASE_TIME_ZONE", "Mars/Base"),
        ("RELEASE_TIME_ZONE", "Europe"),
        ("RELEASE_TIME_ZONE", "../etc"),
        ("PREDICTION_LOG_RETENTION_DAYS", "1000000"),
        ("DASHBOARD_INSTANCES", "http://10.0.0.1:8000,http://a:99999"),
    ],
)
def test_a_setting_that_can_never_be_used_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        read_settings()


def test_a_salt_of_64_bytes_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREDICTION_LOG_SALT", "ä" * 32)
    assert read_settings().prediction_log_salt is not None


def test_the_service_refuses_a_salt_in_one_sentence_before_anything_listens(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    done = churn(tmp_path, "serve", MODEL_PATH=bundles["streamflow"].path, PREDICTION_LOG_SALT="ä" * 40)
    assert done.code == 2
    assert "PREDICTION_LOG_SALT" in done.err
    assert "80 bytes" in done.err
    assert "Traceback" not in done.err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody can write")
@pytest.mark.parametrize(
    "own", [{"CHURN_HOME": "/proc/nowhere"}, {"PORTAL_SECRET": "\udcff" * 40}, {"SERVICE_URL": "http://a:99999"}]
)
def test_the_portal_refuses_what_it_can_never_use(tmp_path: Path, own: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "portal"],
        env=os.environ | {"CHURN_HOME": str(tmp_path), "PORTAL_PORT": str(free_port())} | own,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_a_collector_that_is_no_address_is_refused(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    own = {"MODEL_PATH": bundles["streamflow"].path, "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}
    done = churn(tmp_path, "serve", **own)
    assert done.code == 2
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in done.err


def test_a_collector_that_is_not_there_is_counted_and_costs_no_answer(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    own = {
        "MODEL_PATH": bundles["streamflow"].path,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "OTEL_EXPORTER_OTLP_TIMEOUT": 1,
    }
    with (
        serving(tmp_path, "serve", **own) as (address, _),
        httpx2.Client(base_url=address, trust_env=False) as client,
    ):
        assert client.post("/predict", json=find_contract("streamflow").example()).status_code == 200

        def count_lost_spans() -> float:
            return total(scraped(client.get("/metrics").text), metrics.SPANS_LOST.name)

        wait_until(count_lost_spans, "the collector was tried")


def test_a_bucket_that_is_not_there_is_warned_of_and_counted_and_costs_no_answer(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    own = {
        "MODEL_PATH": bundles["streamflow"].path,
        "PREDICTION_LOG": "s3://nowhere/log",
        "PREDICTION_LOG_SEGMENT_SECONDS": 1,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_REGION": "us-east-1",
    }
    with (
        serving_with_log(tmp_path, tmp_path / "log", "serve", **own) as (address, _),
        httpx2.Client(base_url=address, trust_env=False) as client,
    ):

        def count_failures() -> float:
            assert client.post("/predict", json=find_contract("streamflow").example()).status_code == 200
            return total(scraped(client.get("/metrics").text), metrics.LOG_TROUBLE.name, kind="failed")

        wait_until(count_failures, "the bucket was tried")
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    warnings = [line["event"] for line in lines if line["level"] == "warning"]
    assert any("s3://nowhere/log/streamflow cannot be used" in warning for warning in warnings)
