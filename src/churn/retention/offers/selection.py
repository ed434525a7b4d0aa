"""The one offer for a subscriber: the one with the largest expected net value, if that is worth anything."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from churn.answers import CustomerReason, Offer, OfferConsidered, WhyNotOffered
from churn.contract.declaration import Contract
from churn.retention.offers.conditions import is_met
from churn.retention.offers.formula import find_cost, find_effect, find_full_cost, find_net
from churn.retention.offers.policy import Policy, Terms
from churn.retention.offers.segments import find_segment

CENTS = 2


class Stake(NamedTuple):
    """What is at stake: the price if the policy knows one, the margin of keeping them, and their segment's number."""

    price: float | None
    margin: float
    segment: int


class WeighedOffer(NamedTuple):
    """An offer that answers a reason, known by its code, and what making it is worth, in the policy's currency.

    `save_rate` is with what was measured. `net` is rounded to cents: what is decided is decided on this number.
    """

    terms: Terms
    reason: str
    save_rate: float
    monthly_discount: float
    margin: float
    cost: float
    net: float


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
    """Choose the offer with the largest expected net value for this subscriber.

    `formula.py` says what an offer is worth that answers one of the reasons, in the policy's currency, with

        margin    = price * margin_share * months_kept
        full cost = months * monthly discount + cost_dollars

    Without a price field the margin is what the offer says that it is worth to keep a subscriber by it. A price that is
    not known counts as 0. The offer's benefit says what the monthly discount is. `save_rate` is the share of leaving
    that the offer prevents among all who are offered it, and `strength` what was measured of it in the subscriber's
    segment. `take_up` is the share of all who are offered it and accept.

    An offer counts for the reason with the highest save rate that it answers; of equal ones for the first. Net values
    are compared in whole cents, as they are shown. An offer with a net value of 0 or less is not made. Of equal offers
    the first in the policy is made.

    Args:
        probability: of leaving, as shown, as the reasons are.
        last_offer: the day on which the subscriber last accepted an offer; within the cooldown there is none. A day
            that is still to come counts as today.
        language: one of the policy's.

    Returns:
        The offer, or None, and all others of the policy in its order.
    """
    stake = _weigh_subscriber(policy, subscriber)
    cooling = last_offer is not None and (today - last_offer).days < policy.cooldown_days
    best: WeighedOffer | None = None
    best_at = -1
    considered: list[OfferConsidered] = []
    for at, terms in enumerate(policy.terms):
        weighed: WeighedOffer | None = None
        why: WhyNotOffered = "worth_less_than_the_chosen"
        if today > terms.offer.expires:
            why = "expired"
        elif cooling:
            why = "cooldown"
        elif not is_met(terms.eligible, subscriber):
            why = "not_eligible"
        elif (weighed := _weigh(terms, reasons, probability, stake)) is None:
            why = "answers_no_reason"
        elif weighed.net <= 0:
            why = "not_worth_its_cost"
        elif best is None or weighed.net > best.net:
            best, best_at = weighed, at
        considered.append({"code": terms.code, "why": why, "net_dollars": None if weighed is None else weighed.net})
    if best is None:
        return None, considered
    del considered[best_at]
    return _build_offer(best, probability, policy.currency, language), considered


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
        full_cost = _find_full_cost(terms, terms.benefit.monthly_dollars(known))
        cost = find_cost(1.0, effect, terms.take_up, full_cost, terms.leavers_use)
        largest = max(largest, find_net(effect, terms.offer.worth_dollars or kept, cost))
    return round(largest, CENTS)


def _weigh_subscriber(policy: Policy, subscriber: Contract) -> Stake:
    field, assumed = policy.document.price_field, policy.document.assumptions
    segment = find_segment(policy.segments, subscriber)
    if field is None or assumed is None:
        return Stake(None, 0.0, segment)
    price = float(getattr(subscriber, field) or 0.0)
    return Stake(price, price * assumed.margin_share * assumed.months_kept, segment)


def _weigh(terms: Terms, reasons: Sequence[CustomerReason], probability: float, stake: Stake) -> WeighedOffer | None:
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
    effect = find_effect(probability, save_rate, strength)
    cost = find_cost(probability, effect, terms.take_up, _find_full_cost(terms, discount), terms.leavers_use)
    net = round(find_net(effect, margin, cost), CENTS) + 0.0
    return WeighedOffer(terms, reason, save_rate * strength, discount, margin, cost, net)


def _find_full_cost(terms: Terms, monthly_discount: float) -> float:
    return find_full_cost(monthly_discount, terms.benefit.months, terms.offer.cost_dollars)


def _build_offer(chosen: WeighedOffer, probability: float, currency: str, language: str) -> Offer:
    terms = chosen.terms
    return {
        "code": terms.code,
        "title": terms.titles[language],
        "answers": chosen.reason,
        "discount_dollars": round(chosen.monthly_discount, CENTS) + 0.0,
        "currency": currency,
        "months": terms.benefit.months,
        "expires": terms.offer.expires.isoformat(),
        "disclosures": list(terms.disclosures[language]),
        "expected": {
            "churn_probability": probability,
            "save_rate": chosen.save_rate,
            "margin_dollars": round(chosen.margin, CENTS) + 0.0,
            "cost_dollars": round(chosen.cost, CENTS) + 0.0,
            "net_dollars": chosen.net,
        },
    }
