"""From the cells of a data file to a valid subscriber. Training and bulk scoring both read a row here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError

from churn.contract.date_specs import DateSpec
from churn.contract.dates import day_from_text
from churn.contract.declaration import Contract
from churn.contract.deriving import get_examples, require_as_of
from churn.contract.features import FeatureSpec
from churn.contract.phrases import Value
from churn.contract.wording import FieldError, cut, report_missing_date, report_refused_date

WRITTEN_AS_NUMBER = re.compile(r"([01])\.0*")  # a boolean, in a column that some table took for decimals
BLANK, WRONG_TYPE, NO_DATE = "blank", "wrong type", "no date"
NOT_KNOWN = frozenset({"", "nan", "nat"})  # a date, as tables write it
CHECKS = {
    "literal_error": "unknown category",
    "greater_than_equal": "out of range",
    "less_than_equal": "out of range",
    "finite_number": "not a finite number",
}


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell that its column does not take, and the failed check. Where it should be a date, the error in words too."""

    column: str
    check: str
    cell: str
    error: FieldError | None = None


def read_cells[C: Contract](
    contract: type[C], cells: Mapping[str, str], as_of: date | None = None
) -> C | list[BadCell]:
    """Read one row, the texts by column; those of no feature are ignored. A missing cell is an empty one.

    Args:
        contract: what is known of a subscriber.
        cells: of the row.
        as_of: the day to which dates are counted, where the row has no column that says it; the contract's if None.

    Raises:
        DataError: the row has dates, and nothing says to which day they are counted.

    Returns:
        The subscriber, or all that is wrong with the row. Blanks and digits with underscores come first, then what the
        contract refuses, in its order. A blank cell of a field whose value may be unknown is not wrong.
    """
    found = {spec.name: next((cells[name] for name in spec.find_names(cells)), "") for spec in contract.features}
    bad: list[BadCell] = []
    if contract.dates:
        bad = _derive_cells(contract, cells, found, as_of)
    row = dict(found)
    for spec in contract.features:
        cell = row[spec.name]
        if is_unknown(spec, cell):
            del row[spec.name]
        elif not cell.strip():
            row[spec.name] = text_from_cell(spec.example if spec.blank is None else spec.blank)
            if spec.blank is None:
                bad.append(BadCell(spec.name, BLANK, cell))
        elif "_" in cell and spec.kind in {"integer", "number"}:  # pydantic would read 1_4 as 14
            row[spec.name] = text_from_cell(spec.example)
            bad.append(BadCell(spec.name, WRONG_TYPE, cell))
        elif spec.kind == "boolean":
            row[spec.name] = text_from_boolean(cell)
    try:
        subscriber = contract.model_validate_strings(row)
    except ValidationError as error:
        for details in error.errors(include_url=False, include_context=False):
            column = str(details["loc"][0])
            bad.append(BadCell(column, CHECKS.get(details["type"], WRONG_TYPE), found[column]))
    return bad or subscriber


def _derive_cells(
    contract: type[Contract], cells: Mapping[str, str], found: dict[str, str], as_of: date | None
) -> list[BadCell]:
    """Write into `found` what is derived from the row's dates. Where a date is wrong, that is the example's."""
    dates = [spec for spec in contract.dates if spec.find_names(cells) or not spec.find_features(cells)]
    if not dates:
        return []
    stated = cells.get(contract.as_of_column) if contract.as_of_column else None
    if not any(spec.find_names(cells) for spec in dates):
        as_of = as_of or date.max  # no cell is counted to it
    day = require_as_of(contract, as_of) if stated is None else day_from_text(stated)
    bad: list[BadCell] = []
    for spec in dates:
        cell = next((cells[name] for name in spec.find_names(cells)), "")
        read = get_examples(spec) if day is None else read_date(spec, cell, day)
        if isinstance(read, BadCell):
            bad.append(read)
            read = get_examples(spec)
        found |= {name: text_from_cell(value) for name, value in read.items()}
    return bad if day is not None else [_refuse_as_of(contract, stated or "")]


def read_date(spec: DateSpec, cell: str, as_of: date) -> Mapping[str, Value | None] | BadCell:
    """Return the values of the features that are derived from a cell, by name; or what is wrong with it."""
    text = cell.strip().lower()
    if spec.is_nullable and text in NOT_KNOWN:
        return dict.fromkeys((feature.name for feature in spec.features), None)
    if not text:
        return BadCell(spec.name, BLANK, cell, report_missing_date(spec, as_of))
    read = spec.derive(cell, as_of)
    return (
        BadCell(spec.name, read, cell, report_refused_date(spec, read, cell, as_of)) if isinstance(read, str) else read
    )


def _refuse_as_of(contract: type[Contract], cell: str) -> BadCell:
    column = contract.as_of_column
    message = f"{column} must be a date such as 2024-03-01, to which the row's dates are counted, got {cut(cell)!r}"
    error = FieldError(field=column, code="wrong_type", message=message)
    return BadCell(column, NO_DATE if cell.strip() else BLANK, cell, error)


def is_unknown(spec: FeatureSpec, cell: str) -> bool:
    """Tell whether a cell says that the value is not known: a blank, and NaN where no category can be called so."""
    text = cell.strip().lower()
    return spec.is_nullable and (not text or (text == "nan" and spec.kind != "category"))


def text_from_boolean(cell: str) -> str:
    """Return a boolean's text without spaces, and 1.0 as 1, as `text_from_cell` has it of typed cells."""
    text = cell.strip()
    written = WRITTEN_AS_NUMBER.fullmatch(text)
    return written[1] if written else text


def text_from_cell(value: Any) -> str:
    """Return a typed cell as a CSV file would write it: nothing as blank, a boolean or whole number as digits."""
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)
