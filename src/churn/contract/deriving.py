"""From the dates of a request, or of the cells of a file, to the features that are derived from them, and back."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from churn.contract.date_specs import DateSpec
from churn.contract.dates import MONTHS, DaysSince
from churn.contract.declaration import Contract
from churn.contract.phrases import Value
from churn.contract.wording import FieldError, report_both, report_missing_date, report_refused_date
from churn.errors import DataError

HALF_A_MONTH = 15


def require_as_of(contract: type[Contract], as_of: date | None) -> date:
    """Return the day that features are derived to: the given one, else the contract's. Raise DataError if none is."""
    day = as_of or contract.as_of
    if day is None:
        raise DataError(
            f"nothing says to which day the dates of {contract.contract_name} are counted",
            instead="give --as-of DATE, or state as_of or as_of_column in the contract",
        )
    return day


def derive_fields(
    contract: type[Contract], fields: Mapping[str, Any], as_of: date
) -> tuple[dict[str, Any], list[FieldError]]:
    """Replace the dates of a request by the features that are derived from them.

    A request may have all features of a date in its place. Where a date is wrong, they are those of the example, so
    that what else is wrong is found too.

    Returns:
        The fields, and what is wrong with the dates.
    """
    derived = dict(fields)
    errors: list[FieldError] = []
    for spec in contract.dates:
        names, given = spec.find_names(fields), spec.find_features(fields)
        if given and not names:
            continue
        value = derived.pop(names[0]) if names else None
        read = _derive_value(spec, value, as_of)
        if given or (not names and not spec.is_nullable):
            read = report_both(spec, given) if given else report_missing_date(spec, as_of)
        if isinstance(read, FieldError):
            errors.append(read)
            read = get_examples(spec)
        derived |= read
    return derived, errors


def _derive_value(spec: DateSpec, value: Any, as_of: date) -> Mapping[str, Value | None] | FieldError:
    if value is None and spec.is_nullable:
        return dict.fromkeys((feature.name for feature in spec.features), None)
    read = spec.derive(value, as_of) if isinstance(value, str) else "no date"
    return report_refused_date(spec, read, value, as_of) if isinstance(read, str) else read


def get_examples(spec: DateSpec) -> dict[str, Value]:
    """Return the examples of a date's features."""
    return {feature.name: feature.example for feature in spec.features}


def request_from_values(contract: type[Contract], values: Mapping[str, Any], as_of: date) -> dict[str, Any]:
    """Put dates in the place of the features that are derived from them: a request that says the same on that day.

    Where no feature counts days, the date is in the middle of the last such month.
    """
    request = dict(values)
    for spec in contract.dates:
        if len(spec.find_features(values)) < len(spec.features):
            continue
        derived = {feature.name: request.pop(feature.name) for feature in spec.features}
        day = _find_day(spec, derived, as_of)
        request[spec.name] = day.isoformat() if day else None
    return request


def _find_day(spec: DateSpec, values: Mapping[str, Any], as_of: date) -> date | None:
    counting = [feature for feature in spec.features if isinstance(feature.marker.of, DaysSince)]
    value = values[(counting or spec.features)[0].name]
    if value is None:
        return None
    if counting:
        return as_of - timedelta(days=value)
    day = date(as_of.year, MONTHS.index(value) + 1, HALF_A_MONTH)
    return day if day <= as_of else day.replace(year=as_of.year - 1)
