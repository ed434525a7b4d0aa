"""What the retention banner shows one subscriber: reasons that are verified, and one offer that answers one of them."""

from datetime import date
from typing import NamedTuple

from churn.answers import Retention
from churn.contract.declaration import Contract
from churn.contract.language import ENGLISH, Language
from churn.model.model import ChurnModel, Prediction
from churn.retention.offers.arms import draw_arm
from churn.retention.offers.policy import Policy
from churn.retention.offers.selection import choose_offer
from churn.retention.reasons import choose_customer_reasons, is_worded
from churn.retention.verifying import LATEST, RULES, Rule


class Visitor(NamedTuple):
    """The subscriber who asks, beyond what the contract says, and the day on which they last accepted an offer.

    The key is opaque, and always the same for one subscriber; without it they belong to no arm. `attempt` is which try
    of the request it is, where the caller says so.
    """

    key: str | None = None
    last_offer: date | None = None
    language: Language = ENGLISH
    attempt: int | None = None


def build_banner(
    model: ChurnModel,
    policy: Policy,
    subscriber: Contract,
    prediction: Prediction,
    visitor: Visitor,
    *,
    today: date,
    rule: Rule = RULES[LATEST],
) -> Retention:
    """Build the banner of a subscriber whose probability is above the threshold.

    The banner is empty and has no headline for the holdout, and where no reason holds. It is in English as a whole if
    its policy has not the visitor's language, or if one of its reasons is not translated. `rule` says how reasons are
    verified.
    """
    language = visitor.language if visitor.language.code in policy.document.languages else ENGLISH
    content: Retention = {
        "headline": None,
        "reasons": [],
        "offer": None,
        "suppressed": [],
        "offers_considered": [],
        "language": language.code,
        "policy_version": policy.version,
        "arm": draw_arm(visitor.key, policy.holdout),
    }
    if content["arm"] == "holdout":
        return content
    content["reasons"], content["suppressed"] = choose_customer_reasons(
        model, subscriber, prediction, language, rule=rule
    )
    if not is_worded(subscriber, content["reasons"], language):  # no banner mixes two languages
        language = ENGLISH
        content["language"] = language.code
        content["reasons"], _ = choose_customer_reasons(model, subscriber, prediction, language, rule=rule)
    if content["reasons"]:
        content["offer"], content["offers_considered"] = choose_offer(
            policy,
            subscriber,
            prediction.probability,
            content["reasons"],
            today=today,
            last_offer=visitor.last_offer,
            language=language.code,
        )
        if content["offer"] is None and policy.without_offer == "nothing":
            content["reasons"] = []
        else:
            content["headline"] = policy.headline(language.code, with_offer=content["offer"] is not None)
    return content
