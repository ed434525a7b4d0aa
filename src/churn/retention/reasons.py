"""From contributions to ranked reasons, each a sentence that is true of the value it speaks of."""

from collections.abc import Collection, Mapping, Sequence

from churn.answers import DECIMALS, CustomerReason, Direction, Reason, Suppressed, WhyNotShown
from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.contract.language import ENGLISH, Language
from churn.judging.metrics import TOP_REASONS
from churn.model.model import ChurnModel, Prediction
from churn.retention.verifying import LATEST, RULES, Rule, verify_reasons

MOST_SHOWN = 3


def rank_reasons(subscriber: Contract, prediction: Prediction, count: int = TOP_REASONS) -> list[Reason]:
    """Return the reasons with the largest absolute contribution, largest first; equal ones in the contract's order."""
    sizes = [*map(abs, prediction.contributions)]
    ranked = sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True)  # which keeps the order of equal ones
    return [_build_reason(subscriber, prediction, at) for at in ranked[:count]]


def choose_customer_reasons(
    model: ChurnModel,
    subscriber: Contract,
    prediction: Prediction,
    language: Language = ENGLISH,
    *,
    rule: Rule = RULES[LATEST],
) -> tuple[list[CustomerReason], list[Suppressed]]:
    """Choose the reasons that a subscriber may read, and say why others that raise the risk are not shown.

    A reason is shown if it raises the risk, is written for subscribers, is verified, and tells a story that no stronger
    one tells. `rule` says how it is verified: by another one only to make an earlier answer again.

    Returns:
        The three strongest such reasons or fewer, those that the subscriber can act on first; and every other that
        raises the risk, strongest first, with why it is not shown.
    """
    raising = _find_raising(subscriber.features, prediction.contributions)
    showable = {
        at: spec
        for at, spec in raising
        if spec.is_showable and not (spec.unworded and getattr(subscriber, spec.name) in spec.unworded)
    }
    holds: dict[int, bool] = {}
    while unknown := [at for at in _choose_strongest(showable, holds) if at not in holds]:
        holds |= verify_reasons(model, prediction, unknown, rule)
    chosen = _choose_strongest(showable, holds)
    groups = {subscriber.features[at].group for at in chosen}
    shown: list[CustomerReason] = []
    suppressed: list[Suppressed] = []
    for at, spec in raising:
        value = getattr(subscriber, spec.name)
        code = spec.code_from_value(value)
        if at in chosen:
            text = spec.word_for_subscriber(value, "increases_risk", language)
            shown.append({"code": code, "group": spec.group, "actionable": spec.marker.actionable, "text": text})
        else:
            why = _explain_suppression(spec, groups, is_worded=at in showable, is_verified=holds.get(at, True))
            suppressed.append({"code": code, "why": why})
    shown.sort(key=lambda reason: not reason["actionable"])  # which keeps the stronger first among alike
    return shown, suppressed


def is_worded(subscriber: Contract, reasons: Sequence[CustomerReason], language: Language) -> bool:
    """Tell whether a language has a translation of all that these reasons say."""
    if not language.lacks:
        return True
    specs = {spec.name: spec for spec in subscriber.features}
    fields = [specs[reason["code"].partition(".")[0]] for reason in reasons]
    return not any(language.lacks & spec.list_messages_of(getattr(subscriber, spec.name)) for spec in fields)


def _find_raising(features: tuple[FeatureSpec, ...], contributions: tuple[float, ...]) -> list[tuple[int, FeatureSpec]]:
    """Return the features that raise the risk as shown, by number, strongest first."""
    raising = [(at, features[at]) for at, part in enumerate(contributions) if part > 0 and round(part, DECIMALS) > 0]
    return sorted(raising, key=lambda pair: -contributions[pair[0]])


def _choose_strongest(showable: Mapping[int, FeatureSpec], holds: Mapping[int, bool]) -> list[int]:
    """Choose up to three features, one of each group, without those known not to hold."""
    chosen: dict[str, int] = {}
    for at, spec in showable.items():
        if holds.get(at, True):
            chosen.setdefault(spec.group, at)
    return [*chosen.values()][:MOST_SHOWN]


def _explain_suppression(
    spec: FeatureSpec, groups: Collection[str], *, is_worded: bool, is_verified: bool
) -> WhyNotShown:
    if spec.marker.protected:
        return "protected"
    if not is_worded:
        return "not_for_customers"
    if not is_verified:
        return "not_verified"
    return "same_group" if spec.group in groups else "beyond_three"


def direction_from_contribution(shown: float) -> Direction:
    """Return the direction of a contribution as shown. A contribution of 0.0 counts as decreasing."""
    return "increases_risk" if shown > 0 else "decreases_risk"


def write_sentence(phrase: str, shown: float) -> str:
    """Write the reason in words. A contribution that is shown as 0.0 claims no effect."""
    verb = "increases" if shown > 0 else "decreases" if shown < 0 else "has no effect on"
    return f"{phrase} {verb} churn risk"


def _build_reason(subscriber: Contract, prediction: Prediction, at: int) -> Reason:
    # Direction and sentence follow the number that is shown, so that they never contradict it.
    shown = round(prediction.contributions[at], DECIMALS) + 0.0
    spec = subscriber.features[at]
    value = getattr(subscriber, spec.name)
    return {
        "feature": spec.name,
        "value": None if value is None else prediction.values[at],
        "shap_contribution": shown,
        "direction": direction_from_contribution(shown),
        "plain_language": write_sentence(spec.word_for_team(value), shown),
    }
