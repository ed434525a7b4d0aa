"""A real Prometheus with the stack's configuration, and the real service that it scrapes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from balancer import wait_until
from processes import free_port, serving

from churn.bundle import Bundle
from churn.contracts import find_contract

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
PATIENCE_S = 60


def test_prometheus_knows_what_the_service_has_answered_by_track(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    program = shutil.which("prometheus", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no prometheus on PATH; on Debian: apt-get install prometheus")
    with serving(tmp_path, "serve", MODEL_PATH=bundles["streamflow"].path) as (address, _):
        for _ in range(3):
            httpx.post(f"{address}/predict", json=find_contract("streamflow").example(), trust_env=False)
        # The service's own name for the host, so that the track has a name, too.
        target = address.removeprefix("http://").replace("127.0.0.1", "localhost")
        configuration = (CONFIGURATION / "prometheus.yml").read_text()
        assert "stable:8000" in configuration
        (tmp_path / "prometheus.yml").write_text(
            configuration.replace("stable:8000", target).replace("_interval: 5s", "_interval: 1s")
        )
        shutil.copy(CONFIGURATION / "rules.yml", tmp_path)
        port = free_port()
        process = subprocess.Popen(
            [
                program,
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: _asked(port, "sum by (track) (churn_predictions_total)") == {"localhost": 3}, "it knows")
            assert _asked(port, 'sum by (track) (churn_request_duration_seconds_count{route="/predict"})') == {
                "localhost": 3
            }
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def _asked(port: int, query: str) -> dict[str, float]:
    """What Prometheus answers, by track; nothing until it listens."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": query}, trust_env=False)
    except httpx.TransportError:
        return {}
    if answer.status_code != httpx.codes.OK:
        return {}
    return {each["metric"]["track"]: float(each["value"][1]) for each in answer.json()["data"]["result"]}
