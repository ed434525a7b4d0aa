"""Many subscribers in one request, answered a slice at a time so that no other request waits for all of them."""

import asyncio
from typing import Annotated, Any, TypedDict

from pydantic import Field

from churn.answers import PredictionAnswer
from churn.contract.declaration import Contract
from churn.contract.subscriber import SubscriberError, subscriber_from_json
from churn.contract.wording import FieldError
from churn.model.model import ChurnModel
from churn.service.answering.answer import predict_and_answer

# A millisecond of work or less; 1,000 rows at once would hold up all others for 15 to 46, as the model is. Not in a
# thread, whose Python would keep the interpreter from the event loop for longer than a slice does.
ROWS_PER_SLICE = 20


class RowProblem(TypedDict):
    """Why a row was not answered, in the words with which it would have been refused alone."""

    index: Annotated[int, Field(ge=0, description="The row's place in the request; the first is 0.")]
    errors: Annotated[list[FieldError], Field(description="The fields to blame; empty if no field is.")]
    detail: Annotated[str, Field(description="What is wrong with the row, and what to do instead.")]


class BatchAnswer(TypedDict):
    """The answer to each row of a batch, or why there is none."""

    model_version: str
    predictions: Annotated[
        list[PredictionAnswer | None],
        Field(description="One for each row, in the request's order; null where `errors` says what is wrong."),
    ]
    errors: Annotated[list[RowProblem], Field(description="One for each row that was not answered.")]


async def answer_batch(model: ChurnModel, rows: list[Any], *, threshold: float, reasons: int) -> BatchAnswer:
    """Answer every row that is a valid subscriber, just as if it had come alone, and say what is wrong with the rest.

    Works on the event loop and makes way for other requests after each slice.
    """
    predictions: list[PredictionAnswer | None] = [None] * len(rows)
    problems: list[RowProblem] = []
    for first in range(0, len(rows), ROWS_PER_SLICE):
        valid: dict[int, Contract] = {}
        for index, row in enumerate(rows[first : first + ROWS_PER_SLICE], first):
            try:
                valid[index] = subscriber_from_json(model.contract, row, "the row")
            except SubscriberError as error:
                problems.append(RowProblem(index=index, errors=list(error.errors), detail=error.message))
        if valid:
            answers = predict_and_answer(model, list(valid.values()), threshold=threshold, reasons=reasons)
            for index, answer in zip(valid, answers, strict=True):
                predictions[index] = answer
        await asyncio.sleep(0)
    return BatchAnswer(model_version=model.version, predictions=predictions, errors=problems)
