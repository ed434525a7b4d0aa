"""A subscriber's account in words. They are the portal's own, as the data is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from portal.bills import bill_discount, find_first_of_month
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
class Account:
    """What *Manage Subscription* says of a subscriber, in words. `bill` is what the next one comes to."""

    plan: str
    contract: str
    member_since: str
    internet: str
    bill_on: date
    bill: str
    bill_instead_of: str | None
    monthly_price: str
    paid: str
    payment: str
    bills_come: str
    streaming: int
    tickets: int
    tickets_words: str


def describe_account(facts: Mapping[str, Any], active: AcceptedOffer | None, today: date) -> Account:
    """Describe the facts that `POST /predict` takes, with the offer that counts, if there is one."""
    months, monthly, tickets = facts["tenure"], facts["monthly_charges"], facts["num_support_tickets"]
    since = f"{format_month(find_first_of_month(today, -months))}, {format_count(months, 'month')}"
    discount = bill_discount(active.offer, monthly) if active else 0.0
    return Account(
        plan=PLANS[facts["internet_service"]],
        contract=CONTRACTS[facts["contract_type"]],
        member_since=since if months else "This month. Welcome!",
        internet=INTERNET[facts["internet_service"]],
        bill_on=find_first_of_month(today, 1),
        bill=format_dollars(monthly - discount),
        bill_instead_of=format_dollars(monthly) if discount else None,
        monthly_price=format_dollars(monthly),
        paid=format_dollars(facts["total_charges"]),
        payment=PAYMENT[facts["payment_method"]],
        bills_come="By e-mail" if facts["paperless_billing"] else "By mail",
        streaming=facts["streaming_services"],
        tickets=tickets,
        tickets_words="request" if tickets == 1 else "requests",
    )
