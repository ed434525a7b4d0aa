"""Makes the form of a what-if from the schema that the service publishes. Nothing here knows a feature."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from churn.errors import Nonsense

type Value = str | int | float | bool

# A limit from here on comes from the number's type, not from the business: no slider reaches so far.
NO_LIMIT = 100_000
STEPS = 200
ROUND = (1, 2, 5, 10)
WORD_STARTS = re.compile(r"_|(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Slider:
    """Where a slider begins and ends, and its step."""

    lowest: float
    highest: float
    step: float


@dataclass(frozen=True, slots=True)
class Field:
    """One control of the form: a list, a slider and a number, a date, or else a switch.

    Where the value may be unknown, an empty number says so, or the empty one of its choices. All of it is the
    service's. One of an earlier version gives no labels: then these are the names in words.
    """

    name: str
    label: str
    about: str
    start: Value
    choices: tuple[str, ...] = ()
    slider: Slider | None = None
    choice_labels: Mapping[str, str] = field(default_factory=dict)
    is_boolean: bool = False
    is_nullable: bool = False
    is_date: bool = False
    derives: Mapping[str, str] = field(default_factory=dict)
    derived_values: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def features(self) -> Mapping[str, str]:
        """The features that follow from it, by name, with their labels: those of a date, or itself."""
        return self.derives or {self.name: self.label}

    def describe_derived(self, feature: str, value: float | None) -> str:
        """Return the value of a feature that is derived from it, as a reason has it, in words."""
        if value is None:
            return "not known"
        named = self.derived_values.get(feature)
        return named[int(value)] if named else describe_value(int(value))

    def describe(self, value: Value | None) -> str:
        """Return one of its values as people write it."""
        if self.is_nullable and (value is None or not str(value)):
            return "not known"
        return (self.choice_labels.get(value) if isinstance(value, str) else None) or describe_value(value)

    def read(self, text: str) -> Value:
        """Return what was typed or chosen, as the service takes it. A text that is no number stays a text."""
        if self.is_date or (self.choices and not self.is_boolean):
            return text
        return _number(text) if self.slider else text == "true"

    def write(self, value: Value) -> Value:
        """Return a value as the form has it."""
        return str(value).lower() if self.is_boolean else value


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """Where the service draws its lines; each is None where it does not say."""

    banner: float | None
    low: float | None
    medium: float | None


def fields_from_document(document: Mapping[str, Any]) -> list[Field]:
    """Return the fields that `POST /predict` takes, in the service's order.

    Raises:
        Nonsense: the service's OpenAPI document describes no such fields.
    """
    try:
        body = _operation(document)["requestBody"]["content"]["application/json"]["schema"]
        while "$ref" in body:
            body = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
        return [_field(name, schema) for name, schema in body["properties"].items()]
    except (LookupError, TypeError, AttributeError) as error:
        raise Nonsense(
            "the service's /openapi.json does not say what POST /predict takes",
            instead="see whether SERVICE_URL is the churn service's address",
        ) from error


def limits_from_document(document: Mapping[str, Any]) -> ServiceLimits:
    """Return the banner's threshold and the tiers' limits, where the service publishes them."""
    operation = _operation(document)
    tiers = operation.get("x-tiers-below", {})
    return ServiceLimits(operation.get("x-banner-above"), tiers.get("low"), tiers.get("medium"))


def values_from_form(fields: Sequence[Field], form: Mapping[str, str]) -> dict[str, Value]:
    """Return the subscriber in the form. A missing field has its start value; an empty one is left out."""
    return {
        control.name: control.read(form[control.name]) if control.name in form else control.start
        for control in fields
        if form.get(control.name) != ""
    }


def describe_value(value: Value | None) -> str:
    """Return a value as people write it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value.replace("_", " ")
    return f"{value:,}" if isinstance(value, int) else f"{value:,.15g}"


def _operation(document: Mapping[str, Any]) -> Mapping[str, Any]:
    operation: Mapping[str, Any] = document["paths"]["/predict"]["post"]
    return operation


def _field(name: str, schema: Mapping[str, Any]) -> Field:
    [start, *_] = schema["examples"]
    parts = [part for part in schema.get("anyOf", ()) if part.get("type") != "null"]
    is_nullable = len(schema.get("anyOf", ())) > len(parts)
    known = parts[0] if is_nullable else schema
    is_boolean = known.get("type") == "boolean"
    choices = (
        known.get("enum") or known.get("x-categories") or (["true", "false"] if is_boolean and is_nullable else [])
    )
    return Field(
        name=name,
        label=schema.get("x-label") or WORD_STARTS.sub(" ", name).capitalize(),
        about=schema.get("x-meaning") or schema.get("description", ""),
        start=start,
        choices=(*([""] if choices and is_nullable else []), *choices),
        choice_labels=schema.get("x-labels-of-values", {"true": "yes", "false": "no"} if is_boolean else {}),
        slider=_slider(known, start) if known.get("type") in {"integer", "number"} else None,
        is_boolean=is_boolean,
        is_nullable=is_nullable,
        is_date=known.get("format") == "date",
        derives=schema.get("x-derives", {}),
        derived_values=schema.get("x-values-of-derived", {}),
    )


def _slider(schema: Mapping[str, Any], start: float) -> Slider:
    lowest, highest = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    reach = _round_up(2 * max(abs(start), 1))
    lowest, highest = max(lowest, -reach), highest if highest < NO_LIMIT else reach
    step = _round_up((highest - lowest) / STEPS)
    if schema["type"] == "integer":
        return Slider(math.ceil(lowest), math.floor(highest), max(1, round(step)))
    return Slider(lowest, highest, step)


def _round_up(number: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, 50 and so on."""
    power = 10.0 ** math.floor(math.log10(number))
    rounded = next(factor for factor in ROUND if factor * power >= number * (1 - 1e-9))
    return float(f"{rounded * power:.6g}")


def _number(text: str) -> Value:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
