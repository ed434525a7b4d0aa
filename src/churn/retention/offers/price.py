"""What a policy's amounts are in, and what its offers are compared by: a price of the contract, or what each says."""

from collections.abc import Iterator

from babel.numbers import is_currency

from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.retention.offers.complaints import PolicyProblem
from churn.retention.offers.document import PolicyDocument

CURRENCY = "USD"  # of a contract without money
NUMERIC = {"integer", "number"}


def find_currency(document: PolicyDocument, contract: type[Contract]) -> str:
    """Return the currency of a policy's amounts: its own, else its price field's, else the contract's."""
    currencies = {spec.name: spec.currency for spec in contract.features if spec.currency}
    price = currencies.get(document.price_field or "")
    return document.currency or price or next(iter(currencies.values()), CURRENCY)


def find_price_problems(document: PolicyDocument, contract: type[Contract]) -> Iterator[PolicyProblem]:
    """Find what is wrong with currency, price field and what depends on it."""
    currency = find_currency(document, contract)
    if not is_currency(currency):
        yield PolicyProblem("currency", f"{currency} is none", "give a code of ISO 4217, such as EUR")
    if document.price_field is None:
        yield from _without_price(document)
        return
    if document.assumptions is None:
        yield PolicyProblem("assumptions", "is missing", "add what is assumed of every subscriber")
    for offer in document.offers:
        if offer.worth_dollars is not None:
            what = "stands beside a price_field, from which the worth follows"
            yield PolicyProblem(f'offer "{offer.code}": worth_dollars', what, "leave one of the two out")
    spec = {spec.name: spec for spec in contract.features}.get(document.price_field)
    prices = ", ".join(spec.name for spec in contract.features if spec.currency and not spec.marker.protected)
    if spec is None or (why_not := _why_no_price(spec)):
        what = f"is no field of the contract {contract.contract_name}" if spec is None else why_not
        instead = f"give one of {prices}" if prices else "leave it out, and give each offer its worth_dollars"
        yield PolicyProblem("price_field", f"{document.price_field} {what}", instead)
    elif spec.currency != currency:
        what = f"is {currency}, but the contract has {spec.name} in {spec.currency}"
        instead = f'give {spec.currency}, or write the field with Money("{currency}") in the contract'
        yield PolicyProblem("currency", what, instead)


def _why_no_price(spec: FeatureSpec) -> str:
    if spec.marker.protected:
        return "is protected: no offer may depend on it"
    if spec.kind not in NUMERIC:
        return f"is a {spec.kind}, no number"
    return "" if spec.currency else "is no money: the contract writes it neither with write_dollars nor with Money"


def _without_price(document: PolicyDocument) -> Iterator[PolicyProblem]:
    if document.assumptions is not None:
        what = "are made of the price, but there is no price_field"
        yield PolicyProblem("assumptions", what, "add price_field, or leave them out")
    for offer in document.offers:
        place = f'offer "{offer.code}"'
        if offer.worth_dollars is None:
            what = "is missing, and there is no price_field from which it would follow"
            yield PolicyProblem(f"{place}: worth_dollars", what, "add what it is worth to keep a subscriber by it")
        if offer.discount is not None and offer.discount.percent is not None:
            what = "is a share of the price, but there is no price_field"
            yield PolicyProblem(f"{place}: discount: percent", what, "give dollars instead, or add price_field")
