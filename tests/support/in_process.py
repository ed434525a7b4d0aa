"""A client that calls an app without a server, and apps around models whose answers a test chooses."""

import asyncio
import math
from pathlib import Path
from typing import Any, Self

import httpx2
import numpy as np
import numpy.typing as npt
from fastapi import FastAPI

from churn.contract.declaration import Contract, Rows
from churn.model.model import ChurnModel
from churn.service.app import build_app
from churn.settings import Settings

# What an answer about one subscriber has and one of a batch has not.
ASKED_FOR_ONE = ("prediction_id", "retention")


def as_in_a_batch(answer: dict[str, Any]) -> dict[str, Any]:
    """The part of an answer that does not depend on who asks, nor on when."""
    return {name: value for name, value in answer.items() if name not in ASKED_FOR_ONE}


class InProcess:
    """Sends requests straight into an app, which need not have been started."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.runner = asyncio.Runner()
        transport = httpx2.ASGITransport(app)
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://service", trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run(self.client.aclose())
        self.runner.close()

    def request(self, method: str, path: str, **what: Any) -> httpx2.Response:
        return self.runner.run(self.client.request(method, path, **what))

    def get(self, path: str, **what: Any) -> httpx2.Response:
        return self.request("GET", path, **what)

    def predict(self, subscriber: Any, **what: Any) -> httpx2.Response:
        return self.request("POST", "/predict", json=subscriber, **what)

    def prediction(self, subscriber: Any, **what: Any) -> dict[str, Any]:
        """The part of an answer that does not depend on who asks, nor on when."""
        return as_in_a_batch(self.predict(subscriber, **what).json())

    def predict_raw(self, body: Any) -> httpx2.Response:
        return self.request("POST", "/predict", content=body, headers={"content-type": "application/json"})

    def batch(self, rows: Any, **what: Any) -> httpx2.Response:
        return self.request("POST", "/predict/batch", json=rows, **what)

    def batch_raw(self, body: Any) -> httpx2.Response:
        return self.request("POST", "/predict/batch", content=body, headers={"content-type": "application/json"})


def answering(
    contract: type[Contract], probability: float, *, contribution: float = 0.0, settings: Settings | None = None
) -> InProcess:
    """A service whose model gives everybody the same probability and, on top of it, each feature the same part."""
    margin = math.log(probability / (1 - probability))
    answer = np.array([contribution] * len(contract.features) + [margin], dtype=np.float32)

    def explain(rows: Rows) -> npt.NDArray[np.float32]:
        return np.tile(answer, (len(rows), 1))

    model = ChurnModel(contract, explain, version="v0-fake")
    return InProcess(build_app(model, settings or Settings(), model_path=Path("nowhere")))


def failing(contract: type[Contract], error: Exception) -> InProcess:

    def explain(_: Rows) -> npt.NDArray[np.float32]:
        raise error

    return InProcess(build_app(ChurnModel(contract, explain, "v0-fake"), Settings(), model_path=Path("nowhere")))


def require_problem(response: httpx2.Response, status: int) -> dict[str, Any]:
    """The one shape of every error."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert set(problem) - {"errors"} == {"type", "title", "status", "detail", "request_id"}
    assert problem["status"] == status
    assert problem["request_id"] == response.headers["x-request-id"]
    for error in problem.get("errors", []):
        assert set(error) == {"field", "code", "message"}
    assert len(response.content) < 20_000
    return problem
