"""Requests and answers of the rivals, as one writes them in a FastAPI service without a contract."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi.telemetry import TelemetryConfig
from pydantic import BaseModel, ConfigDict, Field

VERSION = "bench"
# MLflow brings OpenTelemetry into this environment, and FastAPI then asks it at each request; a service has it not.
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}
THRESHOLD = 0.6
SHOWN = 3
CODES = {
    "contract_type": ("month-to-month", "one-year", "two-year"),
    "payment_method": ("electronic_check", "mailed_check", "bank_transfer", "credit_card"),
    "internet_service": ("none", "dsl", "fiber_optic"),
}


class Subscriber(BaseModel):
    """The request: the ten features in the model's order."""

    model_config = ConfigDict(extra="forbid")

    tenure: Annotated[int, Field(ge=0, le=120)]
    monthly_charges: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    total_charges: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    contract_type: Literal["month-to-month", "one-year", "two-year"]
    payment_method: Literal["electronic_check", "mailed_check", "bank_transfer", "credit_card"]
    num_support_tickets: Annotated[int, Field(ge=0)]
    internet_service: Literal["none", "dsl", "fiber_optic"]
    streaming_services: Annotated[int, Field(ge=0, le=4)]
    paperless_billing: bool
    senior_citizen: bool


FEATURES = list(Subscriber.model_fields)


class Reason(BaseModel):
    """The part of one feature in the answer."""

    feature: str
    value: float
    shap_contribution: float
    direction: Literal["increases_risk", "decreases_risk"]
    plain_language: str


class Answer(BaseModel):
    """The response."""

    churn_probability: float
    risk_tier: Literal["low", "medium", "high"]
    top_reasons: list[Reason]
    model_version: str
    show_retention_banner: bool


def encode(subscriber: Subscriber) -> list[float]:
    """Return the numbers that the model sees, in its order."""
    return [
        float(CODES[name].index(value) if name in CODES else value)
        for name, value in ((name, getattr(subscriber, name)) for name in FEATURES)
    ]


def build_answer(values: list[float], contributions: list[float], probability: float) -> Answer:
    """Build the answer with its three strongest reasons.

    Args:
        values: the encoded numbers, in the model's order.
        contributions: in log-odds, in the same order, without the base value.
        probability: of leaving.
    """
    shown = round(probability, 4)
    strongest = sorted(range(len(values)), key=lambda at: -abs(contributions[at]))[:SHOWN]
    return Answer(
        churn_probability=shown,
        risk_tier="low" if shown < 0.3 else "medium" if shown < THRESHOLD else "high",  # noqa: PLR2004
        top_reasons=[_reason(FEATURES[at], values[at], contributions[at]) for at in strongest],
        model_version=VERSION,
        show_retention_banner=shown > THRESHOLD,
    )


def _reason(feature: str, value: float, contribution: float) -> Reason:
    rises = contribution > 0
    return Reason(
        feature=feature,
        value=value,
        shap_contribution=round(contribution, 4),
        direction="increases_risk" if rises else "decreases_risk",
        plain_language=f"{feature} of {value:g} {'increases' if rises else 'decreases'} churn risk",
    )
