"""From contributions to ranked reasons, each a sentence that is true of the value it speaks of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from churn.contract import Contract
from churn.model import DECIMALS, Prediction

type Direction = Literal["increases_risk", "decreases_risk"]

TOP_REASONS = 3


class Reason(BaseModel):
    """What one feature did to one subscriber's risk."""

    model_config = ConfigDict(frozen=True)

    feature: str
    value: Annotated[float, Field(description="The encoded number the model saw.")]
    shap_contribution: Annotated[float, Field(description="What the feature adds to the log-odds, 4 decimals.")]
    direction: Direction
    plain_language: Annotated[str, Field(description="The reason as a sentence, for the team.")]


def top_reasons(subscriber: Contract, prediction: Prediction, count: int = TOP_REASONS) -> list[Reason]:
    """The reasons with the largest absolute contribution, largest first; equal ones in the contract's order."""
    ranked = sorted(
        zip(subscriber.features, prediction.values, prediction.contributions, strict=True),
        key=lambda item: -abs(item[2]),
    )
    return [
        _reason(spec.name, spec.phrase(getattr(subscriber, spec.name)), value, contribution)
        for spec, value, contribution in ranked[:count]
    ]


def direction(shown: float) -> Direction:
    """The direction of a contribution as shown; one of 0.0 counts as decreasing."""
    return "increases_risk" if shown > 0 else "decreases_risk"


def sentence(phrase: str, shown: float) -> str:
    """The reason in words; a contribution that is shown as 0.0 claims no effect."""
    verb = "increases" if shown > 0 else "decreases" if shown < 0 else "has no effect on"
    return f"{phrase} {verb} churn risk"


def _reason(feature: str, phrase: str, value: float, contribution: float) -> Reason:
    # Direction and sentence follow the number that is shown, so that they never contradict it.
    shown = round(contribution, DECIMALS) + 0.0
    return Reason(
        feature=feature,
        value=value,
        shap_contribution=shown,
        direction=direction(shown),
        plain_language=sentence(phrase, shown),
    )
