"""When bills come, and what an offer takes off them. Only this module reads what an offer gives."""

from collections.abc import Mapping
from datetime import date

from churn.answers import MOST_MONTHS, Offer
from churn.errors import Nonsense
from portal.words import DOLLARS, format_dollars

MONTHS_WITHOUT_DISCOUNT = 6  # for so long an accepted offer is shown that takes nothing off a bill


def require_sensible_offer(offer: Offer) -> None:
    """Raise `Nonsense` for a day that is none, or a discount that nobody could grant."""
    try:
        date.fromisoformat(offer["expires"])
    except ValueError as error:
        raise Nonsense("an offer whose last day is none") from error
    if offer["discount_dollars"] < 0 or offer["months"] > MOST_MONTHS:
        raise Nonsense("an offer that nobody could grant")


def is_open(offer: Offer, today: date) -> bool:
    """Return whether the offer can still be accepted."""
    return today <= date.fromisoformat(offer["expires"])


def find_last_bill(offer: Offer, accepted_on: date) -> date:
    """Return the day of the last bill that an offer counts for. An offer without bills says itself when it ends."""
    return find_first_of_month(accepted_on, offer["months"] or MONTHS_WITHOUT_DISCOUNT)


def has_bills(offer: Offer) -> bool:
    """Return whether the offer counts for certain bills."""
    return offer["months"] > 0


def bill_discount(offer: Offer | None, monthly: float) -> float:
    """Return what the accepted offer, if there is one, takes off one bill, in dollars."""
    return min(offer["discount_dollars"], monthly) if offer else 0.0


def describe_saving(offer: Offer, language: str, say: Mapping[str, str]) -> str | None:
    """Return what the offer saves, in a sentence; None if it takes nothing off a bill."""
    discount, months = offer["discount_dollars"], offer["months"]
    if not discount or not months:
        return None
    currency = offer.get("currency", DOLLARS)  # which services of earlier versions do not say
    amount, total = (format_dollars(off, language, currency) for off in (discount, discount * months))
    return say["saving_one" if months == 1 else "saving_many"].format(amount=amount, months=months, total=total)


def find_first_of_month(day: date, months_later: int) -> date:
    """Return the first of the month so many months later, or earlier if negative. Bills come on these days."""
    year, month = divmod(day.year * 12 + day.month - 1 + months_later, 12)
    return date(year, month + 1, 1)
