"""A subscriber's account in words. They are the portal's own, as the data is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from portal.billing import find_bill_day, find_first_month
from portal.offers import bill_discount
from portal.records import AcceptedOffer
from portal.words import format_count, format_dollars, format_month

STREAMING_SLOTS = 4
PLANS = {"none": "StreamFlow Basic", "dsl": "StreamFlow DSL", "fiber_optic": "StreamFlow Fiber"}
INTERNET = {"none": "Not in your plan", "dsl": "DSL", "fiber_optic": "Fiber optic"}
CONTRACTS = {"month-to-month": "Month to month", "one-year": "One year", "two-year": "Two years"}
PAYMENT = {
    "electronic_check": "Electronic check",
    "mailed_check": "Mailed check",
    "bank_transfer": "Bank transfer",
    "credit_card": "Credit card",
}


@dataclass(frozen=True, slots=True)
class Bill:
    """The next bill.

    Args:
        on: its day.
        amount: what is to be paid, such as `$74.50`.
        instead_of: the price without the offer, if one counts for this bill.
        monthly: the price of the plan.
        paid: what was paid so far.
    """

    on: date
    amount: str
    instead_of: str | None
    monthly: str
    paid: str


@dataclass(frozen=True, slots=True)
class Account:
    """What *Manage Subscription* says of a subscriber, in words."""

    plan: str
    contract: str
    member_since: str
    internet: str
    bill: Bill
    payment: str
    bills_come: str
    streaming: int
    tickets: int
    tickets_words: str


def describe_account(facts: Mapping[str, Any], active: AcceptedOffer | None, today: date) -> Account:
    """Describe the facts that `POST /predict` takes.

    Args:
        facts: those facts.
        active: the offer that counts, if there is one.
        today: the day the page is opened.
    """
    months = facts["tenure"]
    since = f"{format_month(find_first_month(today, months))}, {format_count(months, 'month')}"
    return Account(
        plan=PLANS[facts["internet_service"]],
        contract=CONTRACTS[facts["contract_type"]],
        member_since=since if months else "This month. Welcome!",
        internet=INTERNET[facts["internet_service"]],
        bill=_bill(facts["monthly_charges"], facts["total_charges"], active, today),
        payment=PAYMENT[facts["payment_method"]],
        bills_come="By e-mail" if facts["paperless_billing"] else "By mail",
        streaming=facts["streaming_services"],
        tickets=facts["num_support_tickets"],
        tickets_words="request" if facts["num_support_tickets"] == 1 else "requests",
    )


def _bill(monthly: float, paid: float, active: AcceptedOffer | None, today: date) -> Bill:
    discount = bill_discount(active.offer, monthly) if active else 0.0
    return Bill(
        on=find_bill_day(today, 1),
        amount=format_dollars(monthly - discount),
        instead_of=format_dollars(monthly) if discount else None,
        monthly=format_dollars(monthly),
        paid=format_dollars(paid),
    )
