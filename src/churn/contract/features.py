"""What a contract's field is: what the business declares of it, and the form that all else is derived from."""

import math
from bisect import bisect_right
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import partial
from operator import add
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from churn.answers import Direction
from churn.contract.dates import DaysSince, MonthOf
from churn.contract.language import ENGLISH, Language
from churn.contract.phrases import Band, Bands, CountedNoun, Money, Says, Value, Words

type Encoder = Callable[[Any], float]
type Kind = Literal["integer", "number", "category", "boolean"]
# The model sees float32. Past these limits two different inputs would look the same to it, or infinite.
LARGEST_INTEGER = 2**24
LARGEST_NUMBER = float(np.finfo(np.float32).max)

LONGEST_CATEGORY = 100  # characters of a category that is taken as another
OTHER = "other"

Count = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
Dollars = Annotated[float, Field(ge=0, le=LARGEST_NUMBER)]


@dataclass(frozen=True, slots=True)
class Feature:
    """What the business knows about a field beyond its type.

    Args:
        says: what is said of each category, of true and false, or of each size of a number.
        monotone: +1 if risk may only rise with the encoded value, -1 if it may only fall, 0 if it may do both.
        group: the concept the field speaks of, in one word; fields of one group tell one story, and are moved together
            when a reason is verified. By default its own.
        actionable: whether the person can change it.
        protected: a personal trait that must never drive a decision about a person, nor be shown to them.
        label: the field's short name for people; by default its name in words.
        blank: what an empty cell in a data file stands for; without it the field's default, or else it is an error.
        missing: whether the value may not be known. Then it may be null, left out or blank, and the model sees NaN.
            What is said of it may stand here; else the team reads `Tenure unknown`, and subscribers nothing.
        other: whether the last category, `other`, stands for every category that is not listed. Without words in
            `says` the team reads `Another payment method`, and subscribers nothing.
        of: the date that the value is derived from, and how. A request and a file have the date.
    """

    says: Mapping[Any, Says] | Bands
    monotone: Literal[-1, 0, 1] = 0
    group: str = ""
    actionable: bool = False
    protected: bool = False
    blank: Value | None = None
    label: str = ""
    missing: bool | Says = False
    other: bool = False
    of: DaysSince | MonthOf | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic read a category that is not listed as `other`."""
        schema = handler(source)
        if not self.other:
            return schema
        listed = frozenset(self.says) if isinstance(self.says, Mapping) else frozenset[Any]()
        return core_schema.no_info_before_validator_function(lambda value: _read_other(listed, value), schema)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe such a field as any text, and list the known categories as `x-categories`."""
        described = handler(schema)
        if self.other:
            for part in described.get("anyOf", [described]):
                if "enum" in part:
                    part |= {"x-categories": part.pop("enum"), "minLength": 1, "maxLength": LONGEST_CATEGORY}
        return described


