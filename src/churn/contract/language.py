"""How texts, counts, shares and money are written in a language.

English stands in the code, mostly in the contracts, and is the id of each message. Each other language is one catalogue
in `locales/`, in gettext's format, that all contracts share; `catalogues.py` has those of single contracts.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

LOCALES = Path(__file__).parent / "locales"
MILLIONTH, BILLION = 1e-6, 1e9
DECIMALS = 3
# The currencies that English writes without Babel. Each has two decimals.
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
NOTHING: frozenset[str | tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Language:
    """A language. Numbers that nobody would read to the end are written in exponent form.

    Args:
        code: such as `en`, as HTML and HTTP name it.
        translate: an English text -> the same in this language.
        write_count: (number, noun of one, noun of many) -> `3 months` or `13.7 minutes`.
        write_share: a ratio -> `36%`.
        write_money: (amount, currency as ISO 4217 has it) -> `$89.50`.
        lacks: messages of a contract that have no translation. What needs one is said in English as a whole.
    """

    code: str
    translate: Callable[[str], str]
    write_count: Callable[[float, str, str], str]
    write_share: Callable[[float], str]
    write_money: Callable[[float, str], str]
    lacks: frozenset[str | tuple[str, str]] = NOTHING


def _round(number: float) -> Decimal:
    """Round to three decimals; below 1 to three digits after the zeros, so that little is not written as nothing."""
    exact = Decimal(repr(number)) + 0  # so that -0.0 is written as 0
    if isinstance(number, int) or not _is_readable(number):
        return exact
    decimals = DECIMALS if abs(number) >= 1 or not number else DECIMALS - 1 - exact.adjusted()
    rounded = round(exact, decimals)
    return rounded.to_integral_value() if rounded == rounded.to_integral_value() else rounded.normalize()


def _is_readable(number: float) -> bool:
    return number == 0 or MILLIONTH <= abs(number) < BILLION


def _percent_from_ratio(ratio: float) -> float:
    return float(Decimal(repr(ratio)).scaleb(2))  # 100 * 0.07 is a little more than 7


def _write_english_number(number: float) -> str:
    if isinstance(number, int):
        return f"{number:,}"  # which most are
    return f"{_round(number):,}" if _is_readable(number) else f"{number:.3g}"


def _write_english_count(number: float, one: str, many: str) -> str:
    written = _write_english_number(number)
    return f"{written} {one if written == '1' else many}"


def _write_english_money(amount: float, currency: str) -> str:
    symbol = SYMBOLS.get(currency)
    if symbol is None:
        return _write_money_by_babel(amount, currency, ENGLISH.code)
    sign, size = ("-", -amount) if amount < 0 else ("", amount)
    return f"{sign}{symbol}{Decimal(repr(size)):,.2f}" if size < BILLION else f"{sign}{symbol}{size:.3g}"


def _write_money_by_babel(amount: float, currency: str, code: str) -> str:
    from babel import numbers  # noqa: PLC0415 - half of the time to start, which English need not wait for

    if abs(amount) < BILLION:
        return numbers.format_currency(amount, currency, locale=code)
    symbol = numbers.get_currency_symbol(currency, locale=code)
    return f"{numbers.format_scientific(amount, '0.##E0', locale=code)} {symbol}"


# Every answer of the service words numbers in English, so English does without Babel, and writes as Babel does. It
# rounds decimals: 2.675 is $2.68, though the nearest binary number is a little less.
ENGLISH = Language(
    code="en",
    translate=str,
    write_count=_write_english_count,
    write_share=lambda ratio: f"{_write_english_number(_percent_from_ratio(ratio))}%",
    write_money=_write_english_money,
)


def list_language_codes() -> tuple[str, ...]:
    """List the languages of the catalogues that all contracts share, English first."""
    return (ENGLISH.code, *sorted(path.stem for path in LOCALES.glob("*.po")))


@cache
def find_language(code: str) -> Language:
    """Return a language with the shared catalogue, by one of `list_language_codes()`."""
    return ENGLISH if code == ENGLISH.code else build_language(code, compile_catalogue(read_shared_catalogue(code)))


@cache
def read_shared_catalogue(code: str) -> Catalog:
    """Read the catalogue that all contracts share; an empty one if there is none in this language."""
    from babel.messages.catalog import Catalog  # noqa: PLC0415 - as above
    from babel.messages.pofile import read_po  # noqa: PLC0415

    path = LOCALES / f"{code}.po"
    if not path.is_file():
        return Catalog(locale=code)
    with path.open("rb") as source:
        return read_po(source, locale=code)


def compile_catalogue(catalogue: Catalog) -> gettext.GNUTranslations:
    """Make a catalogue ready to translate."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - as above

    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def build_language(
    code: str, messages: gettext.NullTranslations, lacks: frozenset[str | tuple[str, str]] = NOTHING
) -> Language:
    """Return a language that translates by these messages, and knows which ones of a contract it lacks."""
    from babel import Locale, numbers  # noqa: PLC0415 - as above

    locale = Locale.parse(code)

    def write_number(number: float) -> str:
        if not _is_readable(number):
            return numbers.format_scientific(number, "0.##E0", locale=code)
        return numbers.format_decimal(_round(number), locale=code, decimal_quantization=False)

    def write_count(number: float, one: str, many: str) -> str:
        # Catalogues have forms for whole numbers only. A fraction takes that of 1 where its language says so (French
        # 1,5), else that of 2.
        rounded = _round(number)
        if rounded == rounded.to_integral_value():
            counted = int(rounded)
        else:
            counted = 1 if locale.plural_form(rounded) == locale.plural_form(1) else 2
        return f"{write_number(number)} {messages.ngettext(one, many, counted)}"

    def write_share(ratio: float) -> str:
        percent = _percent_from_ratio(ratio)
        if not _is_readable(percent):
            return f"{write_number(percent)} %"
        return numbers.format_percent(_round(percent).scaleb(-2), locale=code, decimal_quantization=False)

    return Language(
        code=code,
        translate=messages.gettext,
        write_count=write_count,
        write_share=write_share,
        write_money=lambda amount, currency: _write_money_by_babel(amount, currency, code),
        lacks=lacks,
    )
