"""From JSON to a valid subscriber, or to a list of what is wrong with it."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from churn.contract.declaration import Contract
from churn.contract.wording import FieldError, describe_kind, report_missing, report_refused, report_unknown
from churn.errors import ChurnError

MOST_ERRORS = 50
# To check 100,000 fields takes 150 ms, and all other requests wait meanwhile. Nobody sends 1,000 by mistake.
MOST_FIELDS = 1000


class SubscriberError(ChurnError):
    """JSON that is no subscriber of a contract. The message holds what was sent, and what to send instead.

    `errors` are the fields to blame, features in the contract's order first; none if no field is. `left_out` is how
    many more are.
    """

    def __init__(self, message: str, errors: Sequence[FieldError] = (), *, left_out: int = 0) -> None:
        super().__init__(message)
        self.errors = errors
        self.left_out = left_out


def subscriber_from_json[C: Contract](
    contract: type[C], value: Any, name: str = "the body", *, most_errors: int = MOST_ERRORS
) -> C:
    """Validate parsed JSON against the contract: its own limits decide, only the words are ours.

    `name` names the value in an error, which lists at most so many fields.

    Raises:
        SubscriberError: the value is no subscriber.
    """
    if not isinstance(value, dict):
        raise SubscriberError(f"{name} must be one JSON object, got {describe_kind(value)}")
    if len(value) > MOST_FIELDS:
        features = ", ".join(contract.feature_names())
        raise SubscriberError(f"there are {len(value):,} fields; send the features and nothing else: {features}")
    try:
        return contract.model_validate(value)
    except ValidationError:
        return _read_whole_numbers(contract, value, most_errors)


def _read_whole_numbers[C: Contract](contract: type[C], fields: dict[str, Any], most_errors: int) -> C:
    """Validate again with 14.0 read as 14: to JSON and to our own schema both are the same whole number."""
    integers = {name for spec in contract.features if spec.kind == "integer" for name in spec.find_names(fields)}
    try:
        return contract.model_validate(
            {name: _whole(value) if name in integers else value for name, value in fields.items()}
        )
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        errors = [_field_error(contract, item) for item in found[: min(most_errors, MOST_ERRORS)]]
        if len(found) == 1:
            message = _field_error(contract, found[0]).message
        else:
            message = f"{len(found)} fields are wrong{'; see errors' if errors else ''}"
        raise SubscriberError(message, errors, left_out=len(found) - len(errors)) from error


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _field_error(contract: type[Contract], error: ErrorDetails) -> FieldError:
    name = str(error["loc"][0])
    specs = {name: spec for spec in contract.features for name in (spec.name, *spec.earlier_names)}
    if name not in specs or error["type"] == "extra_forbidden":  # the latter of an earlier name beside today's
        return report_unknown(name, contract.feature_names())
    return report_missing(specs[name]) if error["type"] == "missing" else report_refused(specs[name], error["input"])
