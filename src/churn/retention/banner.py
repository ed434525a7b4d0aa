"""What the retention banner shows one subscriber: reasons that are verified, and one offer that answers one of them."""

from datetime import date
from typing import NamedTuple

from churn.answers import Arm, DecidedBy, Retention
from churn.contract.declaration import Contract
from churn.contract.language import ENGLISH, Language
from churn.model.model import ChurnModel, Prediction
from churn.model.uplift import Uplift
from churn.retention.because import explain_offer
from churn.retention.offers.actions import NOTHING
from churn.retention.offers.arms import draw_arm
from churn.retention.offers.policy import Policy
from churn.retention.offers.selection import Adjust, Choice, choose_action
from churn.retention.reasons import choose_customer_reasons, is_worded
from churn.retention.verifying import LATEST, RULES, Rule

OTHER_EFFECTS = "the policy {version} says other effects of its offers than those that it was fitted over"


class Visitor(NamedTuple):
    """The subscriber who asks, beyond what the contract says, and the day on which they last accepted an offer.

    The key is opaque, and always the same for one subscriber; without it they belong to no arm. `attempt` is which try
    of the request it is, where the caller says so.
    """

    key: str | None = None
    last_offer: date | None = None
    language: Language = ENGLISH
    attempt: int | None = None


class Decision(NamedTuple):
    """What was decided on a subscriber's banner.

    Args:
        shown: what the answer says of it.
        choice: the action, also for the holdout; None if there is no reason to show.
        decided_by: the rule, also for the holdout.
        withheld_reasons: the codes of reasons that hold, where nothing is shown.
    """

    shown: Retention
    choice: Choice | None
    decided_by: DecidedBy
    withheld_reasons: list[str]


class Drawn(NamedTuple):
    """What the lots said before, to decide as then without the key. The action is None if no record has it."""

    arm: Arm
    action: str | None


def decide_banner(
    model: ChurnModel,
    policy: Policy,
    subscriber: Contract,
    prediction: Prediction,
    visitor: Visitor,
    *,
    today: date,
    rule: Rule = RULES[LATEST],
    drawn: Drawn | None = None,
) -> Decision:
    """Decide on the banner of a subscriber whose probability is above the threshold, or who is tried below it.

    The banner is empty and has no headline for the holdout, where no reason holds, and where the action is to show
    nothing. An uplift decides where it adjusts the policy's effects. It is in English as a whole if its policy has not
    the visitor's language, or if one of its reasons is not translated. `rule` says how reasons are verified.
    """
    language = visitor.language if visitor.language.code in policy.document.languages else ENGLISH
    reasons, suppressed = choose_customer_reasons(model, subscriber, prediction, language, rule=rule)
    if not is_worded(subscriber, reasons, language):  # no banner mixes two languages
        language = ENGLISH
        reasons, _ = choose_customer_reasons(model, subscriber, prediction, language, rule=rule)
    choice, adjust = None, find_adjust(model, policy, prediction)
    if reasons:
        choice = choose_action(
            policy,
            subscriber,
            prediction.probability,
            reasons,
            today=today,
            last_offer=visitor.last_offer,
            language=language.code,
            key=visitor.key,
            drawn=drawn.action if drawn else None,
            adjust=adjust,
        )
    shown: Retention = {
        "headline": None,
        "reasons": [],
        "offer": None,
        "suppressed": [],
        "offers_considered": [],
        "language": language.code,
        "policy_version": policy.version,
        "arm": drawn.arm if drawn else draw_arm(visitor.key, policy.holdout),
        "decided_by": None,
    }
    decided_by: DecidedBy = "risk" if adjust is None else "uplift"
    if choice and choice.action != choice.best:
        decided_by = "explore"
    if shown["arm"] != "holdout":
        shown["suppressed"], shown["decided_by"] = suppressed, decided_by
        if choice:
            shown["offers_considered"] = choice.considered
            if choice.action != NOTHING:
                shown["reasons"], shown["offer"] = reasons, choice.offer
                if choice.offer and decided_by == "uplift":
                    choice.offer["because"] = explain_offer(
                        model, subscriber, prediction, choice.action, language, rule=rule
                    )
                shown["headline"] = policy.headline(language.code, with_offer=choice.offer is not None)
    withheld = [] if shown["reasons"] else [reason["code"] for reason in reasons]
    return Decision(shown, choice, decided_by, withheld)


def find_uplift(model: ChurnModel, policy: Policy) -> Uplift | None:
    """Return the uplift that decides: the bundle's, where the policy says the effects that it was fitted over."""
    uplift = model.uplift
    return uplift if uplift is not None and uplift.effects_sha256 == policy.effects_sha256 else None


def find_adjust(model: ChurnModel, policy: Policy, prediction: Prediction) -> Adjust | None:
    """Return what adjusts the effects on a subscriber; None where no uplift decides."""
    uplift = find_uplift(model, policy)
    return None if uplift is None else lambda code: uplift.find_adjustment(prediction.values, code).points


def build_banner(
    model: ChurnModel, policy: Policy, subscriber: Contract, prediction: Prediction, visitor: Visitor, *, today: date
) -> Retention:
    """Build the banner of a subscriber, as `decide_banner` decides on it."""
    return decide_banner(model, policy, subscriber, prediction, visitor, today=today).shown
