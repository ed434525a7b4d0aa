"""What is done for a subscriber: the offer with the largest expected net value, or by lot something else."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from churn.answers import CustomerReason, Offer, OfferConsidered, OfferValue, WhyNotOffered
from churn.contract.declaration import Contract
from churn.retention.offers.actions import BANNER_ALONE, find_best_action, list_actions, list_tried
from churn.retention.offers.arms import draw_action
from churn.retention.offers.conditions import is_met
from churn.retention.offers.formula import find_cost, find_effect, find_full_cost, find_net
from churn.retention.offers.policy import Policy, Terms
from churn.retention.offers.segments import find_segment

CENTS = 2

type Adjust = Callable[[str], float]
"""What an uplift adds to the effect of an offer on this subscriber, or of the banner alone, in points."""


class Stake(NamedTuple):
    """What is at stake: the price if the policy knows one, the margin of keeping them, and their segment's number."""

    price: float | None
    margin: float
    segment: int


class WeighedOffer(NamedTuple):
    """An offer that answers a reason, known by its code, and what making it is worth, in the policy's currency.

    `save_rate` is with what was measured, `adjustment` what an uplift adds to the effect. `net` is rounded to cents:
    what is decided is decided on this number.
    """

    terms: Terms
    reason: str
    save_rate: float
    adjustment: float
    monthly_discount: float
    margin: float
    cost: float
    net: float


class Choice(NamedTuple):
    """What was chosen for a subscriber who may read a reason.

    Args:
        action: what is done: the code of an offer, `banner alone` or `nothing`; for the holdout what would be.
        best: the action that is expected to bring most.
        offer: that of the action.
        considered: the policy's other offers.
        nets: what each offer of the policy is expected to bring, in its order; None if it is not possible.
        alone: what the banner alone is expected to bring; None where no uplift decides.
        adjustments: what the uplift added to the effect of the banner alone, then of each possible offer.
    """

    action: str
    best: str
    offer: Offer | None
    considered: list[OfferConsidered]
    nets: list[float | None]
    alone: float | None = None
    adjustments: Sequence[float] = ()


def choose_action(
    policy: Policy,
    subscriber: Contract,
    probability: float,
    reasons: Sequence[CustomerReason],
    *,
    today: date,
    last_offer: date | None,
    language: str,
    key: str | None = None,
    drawn: str | None = None,
    adjust: Adjust | None = None,
) -> Choice:
    """Choose the action with the largest expected net value for this subscriber, or by lot another possible one.

    `formula.py` says what an offer is worth that answers one of the reasons, in the policy's currency, with

        margin    = price * margin_share * months_kept
        full cost = months * monthly discount + cost_dollars

    Without a price field the margin is what the offer says that it is worth to keep a subscriber by it. A price that is
    not known counts as 0. The offer's benefit says what the monthly discount is. `save_rate` is the share of leaving
    that the offer prevents among all who are offered it, and `strength` what was measured of it in the subscriber's
    segment. `take_up` is the share of all who are offered it and accept.

    An offer counts for the reason with the highest save rate that it answers; of equal ones for the first. Net values
    are compared in whole cents, as they are shown. An offer with a net value of 0 or less is not best. Of equal offers
    the first in the policy is best.

    With an uplift, what it adds to each effect counts, and the banner alone has an effect, too. Where that harms and no
    offer is worth it, nothing is best. No more leaving is prevented than there is.

    Args:
        probability: of leaving, as shown, as the reasons are.
        last_offer: the day on which the subscriber last accepted an offer; within the cooldown there is none. A day
            that is still to come counts as today.
        language: one of the policy's.
        key: of the subscriber; without it no lot is drawn.
        drawn: the action that was drawn before, to choose as then. One that is not possible counts as none.
        adjust: of the uplift that decides; None if none does.
    """
    stake = _weigh_subscriber(policy, subscriber)
    weighed = _weigh_offers(
        policy, subscriber, probability, reasons, stake, today=today, last_offer=last_offer, adjust=adjust
    )
    nets = [None if isinstance(offer, str) else offer.net for offer in weighed]
    alone_adjustment = None if adjust is None else adjust(BANNER_ALONE)
    alone = None if alone_adjustment is None else _weigh_banner_alone(policy, stake, min(alone_adjustment, probability))
    best = action = find_best_action(policy.codes, nets, policy.without_offer, alone)
    if drawn is not None:
        action = drawn if drawn in list_actions(policy.codes, nets) else best
    elif key and policy.explore.share:
        tried = list_tried(list_actions(policy.codes, nets), policy.untried)
        action = draw_action(key, policy.holdout.experiment, policy.explore, today, best=best, tried=tried)
    made: Offer | None = None
    considered: list[OfferConsidered] = []
    for terms, offer in zip(policy.terms, weighed, strict=True):
        if isinstance(offer, str):
            considered.append({"code": terms.code, "why": offer, "net_dollars": None})
        elif terms.code == action:
            made = _build_offer(offer, probability, policy.currency, language, is_adjusted=adjust is not None)
        else:
            why: WhyNotOffered = "not_drawn" if action != best else "worth_less_than_the_chosen"
            considered.append(
                {
                    "code": terms.code,
                    "why": why if offer.net > 0 else "not_worth_its_cost",
                    "net_dollars": offer.net,
                }
            )
    if alone_adjustment is None:
        return Choice(action, best, made, considered, nets)
    adjustments = [alone_adjustment, *(offer.adjustment for offer in weighed if not isinstance(offer, str))]
    return Choice(action, best, made, considered, nets, alone, adjustments)


