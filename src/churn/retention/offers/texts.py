"""The texts of an offer with its numbers filled in as each language writes them, so that none is written twice."""

from __future__ import annotations

import string
from collections.abc import Mapping

from babel.dates import format_date

from churn.retention.offers.benefit import NumberWriter
from churn.retention.offers.document import OfferDocument


def find_placeholders(text: str) -> list[str]:
    """Return the names in braces, in order.

    Raises:
        ValueError: the braces are not in pairs, or hold more than a name.
    """
    named = [part for part in string.Formatter().parse(text) if part[1] is not None]
    if any(specification or conversion for _, _, specification, conversion in named):
        raise ValueError(text)
    return [str(name) for _, name, _, _ in named]


def list_known_placeholders(offer: OfferDocument) -> list[str]:
    """Return the names that this offer's texts may use."""
    return list(_list_numbers(offer))


def fill_text(text: str, offer: OfferDocument, language: str) -> str:
    """Put the offer's numbers in place of their names."""
    numbers = _list_numbers(offer)
    return text.format_map({name: numbers[name](language) for name in find_placeholders(text)})


def _list_numbers(offer: OfferDocument) -> Mapping[str, NumberWriter]:
    """Return how each number is written in a language, by its name."""
    return {
        "expires": lambda language: format_date(offer.expires, format="long", locale=language),
        **offer.benefit.numbers(),
    }