def _read_other(listed: Container[Any], value: Any) -> Any:
    """Return `other` for a text that is not listed. What is no such text stays, and is refused."""
    if isinstance(value, str) and value not in listed and value.strip() and len(value) <= LONGEST_CATEGORY:
        return OTHER
    return value


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """One field of a contract, in the form that all else is derived from.

    It is showable if there are words for subscribers. A protected field cannot have any. Without a default it must be
    there, unless its value may be unknown, which is None here and NaN where it is encoded. A request or a file may have
    one of the earlier names instead of the name.

    Args:
        unknown: what is said of an unknown value.
        unworded: the values that subscribers are told nothing of, though the field is showable.
    """

    name: str
    label: str
    group: str
    is_showable: bool
    kind: Kind
    categories: tuple[str, ...]
    lower: float | None
    upper: float | None
    meaning: str
    example: Value
    marker: Feature
    bands: tuple[Band, ...]
    bounds: tuple[float, ...]
    words: Words | None
    default: Value | None
    earlier_names: tuple[str, ...]
    unknown: Band
    unworded: tuple[Value | None, ...] = ()

    @property
    def is_nullable(self) -> bool:
        """Whether the value may be unknown."""
        return self.marker.missing is not False

    @property
    def is_required(self) -> bool:
        """Whether a request must have the field."""
        return self.default is None and not self.is_nullable

    @property
    def blank(self) -> Value | None:
        """What an empty or missing cell stands for; None if it stands for nothing."""
        return self.default if self.marker.blank is None else self.marker.blank

    @property
    def currency(self) -> str | None:
        """The currency of an amount of money; None if the field is none."""
        return self.words.currency if isinstance(self.words, Money) else None

    def find_names(self, among: Container[str]) -> list[str]:
        """Return those of the field's names that are there, today's first."""
        return [name for name in (self.name, *self.earlier_names) if name in among]

    def encode(self, value: Value | None) -> float:
        """Return the number that the model sees, before rounding to float32; -0.0 becomes 0.0."""
        if value is None:
            return math.nan
        return float(self.categories.index(str(value)) if self.kind == "category" else value) + 0.0

    def choose_encoder(self) -> Encoder:
        """Return what encodes as `encode` does, and asks no more of each value than this field needs."""
        if self.is_nullable:
            return self.encode
        if self.kind == "category":
            return {category: float(code) for code, category in enumerate(self.categories)}.__getitem__
        return partial(add, 0.0) if self.kind == "number" else float  # 0.0 + -0.0 is 0.0

    def decode(self, number: float | None) -> Value | None:
        """Return the value that `encode` made this number from; None is read as NaN.

        Raises:
            ValueError: the value is unknown, and the field's never is.
        """
        if number is None or math.isnan(number):
            if not self.is_nullable:
                raise ValueError(f"{self.name} is not known")
            return None
        if self.kind == "category":
            return self.categories[int(number)]
        kinds: dict[Kind, type[int | float | bool]] = {"integer": int, "number": float, "boolean": bool}
        return kinds[self.kind](number)

    def encode_column(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Encode a column of valid values; None and a category that is not listed become NaN."""
        if self.kind == "category":
            codes = np.full(len(values), np.nan, dtype=np.float32)
            for code, category in enumerate(self.categories):
                codes[values == category] = code
            return codes
        return (values.astype(np.float64) + 0.0).astype(np.float32)

    def find_band(self, value: Value | None) -> Band:
        """Return the band that the value lies in."""
        if value is None:
            return self.unknown
        if self.words is None:
            return self.bands[int(self.encode(value))]
        return self.bands[bisect_right(self.bounds, float(value))]

    def word_for_team(self, value: Value | None) -> str:
        """Return a noun phrase for the team that is true of this value: `A short history of 1 month`."""
        return self._fill_in(self.find_band(value).team, value, ENGLISH)

    def name_value(self, value: Value | None, language: Language = ENGLISH) -> str:
        """Return the value in a word or two, as tables have it: `DSL`, `Yes`, `14 months`, `Unknown`."""
        if self.words and value is not None:
            return self.words(value, language)
        return language.translate(self.find_band(value).label)

    def code_from_value(self, value: Value | None) -> str:
        """Return field and band in a form that stays when wording changes: `tenure.short`."""
        return f"{self.name}.{self.find_band(value).name}"

    def word_for_subscriber(self, value: Value | None, direction: Direction, language: Language = ENGLISH) -> str:
        """Return the text for a subscriber whose risk the value moves in this direction; empty if there is none."""
        band = self.find_band(value)
        text = band.raises if direction == "increases_risk" else band.lowers
        return self._fill_in(language.translate(text), value, language) if text else ""

    def word_for_offer(self, value: Value | None, language: Language = ENGLISH) -> str:
        """Return what goes on `This offer is for you because`; empty if nothing is said or it is not translated."""
        text = self.find_band(value).suits
        messages = {text, *self._list_nouns(value)}
        return "" if not text or language.lacks & messages else self._fill_in(language.translate(text), value, language)

    def list_messages_of(self, value: Value | None) -> set[str | tuple[str, str]]:
        """List the messages that a text for a subscriber needs: that of the value's band, and the noun in it."""
        return {self.find_band(value).raises, *self._list_nouns(value)}

    def _list_nouns(self, value: Value | None) -> list[tuple[str, str]]:
        if isinstance(self.words, CountedNoun) and value is not None:
            return [(self.words.one, self.words.many)]
        return []

    def _fill_in(self, text: str, value: Value | None, language: Language) -> str:
        return text if self.words is None or value is None else text.replace("{value}", self.words(value, language))
