"""From contributions to ranked reasons, each a sentence that is true of the value it speaks of."""

from __future__ import annotations

from churn.answers import CustomerReason, Direction, Reason, Suppressed, WhyNotShown
from churn.contract import Contract, FeatureSpec
from churn.language import ENGLISH, Language
from churn.model import DECIMALS, ChurnModel, Prediction

TOP_REASONS = 3
MOST_SHOWN = 3


def top_reasons(subscriber: Contract, prediction: Prediction, count: int = TOP_REASONS) -> list[Reason]:
    """The reasons with the largest absolute contribution, largest first; equal ones in the contract's order."""
    contributions = prediction.contributions
    sizes = [*map(abs, contributions)]
    ranked = sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True)  # which keeps the order of equal ones
    return [
        _reason(spec.name, spec.phrase(getattr(subscriber, spec.name)), prediction.values[at], contributions[at])
        for at, spec in ((at, subscriber.features[at]) for at in ranked[:count])
    ]


def customer_reasons(
    model: ChurnModel, subscriber: Contract, prediction: Prediction, language: Language = ENGLISH
) -> tuple[list[CustomerReason], list[Suppressed]]:
    """The reasons that a subscriber may read, and those that raise their risk too and are not shown.

    A reason is shown if it raises the risk, is written for subscribers, is verified, and tells a story that no stronger
    one tells.

    Returns:
        The three strongest such reasons or fewer, those that the subscriber can act on first; and every other that
        raises the risk, strongest first, with why it is not shown.
    """
    shown: list[CustomerReason] = []
    suppressed: list[Suppressed] = []
    groups: set[str] = set()
    for at, spec in _raising(subscriber.features, prediction.contributions):
        value = getattr(subscriber, spec.name)
        code, group = spec.code(value), spec.group
        if why := _why_not(spec, groups, len(shown)) or (None if verified(model, prediction, at) else "not_verified"):
            suppressed.append({"code": code, "why": why})
            continue
        groups.add(group)
        text = spec.customer_text(value, "increases_risk", language)
        shown.append({"code": code, "group": group, "actionable": spec.marker.actionable, "text": text})
    shown.sort(key=lambda reason: not reason["actionable"])  # which keeps the stronger first among alike
    return shown, suppressed


def verified(model: ChurnModel, prediction: Prediction, at: int) -> bool:
    """Whether the probability, as shown, falls when feature number `at` alone is moved to its reference.

    Whoever sends the same subscriber with that one value replaced by the bundle's reference sees it fall.
    """
    if model.reference is None:
        return False
    moved = (*prediction.values[:at], model.reference[at], *prediction.values[at + 1 :])
    return model.predict_encoded([moved])[0].probability < prediction.probability


def _raising(features: tuple[FeatureSpec, ...], contributions: tuple[float, ...]) -> list[tuple[int, FeatureSpec]]:
    """The features that raise the risk as shown, strongest first."""
    raising = [(at, spec) for at, spec in enumerate(features) if round(contributions[at], DECIMALS) > 0]
    return sorted(raising, key=lambda found: -contributions[found[0]])


def _why_not(spec: FeatureSpec, groups: set[str], shown: int) -> WhyNotShown | None:
    if spec.marker.protected:
        return "protected"
    if not spec.showable:
        return "not_for_customers"
    if spec.group in groups:
        return "same_group"
    return "beyond_three" if shown == MOST_SHOWN else None


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
