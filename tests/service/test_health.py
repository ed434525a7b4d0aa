"""Whether the service says the truth about itself."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.examples import STREAMFLOW
from support.in_process import InProcess, answering, failing

from churn.judging.metrics import ROUTES
from churn.model.bundle import Bundle
from churn.service.app import build_app
from churn.settings import Settings


@pytest.mark.parametrize("path", ["/health", "/readyz"])
def test_a_model_that_answers_is_healthy(service: InProcess, bundle: Bundle, path: str) -> None:
    response = service.get(path)
    assert response.status_code == 200
    assert response.json() == {
        "status": "healthy",
        "model_version": bundle.manifest.model_version,
        "model_path": str(bundle.path),
        "threshold": 0.6,
        "threshold_from": "contract",
    }


@pytest.mark.parametrize(
    ("setting", "sealed", "said"),
    [
        (None, None, (0.6, "contract")),
        (None, 0.2, (0.2, "bundle")),
        (0.8, 0.2, (0.8, "CHURN_THRESHOLD")),
        (0.0, None, (0.0, "CHURN_THRESHOLD")),
    ],
)
def test_the_threshold_in_force_is_told_with_who_says_so(
    setting: float | None, sealed: float | None, said: tuple[float, str], bundle: Bundle
) -> None:
    settings = Settings(churn_threshold=setting)
    model = replace(bundle.model, threshold=sealed)
    with InProcess(build_app(model, settings, model_path=Path("nowhere"))) as client:
        health = client.get("/health").json()
        operation = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
        answer = client.predict(bundle.model.contract.example()).json()
    assert (health["threshold"], health["threshold_from"]) == said
    assert operation["x-banner-above"] == said[0]
    assert answer["show_retention_banner"] is (answer["churn_probability"] > said[0])


@pytest.mark.parametrize("path", ["/health", "/readyz"])
def test_a_model_that_raises_is_not_healthy(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    with failing(STREAMFLOW, MemoryError("no room")) as client:
        response = client.get(path)
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert "MemoryError" in response.json()["detail"]
    assert "no room" not in response.text
    line = json.loads(capsys.readouterr().out)
    assert line["level"] == "error"
    assert line["detail"] == response.json()["detail"]
    assert "no room" in line["exception"]


def test_a_model_that_gives_no_number_is_not_healthy() -> None:
    with answering(STREAMFLOW, 0.5, contribution=float("nan")) as client:
        response = client.get("/health")
    assert response.status_code == 503
    assert "nan" in response.json()["detail"]


def test_a_process_is_alive_even_if_its_model_is_not() -> None:
    with failing(STREAMFLOW, ValueError()) as client:
        response = client.get("/livez")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_the_root_names_the_health_for_the_default_checks_of_load_balancers(service: InProcess, method: str) -> None:
    response = service.request(method, "/")
    assert response.status_code == 200
    assert "/health" in response.text or method == "HEAD"


@pytest.mark.parametrize("path", [path for path in ROUTES if not path.startswith(("/predict", "/events"))])
def test_head_is_answered_wherever_get_is(service: InProcess, path: str) -> None:
    get, head = service.get(path), service.request("HEAD", path)
    assert head.status_code == get.status_code == 200
    assert head.headers["content-type"] == get.headers["content-type"]


def test_a_path_says_that_it_takes_head(service: InProcess) -> None:
    assert service.request("DELETE", "/health").headers["allow"] == "GET, HEAD"
