"""Words amounts, days and phrases in the languages of `phrases.toml`."""

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from babel.core import negotiate_locale
from babel.dates import format_date
from babel.numbers import format_currency

PHRASES: Mapping[str, Mapping[str, str]] = tomllib.loads(
    Path(__file__).with_name("phrases.toml").read_text(encoding="utf-8")
)
ENGLISH = "en"
LOCALES = {"en": "en_US", "de": "de_DE"}


def find_phrases(language: str) -> Mapping[str, str]:
    """Return the portal's phrases in a language; in English if it does not speak it."""
    return PHRASES.get(language, PHRASES[ENGLISH])


def choose_language(accept_language: str) -> str:
    """Return the first language of an Accept-Language header that the portal speaks, else English."""
    asked = [part.partition(";")[0].strip() for part in accept_language.split(",")]
    return negotiate_locale(asked, list(PHRASES), sep="-") or ENGLISH


def format_dollars(amount: float, language: str = ENGLISH) -> str:
    """Format an amount, such as `$1,253.00`."""
    return format_currency(amount, "USD", locale=_locale(language))


def format_day(value: date | str, language: str = ENGLISH) -> str:
    """Format a date, or a text YYYY-MM-DD, such as `December 31, 2026`."""
    day = date.fromisoformat(value) if isinstance(value, str) else value
    return format_date(day, format="long", locale=_locale(language))


def format_month(value: date) -> str:
    """Format a month, such as `September 2025`."""
    return format_date(value, format="MMMM y", locale=_locale(ENGLISH))


def format_count(number: int, noun: str) -> str:
    """Format a number with its noun, such as `1 month` or `14 months`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _locale(language: str) -> str:
    return LOCALES.get(language, LOCALES[ENGLISH])
