"""From contributions to ranked reasons, each a sentence that is true of the value it speaks of."""

from __future__ import annotations

from churn.answers import Direction, Reason
from churn.contract import Contract
from churn.model import DECIMALS, Prediction

TOP_REASONS = 3


def top_reasons(subscriber: Contract, prediction: Prediction, count: int = TOP_REASONS) -> list[Reason]:
    """The reasons with the largest absolute contribution, largest first; equal ones in the contract's order."""
    contributions = prediction.contributions
    sizes = [*map(abs, contributions)]
    ranked = sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True)  # which keeps the order of equal ones
    return [
        _reason(spec.name, spec.phrase(getattr(subscriber, spec.name)), prediction.values[at], contributions[at])
        for at, spec in ((at, subscriber.features[at]) for at in ranked[:count])
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
    return {
        "feature": feature,
        "value": value,
        "shap_contribution": shown,
        "direction": direction(shown),
        "plain_language": sentence(phrase, shown),
    }
