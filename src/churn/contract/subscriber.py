"""From JSON to a valid subscriber, or to a list of what is wrong with it."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from churn.contract.declaration import Contract
from churn.contract.deriving import derive_fields, require_as_of
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
    contract: type[C],
    value: Any,
    name: str = "the body",
    *,
    most_errors: int = MOST_ERRORS,
    as_of: date | None = None,
) -> C:
    """Validate parsed JSON against the contract: its own limits decide, only the words are ours.

    Args:
        contract: what is known of a subscriber.
        value: as parsed.
        name: of the value in an error.
        most_errors: so many fields are listed at most.
        as_of: the day to which dates are counted; the contract's if not given.

    Raises:
        SubscriberError: the value is no subscriber.
        DataError: the contract has dates, and nothing says to which day they are counted.
    """
    if not isinstance(value, dict):
        raise SubscriberError(f"{name} must be one JSON object, got {describe_kind(value)}")
    if len(value) > MOST_FIELDS:
        features = ", ".join(contract.input_names())
        raise SubscriberError(f"there are {len(value):,} fields; send the features and nothing else: {features}")
    if contract.dates:
        fields, wrong_dates = derive_fields(contract, value, require_as_of(contract, as_of))
        return _read_whole_numbers(contract, fields, most_errors, wrong_dates)
    try:
        return contract.model_validate(value)
    except ValidationError:
        return _read_whole_numbers(contract, value, most_errors)


def _read_whole_numbers[C: Contract](
    contract: type[C], fields: dict[str, Any], most_errors: int, wrong_dates: Sequence[FieldError] = ()
) -> C:
    """Validate again with 14.0 read as 14: to JSON and to our own schema both are the same whole number."""
    integers = {name for spec in contract.features if spec.kind == "integer" for name in spec.find_names(fields)}
    try:
        subscriber = contract.model_validate(
            {name: _whole(value) if name in integers else value for name, value in fields.items()}
        )
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        raise _describe_errors(contract, found, most_errors, wrong_dates) from error
    if wrong_dates:
        raise _describe_errors(contract, [], most_errors, wrong_dates)
    return subscriber


def _describe_errors(
    contract: type[Contract], found: Sequence[ErrorDetails], most_errors: int, wrong_dates: Sequence[FieldError]
) -> SubscriberError:
    most = min(most_errors, MOST_ERRORS)
    errors = [*wrong_dates, *(_field_error(contract, item) for item in found[:most])][:most]
    if wrong_dates:
        places = {name: at for at, name in enumerate(contract.input_names())}
        errors.sort(key=lambda error: places.get(error.field, len(places)))
    count = len(wrong_dates) + len(found)
    if count == 1:
        message = wrong_dates[0].message if wrong_dates else _field_error(contract, found[0]).message
    else:
        message = f"{count} fields are wrong{'; see errors' if errors else ''}"
    return SubscriberError(message, errors, left_out=count - len(errors))


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _field_error(contract: type[Contract], error: ErrorDetails) -> FieldError:
    name = str(error["loc"][0])
    specs = {name: spec for spec in contract.features for name in (spec.name, *spec.earlier_names)}
    if name not in specs or error["type"] == "extra_forbidden":  # the latter of an earlier name beside today's
        return report_unknown(name, contract.input_names())
    return report_missing(specs[name]) if error["type"] == "missing" else report_refused(specs[name], error["input"])
