"""From a JSON object to a valid subscriber, or to a list of what is wrong with it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from churn.contract.declaration import Contract
from churn.contract.wording import FieldError, missing, refused, unknown
from churn.service.problems import Problem

MOST_ERRORS = 50
# Looking at each of 100,000 would hold up all other requests for 150 ms, and nobody sends so many by mistake.
MOST_FIELDS = 1000


def valid_subscriber[C: Contract](contract: type[C], fields: dict[str, Any]) -> C:
    """Validates against the contract; its own limits decide, only the words are ours.

    Raises:
        Problem: 422, with an error for each field to blame, features in the contract's order first; without, if there
            are more fields than anybody would send by mistake.
    """
    if len(fields) > MOST_FIELDS:
        features = ", ".join(contract.feature_names())
        detail = f"there are {len(fields):,} fields; send the features and nothing else: {features}"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    try:
        return contract.model_validate(fields)
    except ValidationError:
        return _valid_whole(contract, fields)


def _valid_whole[C: Contract](contract: type[C], fields: dict[str, Any]) -> C:
    """Validates again with 14.0 read as 14: to JSON and to our own schema both are the same whole number."""
    integers = {spec.name for spec in contract.features if spec.kind == "integer"}
    try:
        return contract.model_validate(
            {name: _whole(value) if name in integers else value for name, value in fields.items()}
        )
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        errors = [_field_error(contract, item) for item in found[:MOST_ERRORS]]
        detail = errors[0].message if len(found) == 1 else f"{len(found)} fields are wrong; see errors"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors) from error


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _field_error(contract: type[Contract], error: ErrorDetails) -> FieldError:
    name = str(error["loc"][0])
    specs = {spec.name: spec for spec in contract.features}
    if name not in specs:
        return unknown(name, list(specs))
    return missing(specs[name]) if error["type"] == "missing" else refused(specs[name], error["input"])
