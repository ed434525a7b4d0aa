"""What operators ask: whether a prediction can be given here, and what is counted."""

from http import HTTPStatus
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from churn.model.model import ChurnModel
from churn.model.threshold import Source, Threshold
from churn.service.counting.counters import Counters
from churn.service.counting.exposition import expose
from churn.service.edge.drain import Drain
from churn.service.edge.problems import Problem
from churn.service.edge.route import JSON, DirectRoute


class Health(BaseModel):
    """The model has just answered a prediction."""

    status: Literal["healthy"] = "healthy"
    model_version: str
    model_path: str
    threshold: float
    threshold_from: Source


class Liveness(BaseModel):
    """The process runs."""

    status: Literal["alive"] = "alive"


def operations_routes(
    model: ChurnModel, drain: Drain, counters: Counters, *, model_path: Path, threshold: Threshold
) -> APIRouter:
    """Return the routes that load balancers, container platforms and Prometheus ask.

    /health tells `model_path`, and the banner's threshold with who says so.
    """
    router = APIRouter(route_class=DirectRoute)
    probe = [model.contract.model_validate(model.contract.example())]
    healthy = Response(
        Health(
            model_version=model.version,
            model_path=str(model_path),
            threshold=threshold.probability,
            threshold_from=threshold.source,
        ).model_dump_json(),
        media_type=JSON,
    )

    async def health(_: Request) -> Response:
        """Asks the model for a prediction and answers 200 only if it gives one, and only until the service stops."""
        if drain.has_begun:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the service is about to stop; send requests elsewhere")
        try:
            [prediction] = model.predict(probe)
        except Exception as error:  # whatever it is, the model cannot answer
            raise _unhealthy(f"it raises {type(error).__name__}") from error
        if not 0 <= prediction.probability <= 1:
            raise _unhealthy(f"its probability is {prediction.probability}")
        return healthy

    greeting = Response(
        "The churn service. /health says whether the model answers, /openapi.json what can be asked.\n",
        media_type="text/plain",
    )

    async def greet(_: Request) -> Response:
        """Says where the health is. The default health check of several load balancers asks here."""
        return greeting

    router.get(
        "/",
        operation_id="greet",
        summary="Where the health and the interface are",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )(greet)
    router.options("/", include_in_schema=False)(greet)

    for path, summary in {
        "/health": "Whether the model answers",
        "/readyz": "Whether to send requests here: the same as /health",
    }.items():
        router.get(path, operation_id=path[1:], summary=summary, response_model=Health)(health)

    @router.get(
        "/livez",
        operation_id="livez",
        summary="Whether the process runs",
        response_model=Liveness,
    )
    async def livez(_: Request) -> Response:
        """Answers as long as the process runs, model or no model: a restart would not mend a model."""
        return Response(Liveness().model_dump_json(), media_type=JSON)

    @router.get(
        "/metrics",
        operation_id="metrics",
        summary="What is counted, for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics(request: Request) -> Response:
        """The counts of all workers, in Prometheus's text format or in OpenMetrics; for operators, not for callers."""
        body, content_type = await expose(counters, request.headers.get("accept", ""))
        return Response(body, media_type=content_type)

    return router


def _unhealthy(reason: str) -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"the model does not answer its own example: {reason}; send requests elsewhere and see the log",
    )
