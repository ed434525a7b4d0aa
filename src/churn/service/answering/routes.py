"""`POST /predict` and `POST /predict/batch`."""

import asyncio
import time
from datetime import date
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from churn.answers import TIERS, RetentionAnswer
from churn.clocks import find_today
from churn.contract.catalogues import Languages
from churn.contract.subscriber import subscriber_from_json
from churn.judging.metrics import TOP_REASONS
from churn.model.model import ChurnModel
from churn.prediction_log.ids import make_prediction_id
from churn.prediction_log.record import Entry, day_from_ns
from churn.prediction_log.writer import PredictionLog
from churn.retention.banner import decide_banner
from churn.retention.offers.arms import draw_arm, takes_part_below
from churn.retention.offers.policy import Policy
from churn.retention.reasons import rank_reasons
from churn.service.answering.answer import build_answer
from churn.service.answering.batch import BatchAnswer, answer_batch
from churn.service.counting.counters import Counters
from churn.service.edge.body import parse_json, parse_rows, read_body, require_json
from churn.service.edge.parameters import describe_reasons, describe_visitor, read_reasons, read_visitor
from churn.service.edge.problems import describe_errors
from churn.service.edge.route import JSON, DirectRoute, JsonResponse, PiecesResponse
from churn.service.edge.waiting_room import BATCHES

# A batch's share of body for each row it may have: a subscriber takes half of it, written with spaces and line breaks.
BYTES_PER_ROW = 1024


def predict_routes(
    model: ChurnModel,
    policy: Policy,
    counters: Counters,
    *,
    prediction_log: PredictionLog | None = None,
    threshold: float,
    max_body_bytes: int,
    max_batch_rows: int,
) -> APIRouter:
    """Return the routes that a model answers.

    Args:
        policy: what may be offered, and who is held out.
        prediction_log: keeps each answer of /predict.
        threshold: the retention banner is shown above this probability.
        max_body_bytes: of one subscriber.
    """
    router = APIRouter(route_class=DirectRoute)
    most_reasons = len(model.contract.features)
    languages = Languages(model.contract, policy.document.languages)
    parameters = [describe_reasons(most_reasons)]
    one_batch_at_a_time = asyncio.Lock()

    @router.post(
        "/predict",
        operation_id="predict",
        summary="How likely a subscriber is to leave, and why",
        response_model=RetentionAnswer,
        responses=describe_errors(413, 415, 422),
        openapi_extra={
            "parameters": [*parameters, *describe_visitor(policy.document.languages)],
            "requestBody": _request_body(_schema(model), model.contract.example_request()),
            # For those who draw the probability.
            "x-banner-above": threshold,
            "x-tiers-below": dict(zip(TIERS, model.contract.tiers, strict=False)),
        },
    )
    async def predict(request: Request) -> Response:
        require_json(request)
        reasons = read_reasons(request, most=most_reasons)
        visitor = read_visitor(request, languages)
        body = await read_body(request, max_bytes=max_body_bytes)
        clock = counters.start_clock()
        value = parse_json(body)
        clock.end("parse")
        subscriber = subscriber_from_json(model.contract, value, as_of=_find_as_of(model))
        clock.end("validate")
        encoded = subscriber.encode()
        clock.end("encode")
        # On the event loop: it takes microseconds, less than handing it to a thread would cost under load, and with
        # one worker a core there is no core for that thread to run on.
        [prediction] = model.predict_encoded([encoded])
        clock.end("explain")
        answer = build_answer(model, subscriber, prediction, threshold=threshold, reasons=reasons)
        clock.end("reasons")
        decision = None
        time_ns = time.time_ns()
        if answer["show_retention_banner"] or _is_tried_below(policy, visitor.key, time_ns):
            decision = decide_banner(model, policy, subscriber, prediction, visitor, today=day_from_ns(time_ns))
            clock.end("retention")
        banner = decision.shown if decision else None
        prediction_id = make_prediction_id()
        whole: RetentionAnswer = {**answer, "prediction_id": prediction_id, "retention": banner}
        response = JsonResponse(to_json(whole))
        clock.end("serialise")
        strongest = answer["top_reasons"] if reasons >= TOP_REASONS else rank_reasons(subscriber, prediction)
        counters.count_prediction(answer, strongest, banner)
        if prediction_log:
            state = request.scope["state"]
            prediction_log.note(
                Entry(
                    time_ns,
                    prediction_id,
                    state["request_id"],
                    visitor.key,
                    prediction,
                    answer,
                    decision,
                    state["trace_id"],
                    state["caller_request_hash"],
                    banner["arm"] if banner else draw_arm(visitor.key, policy.holdout),
                    visitor.last_offer,
                    visitor.attempt,
                )
            )
        return response

    @router.post(
        BATCHES,
        operation_id="predict_batch",
        summary="The same for many subscribers at once",
        response_model=BatchAnswer,
        responses=describe_errors(413, 415, 422),
        openapi_extra={
            "parameters": parameters,
            "requestBody": _request_body(
                {"type": "array", "items": _schema(model), "minItems": 1, "maxItems": max_batch_rows},
                [model.contract.example_request()],
            ),
        },
    )
    async def predict_batch(request: Request) -> Response:
        """Answers every row that is a valid subscriber, and says of each other what is wrong with it."""
        require_json(request)
        reasons = read_reasons(request, most=most_reasons)
        body = await read_body(request, max_bytes=max_batch_rows * BYTES_PER_ROW, instead="send fewer rows")
        async with one_batch_at_a_time:  # else a single subscriber would wait for a slice of each
            rows = parse_rows(body, max_rows=max_batch_rows)
            as_of = _find_as_of(model)
            answer = await answer_batch(model, rows, threshold=threshold, reasons=reasons, as_of=as_of)
        counters.count_batch(answered=answer.answered, refused=answer.refused)
        return PiecesResponse(answer.list_pieces())

    return router


def _is_tried_below(policy: Policy, key: str | None, time_ns: int) -> bool:
    """Return whether the banner is tried on a subscriber below the threshold; most policies try it on nobody."""
    explore, experiment = policy.explore, policy.holdout.experiment
    return explore.below_threshold > 0 and takes_part_below(key, experiment, explore, day_from_ns(time_ns))


def _find_as_of(model: ChurnModel) -> date | None:
    """Return the day to which a request's dates are counted; None if the contract has none."""
    return find_today() if model.contract.dates else None


def _schema(model: ChurnModel) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{model.contract.__name__}"}


def _request_body(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    examples = {"example 1": {"value": example}}
    return {"required": True, "content": {JSON: {"schema": schema, "examples": examples}}}
