"""What a contract is: one declaration of a subscriber, from which everything else is derived.

A contract is a frozen pydantic model. Its fields, in order, are the model's features. A field's type says how it is
encoded; `Literal` is an ordered set of categories. `Field` gives limits, meaning and example. The `Feature` marker says
what the business knows beyond the type. `features` and `fingerprint` are derived once, when the class is made, and a
declaration that is not complete is refused.

A field with a default may be absent. A field that was renamed has its earlier names in a `validation_alias`, and a
request has one of the names. Neither changes the fingerprint.
"""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

import annotated_types
import numpy as np
import numpy.typing as npt
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from churn.answers import Direction
from churn.contract.demo import DemoProcess
from churn.contract.language import ENGLISH, Language
from churn.contract.phrases import Band, Bands, Says, Value, Words, bands_from_values
from churn.errors import ContractError

type Kind = Literal["integer", "number", "category", "boolean"]
type Rows = npt.NDArray[np.float32]

# The model sees float32. Past these limits two different inputs would look the same to it, or infinite.
LARGEST_INTEGER = 2**24
LARGEST_NUMBER = float(np.finfo(np.float32).max)

Count = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
Dollars = Annotated[float, Field(ge=0, le=LARGEST_NUMBER)]


@dataclass(frozen=True, slots=True)
class Feature:
    """What the business knows about a field beyond its type.

    Args:
        says: what is said of each category, of true and false, or of each size of a number.
        monotone: +1 if risk may only rise with the encoded value, -1 if it may only fall, 0 if it may do both.
        group: the concept the field speaks of, in one word; fields of one group tell one story. By default its own.
        actionable: whether the person can change it.
        protected: a personal trait that must never drive a decision about a person, nor be shown to them.
        blank: what an empty cell in a data file stands for; without it the field's default, or else it is an error.
    """

    says: Mapping[Any, Says] | Bands
    monotone: Literal[-1, 0, 1] = 0
    group: str = ""
    actionable: bool = False
    protected: bool = False
    blank: Value | None = None


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """One field of a contract, in the form that all else is derived from.

    It is showable if there are words for subscribers. A protected field cannot have any. Without a default it must be
    there. A request or a file may have one of the earlier names instead of the name.
    """

    name: str
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

    @property
    def blank(self) -> Value | None:
        """What an empty or missing cell stands for; None if it stands for nothing."""
        return self.default if self.marker.blank is None else self.marker.blank

    def find_names(self, among: Container[str]) -> list[str]:
        """Return those of the field's names that are there, today's first."""
        return [name for name in (self.name, *self.earlier_names) if name in among]

    def encode(self, value: Value) -> float:
        """Return the number that the model sees, before rounding to float32; -0.0 becomes 0.0."""
        return float(self.categories.index(str(value)) if self.kind == "category" else value) + 0.0

    def decode(self, number: float) -> Value:
        """Return the value that `encode` made this number from."""
        if self.kind == "category":
            return self.categories[int(number)]
        kinds: dict[Kind, type[int | float | bool]] = {"integer": int, "number": float, "boolean": bool}
        return kinds[self.kind](number)

    def find_band(self, value: Value) -> Band:
        """Return the band that the value lies in."""
        if self.words is None:
            return self.bands[int(self.encode(value))]
        return self.bands[bisect_right(self.bounds, float(value))]

    def word_for_team(self, value: Value) -> str:
        """Return a noun phrase for the team that is true of this value: `A short history of 1 month`."""
        return self._fill_in(self.find_band(value).team, value, ENGLISH)

    def code_from_value(self, value: Value) -> str:
        """Return field and band in a form that stays when wording changes: `tenure.short`."""
        return f"{self.name}.{self.find_band(value).name}"

    def word_for_subscriber(self, value: Value, direction: Direction, language: Language = ENGLISH) -> str:
        """Return the text for a subscriber whose risk the value moves in this direction; empty if there is none."""
        band = self.find_band(value)
        text = band.raises if direction == "increases_risk" else band.lowers
        return self._fill_in(language.translate(text), value, language) if text else ""

    def _fill_in(self, text: str, value: Value, language: Language) -> str:
        return text if self.words is None else text.replace("{value}", self.words(value, language))


class Contract(BaseModel):
    """Base of every contract; see the module's docstring. An instance is one valid subscriber."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    contract_name: ClassVar[str]
    id_column: ClassVar[str]
    label_column: ClassVar[str]
    label_values: ClassVar[tuple[str, str]]
    """How a data file writes (stayed, left)."""
    demo: ClassVar[DemoProcess | None] = None

    features: ClassVar[tuple[FeatureSpec, ...]] = ()
    fingerprint: ClassVar[str] = ""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Derive what follows from the fields, and refuse a declaration that is not complete."""
        cls.features = tuple(_build_spec(name, field) for name, field in cls.model_fields.items())
        ordered = [[spec.name, spec.kind, list(spec.categories)] for spec in cls.features]
        for spec in cls.features:
            _require_valid_default(cls, spec)
        cls.fingerprint = hashlib.sha256(json.dumps(ordered).encode()).hexdigest()

    @classmethod
    def feature_names(cls) -> list[str]:
        """Return the features' names in the model's order."""
        return [spec.name for spec in cls.features]

    @classmethod
    def monotone_constraints(cls) -> tuple[int, ...]:
        """Return one of -1, 0, +1 for each feature, as XGBoost, LightGBM and scikit-learn take it."""
        return tuple(spec.marker.monotone for spec in cls.features)

    @classmethod
    def example(cls) -> dict[str, Value]:
        """Return a valid subscriber made of the fields' examples."""
        return {spec.name: spec.example for spec in cls.features}

    def encode(self) -> tuple[float, ...]:
        """Return the encoded numbers in feature order, not yet rounded to float32."""
        return tuple(spec.encode(getattr(self, spec.name)) for spec in self.features)

    @classmethod
    def encode_columns(cls, columns: Mapping[str, Any]) -> Rows:
        """Encode a validated table, column by column.

        Args:
            columns: one sequence of length n per feature (a pandas frame will do), holding valid values.

        Returns:
            float32 (n, features), the same numbers as `encode` gives row by row.
        """
        return np.column_stack([_encode_column(spec, np.asarray(columns[spec.name])) for spec in cls.features])


