"""Whether a prediction can be given here, for whoever decides where requests go."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from churn.model.model import ChurnModel
from churn.service.draining import Draining
from churn.service.problems import Problem, described
from churn.service.route import DirectRoute

JSON = "application/json"


class Health(BaseModel):
    """The model has just answered a prediction."""

    status: Literal["healthy"] = "healthy"
    model_version: str
    model_path: str


class Liveness(BaseModel):
    """The process runs."""

    status: Literal["alive"] = "alive"


def health_paths(model: ChurnModel, draining: Draining, *, model_path: Path) -> APIRouter:
    """The routes that load balancers and container platforms ask.

    Args:
        model: what must answer.
        draining: whether this process is about to stop, so that requests should go elsewhere.
        model_path: where the model was loaded from, for /health to tell.
    """
    router = APIRouter(route_class=DirectRoute)
    probe = [model.contract.model_validate(model.contract.example())]
    healthy = Response(
        Health(model_version=model.version, model_path=str(model_path)).model_dump_json(), media_type=JSON
    )

    async def health(_: Request) -> Response:
        """Asks the model for a prediction and answers 200 only if it gives one, and only until the service stops."""
        if draining.begun:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the service is about to stop; send requests elsewhere")
        try:
            [prediction] = model.predict(probe)
        except Exception as error:  # whatever it is, the model cannot answer
            raise _unhealthy(f"it raises {type(error).__name__}") from error
        if not 0 <= prediction.probability <= 1:
            raise _unhealthy(f"its probability is {prediction.probability}")
        return healthy

    for path, summary in {
        "/health": "Whether the model answers",
        "/readyz": "Whether to send requests here: the same as /health",
    }.items():
        router.get(
            path,
            operation_id=path[1:],
            summary=summary,
            response_model=Health,
            responses=described(500, 503),
        )(health)

    @router.get(
        "/livez",
        operation_id="livez",
        summary="Whether the process runs",
        response_model=Liveness,
        responses=described(500),
    )
    async def livez(_: Request) -> Response:
        """Answers as long as the process runs, model or no model: a restart would not mend a model."""
        return Response(Liveness().model_dump_json(), media_type=JSON)

    return router


def _unhealthy(reason: str) -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"the model does not answer its own example: {reason}; send requests elsewhere and see the log",
    )
