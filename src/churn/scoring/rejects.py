"""Rows that get no answer: kept whole, each with the words that `POST /predict` would have for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from churn.contract.cells import BLANK, BadCell
from churn.contract.declaration import Contract, FeatureSpec
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
    """A row that was not answered.

    Args:
        row: its number in the source.
        cells: its texts by column; a plain list if they could not be told apart.
        errors: what is wrong, features in the contract's order.
    """

    row: int
    cells: Mapping[str, str] | Sequence[str]
    errors: Sequence[FieldError]


def reject_from_row(contract: type[Contract], row: int, cells: Mapping[str, str], bad: Sequence[BadCell]) -> Reject:
    """A row that the contract refuses."""
    specs = {spec.name: spec for spec in contract.features}
    ordered = sorted(bad, key=lambda one: list(specs).index(one.column))
    return Reject(row, cells, [_word_error(specs[one.column], one) for one in ordered])


def reject_from_misshapen_row(row: int, cells: Sequence[str], header: Sequence[str]) -> Reject:
    """A row that has more or fewer cells than there are columns."""
    message = f"the row has {len(cells)} cells, it must have {len(header)}, one for each column"
    return Reject(row, cells, [FieldError(field=WHOLE_ROW, code="wrong_type", message=message)])


def table_from_rejects(source: str, rejects: Sequence[Reject]) -> pa.Table:
    """The rejects of one source as they are written, in the order of their rows."""
    ordered = sorted(rejects, key=lambda reject: reject.row)
    return pa.Table.from_pylist(
        [
            {
                "source": source,
                "row": reject.row,
                "cells": json.dumps(reject.cells, ensure_ascii=False),
                "errors": [error.model_dump() for error in reject.errors],
            }
            for reject in ordered
        ],
        REJECTS,
    )


def _word_error(spec: FeatureSpec, bad: BadCell) -> FieldError:
    return report_missing(spec) if bad.check == BLANK else report_refused(spec, _json_from_cell(spec, bad.cell))


def _json_from_cell(spec: FeatureSpec, cell: str) -> Any:
    """What the cell would be in a request: a number if it is one, else a string."""
    if spec.kind in {"integer", "number"} and "_" not in cell:
        for number in (int, float):
            try:
                return number(cell)
            except ValueError:
                continue
    return cell
