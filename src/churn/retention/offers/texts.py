"""The texts of an offer with its numbers filled in as each language writes them, so that none is written twice."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_percent

from churn.retention.offers.document import OfferDocument

CURRENCY = "USD"


def placeholders(text: str) -> list[str]:
    """The names in braces, in order.

    Raises:
        ValueError: the braces are not in pairs, or hold more than a name.
    """
    found = [part for part in string.Formatter().parse(text) if part[1] is not None]
    if any(specification or conversion for _, _, specification, conversion in found):
        raise ValueError(text)
    return [str(name) for _, name, _, _ in found]


def known_placeholders(offer: OfferDocument) -> list[str]:
    """The names that this offer's texts may use."""
    return list(_numbers(offer))


def filled(text: str, offer: OfferDocument, language: str) -> str:
    """The text with the offer's numbers in place of their names."""
    numbers = _numbers(offer)
    return text.format_map({name: numbers[name](language) for name in placeholders(text)})


def _numbers(offer: OfferDocument) -> Mapping[str, Callable[[str], str]]:
    """How each number is written in a language, by its name."""
    numbers: dict[str, Callable[[str], str]] = {
        "expires": lambda language: format_date(offer.expires, format="long", locale=language)
    }
    if (discount := offer.discount) is None:
        return numbers
    numbers["months"] = lambda _: str(discount.months)
    numbers["cap"] = lambda language: _money(discount.cap_dollars, language)
    if discount.percent is not None:
        share = discount.percent / 100
        numbers["percent"] = lambda language: format_percent(share, locale=language, decimal_quantization=False)
    if discount.dollars is not None:
        amount = discount.dollars
        numbers["dollars"] = lambda language: _money(amount, language)
    return numbers


def _money(amount: float, language: str) -> str:
    """Whole dollars without cents."""
    pattern = Locale.parse(language).currency_formats["standard"].pattern
    if amount.is_integer():
        pattern = pattern.replace("0.00", "0")
    return format_currency(amount, CURRENCY, pattern, locale=language, currency_digits=False)