def choose_offer(
    policy: Policy,
    subscriber: Contract,
    probability: float,
    reasons: Sequence[CustomerReason],
    *,
    today: date,
    last_offer: date | None,
    language: str,
) -> tuple[Offer | None, list[OfferConsidered]]:
    """Choose the best offer, as `choose_action` does without a lot; return it or None, and all others of the policy."""
    choice = choose_action(
        policy, subscriber, probability, reasons, today=today, last_offer=last_offer, language=language
    )
    return choice.offer, choice.considered


def find_largest_net(policy: Policy, price: float) -> float:
    """Return the largest net value that an offer may have for a subscriber who pays this price; 0 if none is worth it.

    It is that of somebody who surely leaves, for the reason that the offer answers best.
    """
    assumed = policy.document.assumptions
    known = None if assumed is None else price
    kept = 0.0 if assumed is None else price * assumed.margin_share * assumed.months_kept
    largest = 0.0
    for terms in policy.terms:
        effect = find_effect(1.0, max(terms.offer.saves.values()), max(terms.strengths))
        full_cost = find_full_cost(terms.benefit.monthly_dollars(known), terms.benefit.months, terms.offer.cost_dollars)
        cost = find_cost(1.0, effect, terms.take_up, full_cost, terms.leavers_use)
        largest = max(largest, find_net(effect, terms.offer.worth_dollars or kept, cost))
    return round(largest, CENTS)


def _weigh_offers(
    policy: Policy,
    subscriber: Contract,
    probability: float,
    reasons: Sequence[CustomerReason],
    stake: Stake,
    *,
    today: date,
    last_offer: date | None,
    adjust: Adjust | None,
) -> list[WeighedOffer | WhyNotOffered]:
    """Weigh each offer of the policy, in its order, or say why it is not possible."""
    is_cooling = last_offer is not None and (today - last_offer).days < policy.cooldown_days
    offers: list[WeighedOffer | WhyNotOffered] = []
    for terms in policy.terms:
        if today > terms.offer.expires:
            offers.append("expired")
        elif is_cooling:
            offers.append("cooldown")
        elif not is_met(terms.eligible, subscriber):
            offers.append("not_eligible")
        else:
            offers.append(_weigh(terms, reasons, probability, stake, adjust) or "answers_no_reason")
    return offers


def _weigh_subscriber(policy: Policy, subscriber: Contract) -> Stake:
    field, assumed = policy.document.price_field, policy.document.assumptions
    segment = find_segment(policy.segments, subscriber)
    if field is None or assumed is None:
        return Stake(None, 0.0, segment)
    price = float(getattr(subscriber, field) or 0.0)
    return Stake(price, price * assumed.margin_share * assumed.months_kept, segment)


def _weigh_banner_alone(policy: Policy, stake: Stake, effect: float) -> float:
    """Return what the banner alone brings. Without a price, to keep somebody is worth what the least offer says."""
    margin = stake.margin or min((terms.offer.worth_dollars or 0.0 for terms in policy.terms), default=0.0)
    return round(find_net(effect, margin, 0.0), CENTS) + 0.0


def _weigh(
    terms: Terms, reasons: Sequence[CustomerReason], probability: float, stake: Stake, adjust: Adjust | None
) -> WeighedOffer | None:
    """Weigh an offer by the reason that it answers best; None if it answers none."""
    reason, save_rate = "", -1.0
    for shown in reasons:
        rate = terms.offer.saves.get(shown["group"], -1.0)
        if rate > save_rate:
            reason, save_rate = shown["code"], rate
    if save_rate < 0:
        return None
    margin = terms.offer.worth_dollars or stake.margin
    strength = terms.strengths[stake.segment]
    discount = terms.benefit.monthly_dollars(stake.price)
    effect, adjustment = find_effect(probability, save_rate, strength), 0.0
    if adjust is not None:
        adjustment = adjust(terms.code)
        effect = min(effect + adjustment, probability)
    full_cost = find_full_cost(discount, terms.benefit.months, terms.offer.cost_dollars)
    cost = find_cost(probability, effect, terms.take_up, full_cost, terms.leavers_use)
    net = round(find_net(effect, margin, cost), CENTS) + 0.0
    return WeighedOffer(terms, reason, save_rate * strength, adjustment, discount, margin, cost, net)


def _build_offer(chosen: WeighedOffer, probability: float, currency: str, language: str, *, is_adjusted: bool) -> Offer:
    terms = chosen.terms
    expected: OfferValue = {
        "churn_probability": probability,
        "save_rate": chosen.save_rate,
        "margin_dollars": round(chosen.margin, CENTS) + 0.0,
        "cost_dollars": round(chosen.cost, CENTS) + 0.0,
        "net_dollars": chosen.net,
    }
    if is_adjusted:
        expected["adjustment"] = chosen.adjustment
    return {
        "code": terms.code,
        "title": terms.titles[language],
        "answers": chosen.reason,
        "discount_dollars": round(chosen.monthly_discount, CENTS) + 0.0,
        "currency": currency,
        "months": terms.benefit.months,
        "expires": terms.offer.expires.isoformat(),
        "disclosures": list(terms.disclosures[language]),
        "expected": expected,
    }