def _encode_column(spec: FeatureSpec, values: npt.NDArray[Any]) -> Rows:
    if spec.kind == "category":
        codes = np.full(len(values), np.nan, dtype=np.float32)
        for code, category in enumerate(spec.categories):
            codes[values == category] = code
        return codes
    return (values.astype(np.float64) + 0.0).astype(np.float32)


def _build_spec(name: str, field: FieldInfo) -> FeatureSpec:
    markers = [item for item in field.metadata if isinstance(item, Feature)]
    if len(markers) != 1:
        raise ContractError(f"field {name!r} needs exactly one Feature marker, has {len(markers)}")
    if not field.description or not field.examples:
        raise ContractError(f"field {name!r} needs a description and an example in its Field(...)")
    kind, categories = _read_kind(name, field.annotation)
    lower, upper = _read_limits(field)
    if kind in {"integer", "number"} and (lower is None or upper is None):
        raise ContractError(
            f"field {name!r} needs a lower and an upper limit",
            instead="use Count or Dollars where the business has none",
        )
    says = markers[0].says
    if isinstance(says, Bands) != (kind in {"integer", "number"}):
        raise ContractError(f"field {name!r} is a {kind}: word numbers with Bands, all else with a mapping")
    try:
        bands = says.validate() if isinstance(says, Bands) else bands_from_values(says, categories or (False, True))
    except ValueError as wrong:
        raise ContractError(f"field {name!r}: {wrong}") from wrong
    spec = FeatureSpec(
        name=name,
        group=markers[0].group or name,
        is_showable=bool(bands[0].raises),
        kind=kind,
        categories=categories,
        lower=lower,
        upper=upper,
        meaning=field.description,
        example=field.examples[0],
        marker=markers[0],
        bands=bands,
        bounds=tuple(band.below for band in bands),
        words=says.words if isinstance(says, Bands) else None,
        default=_read_default(name, field),
        earlier_names=_read_earlier_names(name, field),
    )
    _check_customer_texts(spec)
    return spec


def _read_kind(name: str, annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    if get_origin(annotation) is Literal and all(isinstance(item, str) for item in get_args(annotation)):
        return "category", get_args(annotation)
    kinds: dict[Any, Kind] = {int: "integer", float: "number", bool: "boolean"}
    if annotation not in kinds:
        raise ContractError(f"field {name!r} is a {annotation}", instead="use int, float, bool or Literal of strings")
    return kinds[annotation], ()


def _read_default(name: str, field: FieldInfo) -> Value | None:
    if field.is_required():
        return None
    if field.default_factory or field.default is None:
        raise ContractError(f"field {name!r} has no plain default", instead="give a value that the field takes")
    default: Value = field.default
    return default


def _require_valid_default(contract: type[Contract], spec: FeatureSpec) -> None:
    if spec.default is None:
        return
    try:
        contract.model_validate(contract.example() | {spec.name: spec.default})
    except ValidationError as error:
        raise ContractError(
            f"field {spec.name!r} has the default {spec.default!r}, which it does not take",
            instead="give a default of its type, within its limits",
        ) from error


def _read_earlier_names(name: str, field: FieldInfo) -> tuple[str, ...]:
    if field.validation_alias is None:
        return ()
    names = field.validation_alias.choices if isinstance(field.validation_alias, AliasChoices) else []
    if names[:1] != [name] or not all(isinstance(other, str) for other in names):
        raise ContractError(
            f"field {name!r} has an alias that is no earlier name",
            instead=f'write validation_alias=AliasChoices("{name}", "EARLIER NAME")',
        )
    return tuple(str(other) for other in names[1:])


def _read_limits(field: FieldInfo) -> tuple[float | None, float | None]:
    """Return the tightest limits among the field's markers: a field may narrow those of its type."""
    lower = [float(m.ge) for m in field.metadata if isinstance(m, annotated_types.Ge)]  # type: ignore[arg-type]
    upper = [float(m.le) for m in field.metadata if isinstance(m, annotated_types.Le)]  # type: ignore[arg-type]
    return max(lower, default=None), min(upper, default=None)


def _check_customer_texts(spec: FeatureSpec) -> None:
    """Require words for subscribers for all values in both directions, or for none."""
    texts = [text for band in spec.bands for text in (band.raises, band.lowers)]
    if any(texts) and not all(texts):
        raise ContractError(
            f"field {spec.name!r} has words for subscribers for some values only",
            instead="give raises and lowers for each value, or for none",
        )
    if any(texts) and spec.marker.protected:
        raise ContractError(f"field {spec.name!r} is protected and must not be shown", instead="remove its words")
