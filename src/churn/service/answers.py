"""What is answered about a subscriber, alone or as one of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from churn.contract import Contract
from churn.model import ChurnModel, RiskTier, risk_tier
from churn.reasons import Reason, top_reasons
from churn.wording import FieldError


class PredictionAnswer(BaseModel):
    """How likely a subscriber is to leave, and why."""

    model_config = ConfigDict(frozen=True)

    churn_probability: Annotated[float, Field(ge=0, le=1, description="Of leaving, rounded to 4 decimals.")]
    risk_tier: Annotated[RiskTier, Field(description="`low` below 0.3, `medium` below 0.6, else `high`.")]
    top_reasons: Annotated[
        list[Reason], Field(description="As many as were asked for, largest absolute contribution first.")
    ]
    model_version: str
    show_retention_banner: Annotated[
        bool, Field(description="Whether the probability, as shown, is above the service's threshold.")
    ]


class RowProblem(BaseModel):
    """Why a row was not answered, in the words with which it would have been refused alone."""

    model_config = ConfigDict(frozen=True)

    index: Annotated[int, Field(ge=0, description="The row's place in the request; the first is 0.")]
    errors: Annotated[list[FieldError], Field(description="The fields to blame; empty if no field is.")]
    detail: Annotated[str, Field(description="What is wrong with the row, and what to do instead.")]


class BatchAnswer(BaseModel):
    """The answer to each row of a batch, or why there is none."""

    model_config = ConfigDict(frozen=True)

    model_version: str
    predictions: Annotated[
        list[PredictionAnswer | None],
        Field(description="One for each row, in the request's order; null where `errors` says what is wrong."),
    ]
    errors: Annotated[list[RowProblem], Field(description="One for each row that was not answered.")]


def answers(
    model: ChurnModel, subscribers: Sequence[Contract], *, threshold: float, reasons: int
) -> list[PredictionAnswer]:
    """Predicts all at once and words each prediction.

    Args:
        model: what predicts.
        subscribers: at least one.
        threshold: the retention banner is shown above this probability.
        reasons: how many to give for each.
    """
    return [
        PredictionAnswer(
            churn_probability=prediction.probability,
            risk_tier=risk_tier(prediction.probability),
            top_reasons=top_reasons(subscriber, prediction, reasons),
            model_version=model.version,
            show_retention_banner=prediction.probability > threshold,
        )
        for subscriber, prediction in zip(subscribers, model.predict(subscribers), strict=True)
    ]
