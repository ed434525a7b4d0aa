"""What is answered about a subscriber, alone or as one of many.

Typed dictionaries: they describe themselves in the OpenAPI document as models do, and cost less to make.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypedDict

from pydantic import Field

from churn.answers import PredictionAnswer
from churn.contract.declaration import Contract
from churn.contract.wording import FieldError
from churn.model.model import ChurnModel, Prediction, risk_tier
from churn.retention.reasons import top_reasons


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


def answer(
    model: ChurnModel, subscriber: Contract, prediction: Prediction, *, threshold: float, reasons: int
) -> PredictionAnswer:
    """Words a prediction.

    Args:
        model: what predicted.
        subscriber: of whom.
        prediction: what.
        threshold: the retention banner is shown above this probability.
        reasons: how many to give.

    Raises:
        ArithmeticError: the prediction is no probability.
    """
    if not 0 <= prediction.probability <= 1:
        raise ArithmeticError(f"the model's probability is {prediction.probability}")
    return {
        "churn_probability": prediction.probability,
        "risk_tier": risk_tier(prediction.probability),
        "top_reasons": top_reasons(subscriber, prediction, reasons),
        "model_version": model.version,
        "show_retention_banner": prediction.probability > threshold,
    }


def answers(
    model: ChurnModel, subscribers: Sequence[Contract], *, threshold: float, reasons: int
) -> list[PredictionAnswer]:
    """Predicts all of at least one subscriber at once, and words each prediction."""
    return [
        answer(model, subscriber, prediction, threshold=threshold, reasons=reasons)
        for subscriber, prediction in zip(subscribers, model.predict(subscribers), strict=True)
    ]
