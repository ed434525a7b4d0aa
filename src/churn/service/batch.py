"""Many subscribers in one request, answered a slice at a time so that no other request waits for all of them."""

from __future__ import annotations

import asyncio
from typing import Any

from churn.answers import PredictionAnswer
from churn.contract.declaration import Contract
from churn.model.model import ChurnModel
from churn.service.answers import BatchAnswer, RowProblem, answers
from churn.service.body import require_object
from churn.service.problems import Problem
from churn.service.subscriber import valid_subscriber

# A millisecond of work or less; 1,000 rows at once would hold up all others for 15 to 46, as the model is. Not in a
# thread, whose Python would keep the interpreter from the event loop for longer than a slice does.
ROWS_PER_SLICE = 20


async def answer_batch(model: ChurnModel, rows: list[Any], *, threshold: float, reasons: int) -> BatchAnswer:
    """Answers every row that is a valid subscriber, just as if it had come alone, and says what is wrong with the rest.

    Works on the event loop and makes way for other requests after each slice.
    """
    predictions: list[PredictionAnswer | None] = [None] * len(rows)
    problems: list[RowProblem] = []
    for first in range(0, len(rows), ROWS_PER_SLICE):
        valid: dict[int, Contract] = {}
        for index, row in enumerate(rows[first : first + ROWS_PER_SLICE], first):
            try:
                valid[index] = valid_subscriber(model.contract, require_object(row, "the row"))
            except Problem as problem:
                problems.append(RowProblem(index=index, errors=list(problem.errors), detail=problem.detail))
        if valid:
            found = answers(model, list(valid.values()), threshold=threshold, reasons=reasons)
            for index, answer in zip(valid, found, strict=True):
                predictions[index] = answer
        await asyncio.sleep(0)
    return BatchAnswer(model_version=model.version, predictions=predictions, errors=problems)
