"""What is served: predictions, and whether one can be given."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from pydantic_core import to_json

from churn.answers import RetentionAnswer
from churn.model import LOW_BELOW, MEDIUM_BELOW, ChurnModel
from churn.offers.policy import Policy
from churn.retention import retention
from churn.service.answers import BatchAnswer, answer
from churn.service.batch import answer_batch
from churn.service.body import parse_object, parse_rows, read_body, require_json
from churn.service.problems import MEDIA_TYPE, Problem, title
from churn.service.query import reasons_asked_for, reasons_parameter
from churn.service.route import DirectRoute
from churn.service.stages import Stages
from churn.service.subscriber import valid_subscriber
from churn.service.visitor import visitor_of, visitor_parameters

JSON = "application/json"
# A batch's share of body for each row it may have: a subscriber takes half of it, written with spaces and line breaks.
BYTES_PER_ROW = 1024


class Health(BaseModel):
    """The model has just answered a prediction."""

    status: Literal["healthy"] = "healthy"
    model_version: str
    model_path: str


class Liveness(BaseModel):
    """The process runs."""

    status: Literal["alive"] = "alive"


def endpoints(
    model: ChurnModel,
    policy: Policy,
    stages: Stages,
    *,
    model_path: Path,
    threshold: float,
    max_body_bytes: int,
    max_batch_rows: int,
) -> APIRouter:
    """The routes that a model answers.

    Args:
        model: what predicts.
        policy: what may be offered, and who is held out.
        stages: where the time of each stage of /predict is noted.
        model_path: where it was loaded from, for /health to tell.
        threshold: the retention banner is shown above this probability.
        max_body_bytes: a larger body of one subscriber gets 413.
        max_batch_rows: a longer batch gets 413.
    """
    router = APIRouter(route_class=DirectRoute)
    most_reasons = len(model.contract.features)
    parameters = [reasons_parameter(most_reasons)]
    one_batch_at_a_time = asyncio.Lock()
    healthy = Response(
        Health(model_version=model.version, model_path=str(model_path)).model_dump_json(), media_type=JSON
    )
    probe = [model.contract.model_validate(model.contract.example())]

    @router.post(
        "/predict",
        operation_id="predict",
        summary="How likely a subscriber is to leave, and why",
        response_model=RetentionAnswer,
        responses=_problems(408, 413, 415, 422, 500),
        openapi_extra={
            "parameters": [*parameters, *visitor_parameters()],
            "requestBody": _request_body(_schema(model), model.contract.example()),
            # For who draws the probability: where this service draws its lines.
            "x-banner-above": threshold,
            "x-tiers-below": {"low": LOW_BELOW, "medium": MEDIUM_BELOW},
        },
    )
    async def predict(request: Request) -> Response:
        require_json(request)
        reasons = reasons_asked_for(request, most=most_reasons)
        visitor = visitor_of(request)
        body = await read_body(request, max_bytes=max_body_bytes)
        clock = stages.clock()
        fields = parse_object(body)
        clock.done("parse")
        subscriber = valid_subscriber(model.contract, fields)
        clock.done("validate")
        encoded = subscriber.encode()
        clock.done("encode")
        # On the event loop: it takes microseconds, less than handing it to a thread would cost under load, and with
        # one worker a core there is no core for that thread to run on.
        [prediction] = model.predict_encoded([encoded])
        clock.done("explain")
        worded = answer(model, subscriber, prediction, threshold=threshold, reasons=reasons)
        clock.done("reasons")
        banner = None
        if worded["show_retention_banner"]:
            banner = retention(model, policy, subscriber, prediction, visitor, today=datetime.now(UTC).date())
            clock.done("retention")
        whole: RetentionAnswer = {**worded, "prediction_id": f"{random.getrandbits(128):032x}", "retention": banner}
        response = Response(to_json(whole), media_type=JSON)
        clock.done("serialise")
        return response

    @router.post(
        "/predict/batch",
        operation_id="predict_batch",
        summary="The same for many subscribers at once",
        response_model=BatchAnswer,
        responses=_problems(408, 413, 415, 422, 500),
        openapi_extra={
            "parameters": parameters,
            "requestBody": _request_body(
                {"type": "array", "items": _schema(model), "minItems": 1, "maxItems": max_batch_rows},
                [model.contract.example()],
            ),
        },
    )
    async def predict_batch(request: Request) -> Response:
        """Answers every row that is a valid subscriber, and says of each other what is wrong with it."""
        require_json(request)
        reasons = reasons_asked_for(request, most=most_reasons)
        body = await read_body(request, max_bytes=max_batch_rows * BYTES_PER_ROW, instead="send fewer rows")
        rows = parse_rows(body, max_rows=max_batch_rows)
        async with one_batch_at_a_time:  # else a single subscriber would wait for a slice of each
            answered = await answer_batch(model, rows, threshold=threshold, reasons=reasons)
        return Response(to_json(answered), media_type=JSON)

    async def health(_: Request) -> Response:
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
    async def livez(_: Request) -> Response:
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


def _schema(model: ChurnModel) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{model.contract.__name__}"}


def _request_body(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    examples = {"example 1": {"value": example}}
    return {"required": True, "content": {JSON: {"schema": schema, "examples": examples}}}
