"""A real Prometheus with the stack's configuration, and the real service that it scrapes."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx2
import pytest
from support.keys import MONITOR, PORTAL, TWO_CALLERS, bearer
from support.processes import free_port, serving, wait_until

from churn.businesses import find_contract
from churn.judging.metrics import METRICS
from churn.model.bundle import Bundle

GRAFANA = Path(__file__).resolve().parents[2] / "deploy" / "grafana" / "churn.json"
CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
PATIENCE_S = 60


def test_prometheus_knows_what_the_service_has_answered_by_track(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    program = shutil.which("prometheus", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no prometheus on PATH; on Debian: apt-get install prometheus")
    with serving(tmp_path, "serve", MODEL_PATH=bundles["streamflow"].path, API_KEYS=TWO_CALLERS) as (address, _):
        for _ in range(3):
            example = find_contract("streamflow").example()
            httpx2.post(f"{address}/predict", json=example, headers=bearer(PORTAL), trust_env=False)
        # The service's own name for the host, so that the track has a name, too.
        target = address.removeprefix("http://").replace("127.0.0.1", "localhost")
        configuration = (CONFIGURATION / "prometheus.yml").read_text()
        assert "stable:8000" in configuration
        (tmp_path / "prometheus.yml").write_text(
            configuration.replace("stable:8000", target).replace("_interval: 5s", "_interval: 1s")
        )
        shutil.copy(CONFIGURATION / "rules.yml", tmp_path)
        (tmp_path / "api-key").write_text(MONITOR)
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
            for query in grafana_queries():
                answer = httpx2.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": query}, trust_env=False)
                assert answer.json()["status"] == "success", (query, answer.text)
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def test_grafana_asks_only_for_what_the_service_counts() -> None:
    asked = set(re.findall(r"churn_\w+?(?=_bucket|_sum|_count\b|\W)", " ".join(grafana_queries())))
    assert asked <= {family.name for family in METRICS}
    assert len(asked) >= 10


def test_each_panel_of_grafanas_has_a_place_of_its_own() -> None:
    panels = json.loads(GRAFANA.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(taken)) == len(taken)


def grafana_queries() -> list[str]:
    """What the dashboard asks, with an interval such as Grafana puts in."""
    panels = json.loads(GRAFANA.read_text())["panels"]
    return [target["expr"].replace("$__rate_interval", "1m") for panel in panels for target in panel.get("targets", [])]


def _asked(port: int, query: str) -> dict[str, float]:
    """What Prometheus answers, by track; nothing until it listens."""
    try:
        answer = httpx2.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": query}, trust_env=False)
    except httpx2.TransportError:
        return {}
    if answer.status_code != httpx2.codes.OK:
        return {}
    return {each["metric"]["track"]: float(each["value"][1]) for each in answer.json()["data"]["result"]}
