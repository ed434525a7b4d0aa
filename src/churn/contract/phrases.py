"""What is said of a value: to the team, and to the subscriber who has it."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from churn.contract.language import ENGLISH, Language

type Value = int | float | str | bool
type Words = Callable[[Value, Language], str]


@dataclass(frozen=True, slots=True)
class CountedNoun:
    """Writes a whole number with its noun: `CountedNoun("month", "months")(1)` is `1 month`."""

    one: str
    many: str

    def __call__(self, value: Value, language: Language = ENGLISH) -> str:
        return language.write_count(int(value), self.one, self.many)


def write_dollars(value: Value, language: Language = ENGLISH) -> str:
    """Write an amount of money: `$89.50`."""
    return language.write_dollars(float(value) + 0.0)  # so that -0.0 is not written as a debt


@dataclass(frozen=True, slots=True)
class Says:
    """What is said of a value. `{value}` in a text becomes the written number.

    Texts for the subscriber speak neither of leaving nor of risk. They are the message ids of the catalogues in
    `locales/`. A field that may not be shown to subscribers has none.

    Args:
        team: a noun phrase that is true of the value; the sentence goes on `increases churn risk`.
        raises: for the subscriber, where the value raises the risk: what they have, and what would help.
        lowers: for the subscriber, where the value lowers the risk.
    """

    team: str
    raises: str = ""
    lowers: str = ""


@dataclass(frozen=True, slots=True)
class Band(Says):
    """What is said of the numbers below a bound, which does not belong to the band; only the last band has none.

    The name stands in a reason's code.
    """

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
            ValueError: the bounds do not rise to infinity, or two bands share a name.
        """
        bounds = [band.below for band in self.bands]
        if bounds != sorted(set(bounds)) or any(map(math.isnan, bounds)) or bounds[-1:] != [math.inf]:
            raise ValueError(f"the bands' bounds must rise, and only the last have none; they are {bounds}")
        return _require_distinct_names(self.bands)


def bands_from_values(says: Mapping[Value, Says], values: Sequence[Value]) -> tuple[Band, ...]:
    """Return one band for each of the values, in their order.

    Raises:
        ValueError: something is said of other values than these, or two would share a name in codes.
    """
    if set(says) != set(values):
        raise ValueError(f"wording is for {sorted(map(str, says))}, values are {sorted(map(str, values))}")
    # In codes a value is written in lower case, all but letters and digits as hyphens.
    pairs = ((re.sub(r"[^a-z0-9]+", "-", str(value).lower()).strip("-"), says[value]) for value in values)
    return _require_distinct_names([Band(texts.team, texts.raises, texts.lowers, name=name) for name, texts in pairs])


def _require_distinct_names(bands: Sequence[Band]) -> tuple[Band, ...]:
    names = [band.name for band in bands]
    if len(set(names)) != len(names):
        raise ValueError(f"two bands have the same name: {names}")
    return tuple(bands)
