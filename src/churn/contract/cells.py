"""From the cells of a data file to a valid subscriber. Training and bulk scoring both read a row here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec

WRITTEN_AS_NUMBER = re.compile(r"([01])\.0*")  # a boolean, in a column that some table took for decimals
BLANK, WRONG_TYPE = "blank", "wrong type"
CHECKS = {
    "literal_error": "unknown category",
    "greater_than_equal": "out of range",
    "less_than_equal": "out of range",
    "finite_number": "not a finite number",
}


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell that its column does not take, and the failed check."""

    column: str
    check: str
    cell: str


def read_cells[C: Contract](contract: type[C], cells: Mapping[str, str]) -> C | list[BadCell]:
    """Read one row, the texts by column; those of no feature are ignored. A missing cell is an empty one.

    Returns:
        The subscriber, or all that is wrong with the row. Blanks and digits with underscores come first, then what the
        contract refuses, in its order. A blank cell of a field whose value may be unknown is not wrong.
    """
    found = {spec.name: next((cells[name] for name in spec.find_names(cells)), "") for spec in contract.features}
    row = dict(found)
    bad: list[BadCell] = []
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
