"""What one policy does for one subscriber who sees a banner."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

from churn.answers import Arm, Offer, OfferConsidered, WhyNotOffered
from churn.retention.campaign.population import BannerSubscriber
from churn.retention.offers.arms import draw_arm
from churn.retention.offers.policy import Policy
from churn.retention.offers.selection import choose_offer

type WhyNoOffer = WhyNotOffered | Literal["no_reason_shown", "no_offers"]

# How far an offer came on its way to being made; of all offers, the one that came furthest says why there is none.
FURTHEST: tuple[WhyNotOffered, ...] = (
    "not_worth_its_cost",
    "answers_no_reason",
    "not_eligible",
    "cooldown",
    "expired",
)
HELD_OUT, NO_OFFER = "held out", "no offer"


class OfferDecision(NamedTuple):
    """What a subscriber gets.

    Args:
        offer: what is offered; in the holdout what would have been.
        considered: the policy's other offers, and why not these.
        why: there is no offer; None if there is one.
    """

    arm: Arm
    offer: Offer | None
    considered: list[OfferConsidered]
    why: WhyNoOffer | None

    @property
    def made(self) -> Offer | None:
        """The offer that the subscriber sees."""
        return None if self.arm == "holdout" else self.offer

    @property
    def state(self) -> str:
        """The code of the offer that is seen, or why none is, in two words."""
        if self.arm == "holdout":
            return HELD_OUT
        return NO_OFFER if self.offer is None else self.offer["code"]


def decide_offer(policy: Policy, banner: BannerSubscriber, today: date) -> OfferDecision:
    """Decides as the service does, of a subscriber who never accepted an offer before."""
    offer, considered = choose_offer(
        policy,
        banner.subscriber,
        banner.probability,
        banner.reasons,
        today=today,
        last_offer=None,
        language=policy.document.languages[0],
    )
    why = None if offer is not None else _why(banner, considered)
    return OfferDecision(draw_arm(banner.key, policy.holdout), offer, considered, why)


def _why(banner: BannerSubscriber, considered: Sequence[OfferConsidered]) -> WhyNoOffer:
    if not considered:
        return "no_offers"
    if not banner.reasons:
        return "no_reason_shown"
    found = {one["why"] for one in considered}
    return next(why for why in FURTHEST if why in found)
