"""How texts, counts and money are written in a language.

English stands in the code, mostly in the contracts, and is the id of each message. Each other language is one catalogue
in `locales/`, in gettext's format. A test requires that each catalogue is complete.
"""

import gettext
import io
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path

LOCALES = Path(__file__).parent / "locales"
BILLION = 1e9
# Longer than any browser sends, and short enough to keep some hundred of them.
LONGEST_HEADER = 200


@dataclass(frozen=True, slots=True)
class Language:
    """A language.

    Args:
        code: such as `en`, as HTML and HTTP name it.
        translate: an English text -> the same in this language.
        write_count: (number, noun of one, noun of many) -> `3 months`.
        write_dollars: an amount -> `$89.50`; from a billion on in exponent form, since nobody reads 38 digits.
    """

    code: str
    translate: Callable[[str], str]
    write_count: Callable[[int, str, str], str]
    write_dollars: Callable[[float], str]


# Every answer of the service words numbers in English, so English does without Babel, and writes as Babel does. It
# rounds decimals: 2.675 is $2.68, though the nearest binary number is a little less.
ENGLISH = Language(
    code="en",
    translate=str,
    write_count=lambda number, one, many: f"{number:,} {one if number == 1 else many}",
    write_dollars=lambda amount: f"${Decimal(repr(amount)):,.2f}" if amount < BILLION else f"${amount:.3g}",
)


def list_language_codes() -> tuple[str, ...]:
    """List all languages that texts exist in, English first."""
    return (ENGLISH.code, *sorted(path.stem for path in LOCALES.glob("*.po")))


@cache
def find_language(code: str) -> Language:
    """Return a language by its code, one of `list_language_codes()`. Its first call reads the catalogue."""
    if code == ENGLISH.code:
        return ENGLISH
    from babel import numbers  # noqa: PLC0415 - half of the time to start, which English need not wait for

    messages = _read_catalogue(LOCALES / f"{code}.po")

    def write_dollars(amount: float) -> str:
        if amount < BILLION:
            return numbers.format_currency(amount, "USD", locale=code)
        return f"{numbers.format_scientific(amount, '0.##E0', locale=code)} $"

    return Language(
        code=code,
        translate=messages.gettext,
        write_count=lambda number, one, many: (
            f"{numbers.format_decimal(number, locale=code)} {messages.ngettext(one, many, number)}"
        ),
        write_dollars=write_dollars,
    )


def _read_catalogue(path: Path) -> gettext.GNUTranslations:
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - as above
    from babel.messages.pofile import read_po  # noqa: PLC0415

    with path.open("rb") as source:
        catalogue = read_po(source, locale=path.stem)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def choose_language(accepted: str | None) -> Language:
    """Choose the language that an Accept-Language header (RFC 9110, section 12.5.4) prefers, else English."""
    return ENGLISH if not accepted else _choose(accepted[:LONGEST_HEADER])


@lru_cache(maxsize=256)
def _choose(accepted: str) -> Language:
    known = list_language_codes()
    ranges = [_read_range(part) for part in accepted.lower().split(",")]
    for tag, weight in sorted(ranges, key=lambda tag_and_weight: -tag_and_weight[1]):  # keeps the order of equal ones
        code = tag.partition("-")[0]
        if weight > 0 and code in known:
            return find_language(code)
    return ENGLISH


def _read_range(part: str) -> tuple[str, float]:
    """Return a language range with its weight: `de-AT;q=0.8` is ("de-at", 0.8). An unreadable weight counts as 0."""
    tag, _, weight = (item.strip() for item in part.partition(";"))
    if not weight:
        return tag, 1.0
    try:
        return tag, float(weight.removeprefix("q="))
    except ValueError:
        return tag, 0.0
