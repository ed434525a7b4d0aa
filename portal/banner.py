"""Decides what a subscriber is shown, from the service's answer, their history and the day. It is pure."""

from dataclasses import dataclass
from datetime import date, timedelta

from churn.answers import CustomerReason, Offer, RetentionAnswer
from portal.records import AcceptedOffer, BannerHistory, Exposure, ExposureKind

QUIET_AFTER_DISMISSAL = timedelta(days=30)
MOST_REASONS = 3


@dataclass(frozen=True, slots=True)
class ShownBanner:
    """What the banner shows."""

    prediction_id: str
    language: str
    headline: str
    reasons: list[CustomerReason]
    offer: Offer | None
    asks_opinion: bool


@dataclass(frozen=True, slots=True)
class Display:
    """What a page shows, and what is recorded of it."""

    banner: ShownBanner | None = None
    active: AcceptedOffer | None = None
    exposure: Exposure | None = None


def decide_display(answer: RetentionAnswer | None, *, subscriber: str, history: BannerHistory, today: date) -> Display:
    """Decide what a page shows.

    - An accepted offer that still counts: the offer.
    - No answer, or the service says no banner: nothing, and nothing is recorded.
    - A subscriber of the holdout, or without a reason that holds: nothing, and that is recorded.
    - Dismissed within the last 30 days: nothing.
    - Else: the banner.
    """
    active = history.find_active_offer(today)
    quiet = history.dismissed_on is not None and today < history.dismissed_on + QUIET_AFTER_DISMISSAL
    if active or quiet or answer is None or (retention := answer["retention"]) is None:
        return Display(active=active)
    kind: ExposureKind = "exposure" if retention["headline"] else "nothing_to_show"
    if retention["arm"] == "holdout":
        kind = "holdout"
    is_shown = kind == "exposure"
    exposure = Exposure(
        prediction_id=answer["prediction_id"],
        subscriber=subscriber,
        kind=kind,
        arm=retention["arm"],
        policy_version=retention["policy_version"],
        model_version=answer["model_version"],
        reason_codes=tuple(reason["code"] for reason in retention["reasons"][:MOST_REASONS]) if is_shown else (),
        language=retention["language"],
        offer=retention["offer"] if is_shown else None,
    )
    if not is_shown:
        return Display(exposure=exposure)
    banner = ShownBanner(
        prediction_id=exposure.prediction_id,
        language=exposure.language,
        headline=retention["headline"] or "",
        reasons=retention["reasons"][:MOST_REASONS],
        offer=exposure.offer,
        asks_opinion=history.opinion_on is None or today >= history.opinion_on + QUIET_AFTER_DISMISSAL,
    )
    return Display(banner=banner, exposure=exposure)
