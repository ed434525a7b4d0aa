"""Whether the service says the truth about itself."""

import json

import pytest
from support.examples import STREAMFLOW
from support.in_process import InProcess, answering, failing

from churn.model.bundle import Bundle


@pytest.mark.parametrize("path", ["/health", "/readyz"])
def test_a_model_that_answers_is_healthy(service: InProcess, bundle: Bundle, path: str) -> None:
    response = service.get(path)
    assert response.status_code == 200
    assert response.json() == {
        "status": "healthy",
        "model_version": bundle.manifest.model_version,
        "model_path": str(bundle.path),
    }


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
