"""What a subscriber is shown: pure decisions on the service's answer, what they did before, and the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from churn.answers import CustomerReason, Offer, RetentionAnswer
from portal.billing import day_of_bill
from portal.records import AcceptedOffer, Exposure, ExposureKind, History

QUIET_AFTER_DISMISSAL = timedelta(days=30)
MOST_REASONS = 3
MONTHS_WITHOUT_DISCOUNT = 6  # for so long an accepted offer is shown that takes nothing off a bill


@dataclass(frozen=True, slots=True)
class Banner:
    """What the banner shows."""

    prediction_id: str
    language: str
    headline: str
    reasons: list[CustomerReason]
    offer: Offer | None
    asks_opinion: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows, and what is recorded of it."""

    banner: Banner | None = None
    active: AcceptedOffer | None = None
    exposure: Exposure | None = None


def decide(answer: RetentionAnswer | None, *, subscriber: str, history: History, today: date) -> Shown:
    """The banner, or why there is none.

    - An accepted offer that still counts: it is shown instead.
    - No answer, or the service says no banner: nothing, and nothing to record.
    - The holdout, and those for whom no reason holds: nothing, and that is recorded.
    - Dismissed within the last 30 days: nothing.
    """
    active = history.active_offer(today)
    quiet = history.dismissed_on is not None and today < history.dismissed_on + QUIET_AFTER_DISMISSAL
    if active or quiet or answer is None or answer["retention"] is None:
        return Shown(active=active)
    exposure = _exposure(answer, subscriber)
    if exposure.kind != "exposure":
        return Shown(exposure=exposure)
    retention = answer["retention"]
    banner = Banner(
        prediction_id=answer["prediction_id"],
        language=retention["language"],
        headline=retention["headline"] or "",
        reasons=retention["reasons"][:MOST_REASONS],
        offer=retention["offer"],
        asks_opinion=history.opinion_on is None or today >= history.opinion_on + QUIET_AFTER_DISMISSAL,
    )
    return Shown(banner=banner, exposure=exposure)


def _exposure(answer: RetentionAnswer, subscriber: str) -> Exposure:
    retention = answer["retention"]
    assert retention is not None  # noqa: S101 - for the type checker; asked before
    kind: ExposureKind = "exposure" if retention["headline"] else "nothing_to_show"
    if retention["arm"] == "holdout":
        kind = "holdout"
    shown = kind == "exposure"
    return Exposure(
        prediction_id=answer["prediction_id"],
        subscriber=subscriber,
        kind=kind,
        arm=retention["arm"],
        policy_version=retention["policy_version"],
        model_version=answer["model_version"],
        reason_codes=tuple(reason["code"] for reason in retention["reasons"][:MOST_REASONS]) if shown else (),
        language=retention["language"],
        offer=retention["offer"] if shown else None,
    )


def can_be_accepted(offer: Offer, today: date) -> bool:
    """Whether the offer still stands."""
    return today <= date.fromisoformat(offer["expires"])


def active_until(offer: Offer, accepted_on: date) -> date:
    """The day of the last bill that an offer counts for. One that takes nothing off a bill says itself when it ends."""
    return day_of_bill(accepted_on, offer["months"] or MONTHS_WITHOUT_DISCOUNT)
