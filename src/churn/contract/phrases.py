"""What is said of a value: to the team, and to the subscriber who has it."""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from churn.contract.language import ENGLISH, Language
from churn.contract.unspoken import find_unspoken

type Value = int | float | str | bool
type Words = Callable[[Value, Language], str]

# The signs that tell categories apart, as they stand in codes. Longer ones come first.
SIGNS = {
    "<=": "at most",
    "≤": "at most",
    ">=": "at least",
    "≥": "at least",
    "<": "below",
    ">": "above",
    "+": "plus",
    "%": "percent",
}
WORD_STARTS = re.compile(r"_|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
NAME = re.compile(r"[^\W_]+(-[^\W_]+)*")


@dataclass(frozen=True, slots=True)
class CountedNoun:
    """Writes a number with its noun: `CountedNoun("month", "months")(1)` is `1 month`."""

    one: str
    many: str

    def __call__(self, value: Value, language: Language = ENGLISH) -> str:
        return language.write_count(value if isinstance(value, int) else float(value), self.one, self.many)


def write_number(value: Value, language: Language = ENGLISH) -> str:
    """Write a number by itself: `1,234.5`."""
    return language.write_count(value if isinstance(value, int) else float(value), "", "").strip()


def write_share(value: Value, language: Language = ENGLISH) -> str:
    """Write a ratio in percent: 0.36 is `36%`."""
    return language.write_share(float(value))


@dataclass(frozen=True, slots=True)
class Money:
    """Writes an amount in a currency of ISO 4217: `Money("EUR")(89.5)` is `€89.50`.

    A number with these words is money. No other is a price.
    """

    currency: str

    def __call__(self, value: Value, language: Language = ENGLISH) -> str:
        return language.write_money(float(value) + 0.0, self.currency)  # so that -0.0 is not written as a debt


write_dollars = Money("USD")


@dataclass(frozen=True, slots=True)
class Says:
    """What is said of a value. `{value}` in a text becomes the written number.

    Texts for the subscriber speak neither of leaving nor of risk; `unspoken.py` has the words. They are the message ids
    of the catalogues. A field that may not be shown to subscribers has none.

    Args:
        team: a noun phrase that is true of the value; the sentence goes on `increases churn risk`.
        raises: for the subscriber, where the value raises the risk: what they have, and what would help.
        lowers: for the subscriber, where the value lowers the risk.
        suits: for the subscriber, where an offer helps more by the value. It goes on `This offer is for you because`,
            such as `you pay {value} a month`. Without it nothing is said.
        name: stands in a reason's code; by default the value in lower case.
        label: the value in a word or two, as tables have it; by default the value itself.
    """

    team: str
    raises: str = ""
    lowers: str = ""
    suits: str = field(kw_only=True, default="")
    name: str = field(kw_only=True, default="")
    label: str = field(kw_only=True, default="")


@dataclass(frozen=True, slots=True)
class Band(Says):
    """What is said of the numbers below a bound, which does not belong to the band; only the last band has none."""

    name: str = field(kw_only=True)
    below: float = field(kw_only=True, default=math.inf)


@dataclass(frozen=True, slots=True)
class Bands:
    """What is said of a number by its size: the first band whose bound lies above it."""

    bands: Sequence[Band]
    words: Words

    def validate(self) -> tuple[Band, ...]:
        """Return the bands.

        Raises:
            ValueError: the bounds do not rise to infinity, two bands share a name, or a text may not stand.
        """
        bounds = [band.below for band in self.bands]
        if bounds != sorted(set(bounds)) or any(map(math.isnan, bounds)) or bounds[-1:] != [math.inf]:
            raise ValueError(f"the bands' bounds must rise, and only the last have none; they are {bounds}")
        return require_sound(self.bands, has_number=True)


def bands_from_values(says: Mapping[Value, Says], values: Sequence[Value]) -> tuple[Band, ...]:
    """Return one band for each of the values, in their order.

    Raises:
        ValueError: something is said of other values than these, two are given one name, or a text may not stand.
    """
    if set(says) != set(values):
        raise ValueError(f"wording is for {sorted(map(str, says))}, values are {sorted(map(str, values))}")
    names = _name_values(values, {value: texts.name for value, texts in says.items() if texts.name})
    bands = [
        Band(
            says[value].team,
            says[value].raises,
            says[value].lowers,
            suits=says[value].suits,
            name=names[value],
            label=says[value].label or _label_value(value),
        )
        for value in values
    ]
    return require_sound(bands, has_number=False)


def label_from_name(name: str) -> str:
    """Return a name as people write it: `First order` for `first_order` and for `FirstOrder`."""
    words = WORD_STARTS.sub(" ", name).split()
    lowered = [word if word.isupper() and len(word) > 1 else word.lower() for word in words]  # such as TV
    return _begin_with_capital(" ".join(lowered)) or name


def _label_value(value: Value) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return _begin_with_capital(str(value).replace("_", " ").strip()) or str(value)


def _begin_with_capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _name_values(values: Sequence[Value], given: Mapping[Value, str]) -> dict[Value, str]:
    """Name the values in codes: in lower case, signs of comparison as words, other signs as hyphens.

    Of values that would share a name, or have none, the later ones get their number among the values besides. So a
    name stays when further values are added at the end.
    """
    names = dict(given)
    for number, value in enumerate(values):
        if value in names:
            continue
        text = unicodedata.normalize("NFKC", str(value)).lower()
        for sign, word in SIGNS.items():
            text = text.replace(sign, f" {word} ")
        name = re.sub(r"[\W_]+", "-", text).strip("-") or f"value-{number}"
        while name in names.values():
            name = f"{name}-{number}"
        names[value] = name
    return names


def require_sound(bands: Sequence[Band], *, has_number: bool) -> tuple[Band, ...]:
    """Return the bands.

    Raises:
        ValueError: two bands share a name, or a text may not stand.
    """
    names = [band.name for band in bands]
    if len(set(names)) != len(names):
        raise ValueError(f"two bands have the same name: {names}")
    if wrong := [name for name in names if not NAME.fullmatch(name)]:
        raise ValueError(f"a band's name is letters and digits, joined by hyphens, not {wrong[0]!r}")
    for band in bands:
        for place in ("team", "raises", "lowers", "suits"):
            text = getattr(band, place)
            _require_known_placeholders(f"{place} of {band.name!r}", text, has_number=has_number)
            if place != "team" and (word := find_unspoken(text, ENGLISH.code)):
                raise ValueError(
                    f"{place} of {band.name!r} tells the subscriber of {word!r}, as leaving and risk may not be told: "
                    f"{text!r}"
                )
    return tuple(bands)


def _require_known_placeholders(place: str, text: str, *, has_number: bool) -> None:
    rest = text.replace("{value}", "") if has_number else text
    if "{" in rest or "}" in rest:
        known = "only {value} may stand in braces" if has_number else "no braces may stand, since there is no number"
        unknown = ", ".join(re.findall(r"{[^{}]*}?|}", rest))
        raise ValueError(f"{place} has {unknown}, where {known}: {text!r}")
