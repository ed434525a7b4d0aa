"""What is served: predictions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from churn.answers import RetentionAnswer
from churn.judging.metrics import TOP
from churn.model.model import LOW_BELOW, MEDIUM_BELOW, ChurnModel
from churn.prediction_log.ids import make_prediction_id
from churn.prediction_log.writer import PredictionLog
from churn.retention.banner import retention
from churn.retention.offers.policy import Policy
from churn.retention.reasons import top_reasons
from churn.service.answers import BatchAnswer, answer
from churn.service.batch import answer_batch
from churn.service.body import parse_object, parse_rows, read_body, require_json
from churn.service.counting import Counting
from churn.service.problems import described
from churn.service.query import reasons_asked_for, reasons_parameter
from churn.service.route import DirectRoute
from churn.service.subscriber import valid_subscriber
from churn.service.visitor import visitor_of, visitor_parameters
from churn.service.waiting import Busy

JSON = "application/json"
# A batch's share of body for each row it may have: a subscriber takes half of it, written with spaces and line breaks.
BYTES_PER_ROW = 1024
# Parsed batches that wait or are being answered, in one process; each holds its rows in memory, and takes tens of ms.
MOST_BATCHES = 8


def endpoints(
    model: ChurnModel,
    policy: Policy,
    counting: Counting,
    *,
    prediction_log: PredictionLog | None = None,
    threshold: float,
    max_body_bytes: int,
    max_batch_rows: int,
) -> APIRouter:
    """The routes that a model answers.

    Args:
        model: what predicts.
        policy: what may be offered, and who is held out.
        counting: where what is answered is counted, and the time of each stage of /predict.
        prediction_log: where each answer of /predict is noted.
        threshold: the retention banner is shown above this probability.
        max_body_bytes: a larger body of one subscriber gets 413.
        max_batch_rows: a longer batch gets 413.
    """
    router = APIRouter(route_class=DirectRoute)
    most_reasons = len(model.contract.features)
    parameters = [reasons_parameter(most_reasons)]
    one_batch_at_a_time = asyncio.Lock()
    few_batches_at_a_time = asyncio.Semaphore(MOST_BATCHES)

    @router.post(
        "/predict",
        operation_id="predict",
        summary="How likely a subscriber is to leave, and why",
        response_model=RetentionAnswer,
        responses=described(408, 413, 415, 422, 500, 503),
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
        clock = counting.stages.clock()
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
        prediction_id = make_prediction_id()
        whole: RetentionAnswer = {**worded, "prediction_id": prediction_id, "retention": banner}
        response = Response(to_json(whole), media_type=JSON)
        clock.done("serialise")
        strongest = worded["top_reasons"] if reasons >= TOP else top_reasons(subscriber, prediction, TOP)
        counting.predicted(worded, strongest, banner)
        if prediction_log:
            state = request.scope["state"]
            prediction_log.note(
                prediction_id,
                state["request_id"],
                key=visitor.key,
                prediction=prediction,
                answer=worded,
                retention=banner,
                trace_id=state["trace_id"],
            )
        return response

    @router.post(
        "/predict/batch",
        operation_id="predict_batch",
        summary="The same for many subscribers at once",
        response_model=BatchAnswer,
        responses=described(408, 413, 415, 422, 500, 503),
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
        if few_batches_at_a_time.locked():
            raise Busy
        async with (
            few_batches_at_a_time,
            one_batch_at_a_time,
        ):  # else a single subscriber would wait for a slice of each
            answered = await answer_batch(model, rows, threshold=threshold, reasons=reasons)
        refused = len(answered["errors"])
        counting.batch(answered=len(rows) - refused, refused=refused)
        return Response(to_json(answered), media_type=JSON)

    return router


def _schema(model: ChurnModel) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{model.contract.__name__}"}


def _request_body(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    examples = {"example 1": {"value": example}}
    return {"required": True, "content": {JSON: {"schema": schema, "examples": examples}}}
