"""What the portal remembers, as values: the demo's subscribers, what they were shown, and what they did about it."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from churn.answers import Arm, Offer

KEY = re.compile(r"[!-~]{1,128}")  # as in X-Subscriber-Key

type ExposureKind = Literal["exposure", "holdout", "nothing_to_show"]
type ResponseKind = Literal["dismissal", "acceptance", "helpful", "not_helpful", "opt_out"]


@dataclass(frozen=True, slots=True)
class DemoSubscriber:
    """A demo subscriber.

    Args:
        key: opaque; the service draws the arm from it.
        title: a few words about the person; `about` says a little more.
        facts: what `POST /predict` takes.
    """

    key: str
    number: int
    title: str
    about: str
    facts: dict[str, Any]
    wants_offers: bool = True


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one prediction showed a subscriber, or that it showed nothing, with what the experiment must know."""

    prediction_id: str
    subscriber: str
    kind: ExposureKind
    arm: Arm
    policy_version: str
    model_version: str
    reason_codes: tuple[str, ...]
    language: str
    offer: Offer | None


@dataclass(frozen=True, slots=True)
class AcceptedOffer:
    """The offer that a subscriber has, or had last. `active_until` is the day of the last bill it counts for."""

    offer: Offer
    language: str
    accepted_on: date
    active_until: date


@dataclass(frozen=True, slots=True)
class BannerHistory:
    """When a subscriber last did what about a banner; None if never."""

    dismissed_on: date | None = None
    opinion_on: date | None = None
    accepted: AcceptedOffer | None = None

    def find_active_offer(self, today: date) -> AcceptedOffer | None:
        """Return the accepted offer while it counts."""
        return self.accepted if self.accepted and today <= self.accepted.active_until else None
