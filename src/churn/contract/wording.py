"""What is wrong with a value, in words: what was expected, with limits and categories, and what came."""

import json
import math
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from churn.contract.date_specs import DateFault, DateSpec
from churn.contract.features import LONGEST_CATEGORY, FeatureSpec

LONGEST_ECHO = 60
# Larger limits are not written in full: 16,777,216 reads well, a float's largest value does not.
READABLE = 1e15

type Code = Literal["missing", "unknown", "duplicate", "wrong_type", "not_listed", "out_of_range", "not_finite"]


class FieldError(BaseModel):
    """What is wrong with one field."""

    model_config = ConfigDict(frozen=True)

    field: str
    code: Code
    message: Annotated[str, Field(description="What is wrong, and what to send instead.")]


def cut(text: str) -> str:
    """Return the beginning of a text of any length."""
    return text if len(text) <= LONGEST_ECHO else f"{text[: LONGEST_ECHO - 1]}…"


def describe_kind(value: Any) -> str:
    """Return what a JSON value is, with its article."""
    kinds = {
        type(None): "null",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return kinds[type(value)]


def report_missing(spec: FeatureSpec) -> FieldError:
    """Return the error of a feature that was not sent."""
    return FieldError(field=spec.name, code="missing", message=f"{spec.name} is missing; it must be {_expected(spec)}")


def report_unknown(name: str, known: list[str]) -> FieldError:
    """Return the error of a field that is no feature."""
    message = f"{cut(name)} is not a feature; leave it out: the features are {', '.join(known)}"
    return FieldError(field=cut(name), code="unknown", message=message)


def report_refused(spec: FeatureSpec, value: Any) -> FieldError:
    """Return the error of a value that its feature does not take."""
    code = _code(spec, value)
    expected = _broken_limit(spec, value) if code == "out_of_range" else _expected(spec)
    return FieldError(field=spec.name, code=code, message=f"{spec.name} must be {expected}, got {show_value(value)}")


def report_missing_date(spec: DateSpec, as_of: date) -> FieldError:
    """Return the error of a date that was not sent."""
    message = f"{spec.name} is missing; it must be {_expected_date(spec, as_of)}"
    return FieldError(field=spec.name, code="missing", message=message)


def report_refused_date(spec: DateSpec, fault: DateFault, value: Any, as_of: date) -> FieldError:
    """Return the error of a date that is none, or that lies where no date may."""
    message = f"{spec.name} must be {_expected_date(spec, as_of)}, got {show_value(value)}"
    return FieldError(field=spec.name, code="wrong_type" if fault == "no date" else "out_of_range", message=message)


def report_both(spec: DateSpec, features: list[str]) -> FieldError:
    """Return the error of a date beside features that are derived from it."""
    both = f"{' and '.join(features)}, derived from it, {'is' if len(features) == 1 else 'are'} there too"
    return FieldError(field=spec.name, code="duplicate", message=f"{spec.name} is there, and {both}; leave one out")


def _expected_date(spec: DateSpec, as_of: date) -> str:
    null = ", or null" if spec.is_nullable else ""
    return f"a date from {spec.find_earliest(as_of)} to {as_of}, the day in UTC to which it is counted{null}"


def _code(spec: FeatureSpec, value: Any) -> Code:
    if isinstance(value, float) and not math.isfinite(value):
        return "not_finite"
    if spec.kind == "category" and isinstance(value, str):
        return "not_listed"
    right_type = {"integer": (int,), "number": (int, float)}.get(spec.kind, ())
    return "out_of_range" if isinstance(value, right_type) and not isinstance(value, bool) else "wrong_type"


def _expected(spec: FeatureSpec) -> str:
    return f"{_expected_value(spec)}, or null" if spec.is_nullable else _expected_value(spec)


def _expected_value(spec: FeatureSpec) -> str:
    if spec.kind == "category":
        listed = f"one of {', '.join(spec.categories)}"
        return f"{listed}, or another text of up to {LONGEST_CATEGORY} characters" if spec.marker.other else listed
    if spec.kind == "boolean":
        return "true or false"
    noun = "a whole number" if spec.kind == "integer" else "a number"
    if spec.upper is not None and spec.upper >= READABLE:
        return f"{noun} of {_limit(spec.lower)} or more"
    return f"{noun} from {_limit(spec.lower)} to {_limit(spec.upper)}"


def _broken_limit(spec: FeatureSpec, value: float) -> str:
    if spec.lower is not None and value < spec.lower:
        return f"at least {_limit(spec.lower)}"
    return f"at most {_limit(spec.upper)}"


def _limit(limit: float | None) -> str:
    number = 0.0 if limit is None else limit
    return f"{number:,.15g}" if abs(number) < READABLE else repr(number)


def show_value(value: Any) -> str:
    """Return what came, shortened."""
    if isinstance(value, dict | list):
        return describe_kind(value)
    return cut(json.dumps(value, ensure_ascii=False))
