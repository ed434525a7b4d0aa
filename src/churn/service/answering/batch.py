"""Many subscribers in one request, answered a slice at a time so that no other request waits for all of them."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, NotRequired, TypedDict

from pydantic import Field
from pydantic_core import to_json

from churn.answers import PredictionAnswer
from churn.contract.declaration import Contract
from churn.contract.subscriber import SubscriberError, subscriber_from_json
from churn.contract.wording import FieldError
from churn.model.model import ChurnModel
from churn.service.answering.answer import predict_and_answer

# A millisecond of work or less; 1,000 rows at once would hold up all others for 15 to 46, as the model is. Not in a
# thread, whose Python would keep the interpreter from the event loop for longer than a slice does.
ROWS_PER_SLICE = 20
# Wrong rows take longer than right ones, since their errors are worded.
SLICE_S = 0.002
MOST_BATCH_ERRORS = 5_000


class RowProblem(TypedDict):
    """Why a row was not answered, in the words with which it would have been refused alone."""

    index: Annotated[int, Field(ge=0, description="The row's place in the request; the first is 0.")]
    errors: Annotated[
        list[FieldError],
        Field(description="The fields to blame; empty if no field is, or if there are too many."),
    ]
    detail: Annotated[str, Field(description="What is wrong with the row, and what to do instead.")]


class BatchAnswer(TypedDict):
    """The answer to each row of a batch, or why there is none."""

    model_version: str
    predictions: Annotated[
        list[PredictionAnswer | None],
        Field(description="One for each row, in the request's order; null where `errors` says what is wrong."),
    ]
    errors: Annotated[list[RowProblem], Field(description="One for each row that was not answered.")]
    errors_left_out: NotRequired[
        Annotated[int, Field(ge=1, description="How many more fields are to blame than are listed; absent if none.")]
    ]


@dataclass
class WrittenAnswer:
    """A `BatchAnswer` that is written slice by slice."""

    model_version: str
    predictions: list[bytes] = field(default_factory=list)
    errors: list[bytes] = field(default_factory=list)
    answered: int = 0
    refused: int = 0
    listed: int = 0
    left_out: int = 0

    def refuse(self, index: int, error: SubscriberError) -> None:
        """Write why a row is not answered."""
        self.errors.append(to_json(RowProblem(index=index, errors=list(error.errors), detail=error.message)))
        self.refused += 1
        self.listed += len(error.errors)
        self.left_out += error.left_out

    def list_pieces(self) -> list[bytes]:
        """Return the JSON in pieces."""
        left_out = b',"errors_left_out":%d' % self.left_out if self.left_out else b""
        return [
            b'{"model_version":%s,"predictions":[' % to_json(self.model_version),
            *_separate(self.predictions),
            b'],"errors":[',
            *_separate(self.errors),
            b"]%s}" % left_out,
        ]


async def answer_batch(
    model: ChurnModel, rows: list[Any], *, threshold: float, reasons: int, as_of: date | None = None
) -> WrittenAnswer:
    """Answer every row that is a valid subscriber, just as if it had come alone, and say what is wrong with the rest.

    Dates are counted to `as_of`. Works on the event loop and makes way for other requests after each slice.
    """
    written = WrittenAnswer(model.version)
    for first in range(0, len(rows), ROWS_PER_SLICE):
        began_s = time.perf_counter()
        valid: dict[int, Contract] = {}
        predictions: list[PredictionAnswer | None] = []
        for index, row in enumerate(rows[first : first + ROWS_PER_SLICE]):
            predictions.append(None)
            try:
                left = MOST_BATCH_ERRORS - written.listed
                valid[index] = subscriber_from_json(model.contract, row, "the row", most_errors=left, as_of=as_of)
            except SubscriberError as error:
                written.refuse(first + index, error)
                if time.perf_counter() - began_s > SLICE_S:
                    await asyncio.sleep(0)
                    began_s = time.perf_counter()
        if valid:
            answers = predict_and_answer(model, list(valid.values()), threshold=threshold, reasons=reasons)
            for index, answer in zip(valid, answers, strict=True):
                predictions[index] = answer
            written.answered += len(valid)
        written.predictions.append(to_json(predictions)[1:-1])
        await asyncio.sleep(0)
    return written


def _separate(items: Sequence[bytes]) -> list[bytes]:
    return [item if number == 0 else b"," + item for number, item in enumerate(items)]
