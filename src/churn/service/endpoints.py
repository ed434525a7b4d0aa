"""What is served: a prediction, and whether one can be given."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from churn.model import ChurnModel, RiskTier, risk_tier
from churn.reasons import TOP_REASONS, Reason, top_reasons
from churn.service.body import parse_object, read_body, require_json
from churn.service.problems import MEDIA_TYPE, Problem, title
from churn.service.subscriber import valid_subscriber

JSON = "application/json"


class PredictionAnswer(BaseModel):
    """How likely a subscriber is to leave, and why."""

    model_config = ConfigDict(frozen=True)

    churn_probability: Annotated[float, Field(ge=0, le=1, description="Of leaving, rounded to 4 decimals.")]
    risk_tier: Annotated[RiskTier, Field(description="`low` below 0.3, `medium` below 0.6, else `high`.")]
    top_reasons: Annotated[
        list[Reason],
        Field(min_length=TOP_REASONS, max_length=TOP_REASONS, description="Largest absolute contribution first."),
    ]
    model_version: str
    show_retention_banner: Annotated[
        bool, Field(description="Whether the probability, as shown, is above the service's threshold.")
    ]


class Health(BaseModel):
    """The model has just answered a prediction."""

    status: Literal["healthy"] = "healthy"
    model_version: str
    model_path: str


class Liveness(BaseModel):
    """The process runs."""

    status: Literal["alive"] = "alive"


def endpoints(model: ChurnModel, *, model_path: Path, threshold: float, max_body_bytes: int) -> APIRouter:
    """The routes that a model answers.

    Args:
        model: what predicts.
        model_path: where it was loaded from, for /health to tell.
        threshold: the retention banner is shown above this probability.
        max_body_bytes: a larger body gets 413.
    """
    router = APIRouter()
    healthy = Response(
        Health(model_version=model.version, model_path=str(model_path)).model_dump_json(), media_type=JSON
    )
    probe = [model.contract.model_validate(model.contract.example())]

    @router.post(
        "/predict",
        operation_id="predict",
        summary="How likely a subscriber is to leave, and why",
        response_model=PredictionAnswer,
        responses=_problems(408, 413, 415, 422, 500),
        openapi_extra={"requestBody": _request_body(model)},
    )
    async def predict(request: Request) -> Response:
        require_json(request)
        body = await read_body(request, max_bytes=max_body_bytes)
        subscriber = valid_subscriber(model.contract, parse_object(body))
        # On the event loop: a prediction takes about a millisecond, less than handing it to a thread would cost
        # under load, and with one worker a core there is no core for that thread to run on.
        [prediction] = model.predict([subscriber])
        answer = PredictionAnswer(
            churn_probability=prediction.probability,
            risk_tier=risk_tier(prediction.probability),
            top_reasons=top_reasons(subscriber, prediction),
            model_version=model.version,
            show_retention_banner=prediction.probability > threshold,
        )
        return Response(answer.model_dump_json(), media_type=JSON)

    async def health() -> Response:
        """Asks the model for a prediction and answers 200 only if it gives one."""
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
            responses=_problems(500, 503),
        )(health)

    @router.get(
        "/livez",
        operation_id="livez",
        summary="Whether the process runs",
        response_model=Liveness,
        responses=_problems(500),
    )
    async def livez() -> Response:
        """Answers as long as the process runs, model or no model: a restart would not mend a model."""
        return Response(Liveness().model_dump_json(), media_type=JSON)

    return router


def _unhealthy(reason: str) -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"the model does not answer its own example: {reason}; send requests elsewhere and see the log",
    )


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {status: {"description": title(status), "content": content} for status in statuses}


def _request_body(model: ChurnModel) -> dict[str, Any]:
    return {
        "required": True,
        "content": {
            JSON: {
                "schema": {"$ref": f"#/components/schemas/{model.contract.__name__}"},
                "examples": {"example 1": {"value": model.contract.example()}},
            }
        },
    }
