"""Rows without an answer: kept whole, each with the errors that `POST /predict` would give."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from churn.contract.cells import BLANK, BadCell
from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.contract.wording import FieldError, report_missing, report_refused

WHOLE_ROW = "(row)"

REJECTS = pa.schema(
    [
        ("source", pa.string()),
        ("row", pa.int64()),
        ("cells", pa.string()),
        ("errors", pa.list_(pa.struct([("field", pa.string()), ("code", pa.string()), ("message", pa.string())]))),
    ]
)


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not answered."""

    row: int  # its number in the source
    cells: Mapping[str, str] | Sequence[str]  # texts by column; a list if their columns are unknown
    errors: Sequence[FieldError]  # in the contract's order, those of dates last


def reject_from_row(contract: type[Contract], row: int, cells: Mapping[str, str], bad: Sequence[BadCell]) -> Reject:
    cell_by_column = {cell.column: cell for cell in bad}
    specs = [spec for spec in contract.features if spec.name in cell_by_column]
    of_dates = [cell.error for cell in bad if cell.error]
    return Reject(row, cells, [*(_describe_error(spec, cell_by_column[spec.name]) for spec in specs), *of_dates])


def reject_from_misshapen_row(row: int, cells: Sequence[str], header: Sequence[str]) -> Reject:
    message = f"the row has {len(cells)} cells, it must have {len(header)}, one for each column"
    return Reject(row, cells, [FieldError(field=WHOLE_ROW, code="wrong_type", message=message)])


def table_from_rejects(source: str, rejects: Sequence[Reject]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "source": source,
                "row": reject.row,
                "cells": json.dumps(reject.cells, ensure_ascii=False),
                "errors": [error.model_dump() for error in reject.errors],
            }
            for reject in sorted(rejects, key=lambda reject: reject.row)
        ],
        REJECTS,
    )


def _describe_error(spec: FeatureSpec, bad: BadCell) -> FieldError:
    return report_missing(spec) if bad.check == BLANK else report_refused(spec, _json_from_cell(spec, bad.cell))


def _json_from_cell(spec: FeatureSpec, cell: str) -> Any:
    """Return the cell as a request would hold it: a number if it is one, else a string."""
    if spec.kind in {"integer", "number"} and "_" not in cell:
        for number in (int, float):
            try:
                return number(cell)
            except ValueError:
                continue
    return cell
