"""Words amounts, days and phrases in the languages of `phrases.toml` and `page.toml`."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from string import Formatter

from babel import localedata
from babel.core import negotiate_locale
from babel.dates import format_date
from babel.numbers import format_currency

type Texts = Mapping[str, Mapping[str, str]]


def _read(name: str) -> Texts:
    return tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


GENERAL = _read("phrases.toml")
PAGE = _read("page.toml")
ENGLISH = "en"
DOLLARS = "USD"
LOCALES = {"en": "en_US", "de": "de_DE"}


class Phrases:
    """What the portal itself says around an offer and on the page: in general, or in a business's own way.

    Args:
        own: by language and name, those that a business says in its own way. A language beyond the portal's has all
            that are said around an offer, and all of the page or none.

    Raises:
        ValueError: says which phrase cannot be used.
    """

    def __init__(self, own: Mapping[str, Mapping[str, str]] | None = None) -> None:
        own = own or {}
        self._by_language = {
            language: {**GENERAL.get(language, {}), **PAGE.get(language, {}), **own.get(language, {})}
            for language in [*GENERAL, *own]
        }
        english = {**GENERAL[ENGLISH], **PAGE[ENGLISH]}
        for language, phrases in self._by_language.items():
            needed = english if phrases.keys() & PAGE[ENGLISH].keys() else GENERAL[ENGLISH]
            if unlike := sorted(needed.keys() ^ phrases.keys()):
                wrong = "is missing" if unlike[0] in english else "is no phrase"
                raise ValueError(f"phrases.{language}: {unlike[0]} {wrong}")
            for name, text in phrases.items():
                if other := _find_places(text) - _find_places(english[name]):
                    raise ValueError(f"phrases.{language}.{name}: nothing is filled in at {{{min(other)}}}")

    @property
    def languages(self) -> list[str]:
        """The codes of all languages, English first."""
        return list(self._by_language)

    @property
    def page_languages(self) -> list[str]:
        """The codes of the languages that a whole page can be in, English first."""
        return [language for language, phrases in self._by_language.items() if PAGE[ENGLISH].keys() <= phrases.keys()]

    def find(self, language: str) -> Mapping[str, str]:
        """Return the phrases in a language; in English if the portal does not speak it."""
        return self._by_language.get(language, self._by_language[ENGLISH])

    def choose_language(self, accept_language: str) -> str:
        """Return the first language of an Accept-Language header that the portal speaks, else English."""
        return choose_language(accept_language, self.languages)


def choose_language(accept_language: str, languages: Sequence[str]) -> str:
    """Return the first of an Accept-Language header that is among these, else English."""
    asked = [part.partition(";")[0].strip() for part in accept_language.split(",")]
    return negotiate_locale(asked, languages, sep="-") or ENGLISH


def format_dollars(amount: float, language: str = ENGLISH, currency: str = DOLLARS) -> str:
    """Format an amount, such as `$1,253.00`, or in another currency, by its code in ISO 4217."""
    return format_currency(amount, currency, locale=_locale(language))


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


def _find_places(text: str) -> set[str]:
    """Return the names at which something is filled in; raise ValueError for a brace that opens or ends none."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _locale(language: str) -> str:
    return LOCALES.get(language, language if localedata.exists(language) else LOCALES[ENGLISH])
