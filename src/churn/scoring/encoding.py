"""Encode columns as the numbers that the model sees, without a Python object for every cell.

Arrays check numbers and plain decimals against the field's limits. The contract reads every other distinct cell once.
A value that is not known is NaN, as everywhere. A cell that the contract refuses becomes infinite, as no value is.
"""

import functools
from collections.abc import Mapping
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from churn.contract.cells import BadCell, read_cells, read_date, text_from_cell
from churn.contract.date_specs import DateSpec
from churn.contract.dates import day_from_text
from churn.contract.declaration import Contract
from churn.contract.deriving import require_as_of
from churn.contract.features import FeatureSpec
from churn.reading.blocks import Floats, texts_from_column

CELLS_REMEMBERED = 2**16
REFUSED = np.inf
PLAIN_DECIMAL = r"^[0-9]{1,15}(\.[0-9]{1,15})?$"


def encode(contract: type[Contract], columns: Mapping[str, pa.Array], as_of: date | None = None) -> Floats:
    """Encode rows as `Contract.encode` does: float64 (n, features), not yet rounded to float32.

    `columns` holds an array of numbers, booleans, texts or UTF-8 bytes for each feature, under one of its names, and at
    least one. A column that is not there has empty cells. Refused cells become infinite. Dates are counted to `as_of`,
    unless a column says it.
    """
    count = len(next(iter(columns.values())))
    return np.column_stack([_encode_one(contract, at, columns, count, as_of) for at in range(len(contract.features))])


def text_from_column(column: pa.Array) -> pa.Array:
    """Turn bytes into text, with a mark in place of what is not UTF-8. Leave other columns as they are."""
    if not pa.types.is_binary(column.type):
        return column
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array(texts_from_column(column), pa.string())


@functools.lru_cache(maxsize=CELLS_REMEMBERED)
def encode_cell(contract: type[Contract], at: int, cell: str) -> float:
    """Return the number of a text in a feature's column; `REFUSED` if the contract refuses it."""
    example = {name: text_from_cell(value) for name, value in contract.example().items()}
    read = read_cells(contract, example | {contract.features[at].name: cell})
    return REFUSED if isinstance(read, list) else read.encode()[at]


def _encode_one(
    contract: type[Contract], at: int, columns: Mapping[str, pa.Array], count: int, as_of: date | None
) -> Floats:
    spec = contract.features[at]
    origin = contract.find_date(spec)
    if origin and origin.find_names(columns):
        return _encode_dates(contract, spec, origin, columns, as_of)
    names = spec.find_names(columns)
    return _encode(contract, at, columns[names[0]]) if names else np.full(count, encode_cell(contract, at, ""))


def _encode(contract: type[Contract], at: int, column: pa.Array) -> Floats:
    spec = contract.features[at]
    if spec.kind in {"integer", "number"} and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        blank = encode_cell(contract, at, "")
        return np.where(_mark_blanks(spec, column), blank, _limit(spec, _numbers_from_column(column)))
    if spec.kind == "number" and (pa.types.is_binary(column.type) or pa.types.is_string(column.type)):
        plain = pc.match_substring_regex(column, PLAIN_DECIMAL).fill_null(pa.scalar(value=False))
        if plain.true_count:
            return _read_decimals(contract, at, column, plain)
    return _encode_distinct(contract, at, column)


def _mark_blanks(spec: FeatureSpec, column: pa.Array) -> npt.NDArray[np.bool_]:
    marks: npt.NDArray[np.bool_] = column.is_null(nan_is_null=spec.is_nullable).to_numpy(zero_copy_only=False)
    return marks


def _numbers_from_column(column: pa.Array) -> Floats:
    numbers: Floats = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers


def _limit(spec: FeatureSpec, numbers: Floats) -> Floats:
    """Replace numbers outside the field's limits by `REFUSED`, and -0.0 by 0.0."""
    lower = -np.inf if spec.lower is None else spec.lower
    upper = np.inf if spec.upper is None else spec.upper
    valid = (numbers >= lower) & (numbers <= upper)
    if spec.kind == "integer":
        valid &= numbers == np.floor(numbers)
    return np.where(valid, numbers + 0.0, REFUSED)


def _read_decimals(contract: type[Contract], at: int, column: pa.Array, plain: pa.Array) -> Floats:
    """Let Arrow read plain decimals, as correctly as Python does. Encode the other cells as distinct texts."""
    texts = pc.if_else(plain, column, None).cast(pa.string())
    numbers = _limit(contract.features[at], _numbers_from_column(texts.cast(pa.float64())))
    if plain.true_count < len(plain):
        others = pc.invert(plain)
        numbers[others.to_numpy(zero_copy_only=False)] = _encode_distinct(contract, at, column.filter(others))
    return numbers


def _encode_distinct(contract: type[Contract], at: int, column: pa.Array) -> Floats:
    """Read each distinct cell as the text that a CSV file would hold."""
    texts, codes = _list_distinct(column)
    numbers = np.array([encode_cell(contract, at, text) for text in texts])
    encoded: Floats = numbers[codes]
    return encoded


def _encode_dates(
    contract: type[Contract], spec: FeatureSpec, origin: DateSpec, columns: Mapping[str, pa.Array], as_of: date | None
) -> Floats:
    """Read each distinct pair of a date and the day that it is counted to."""
    texts, codes = _list_distinct(columns[origin.find_names(columns)[0]])
    if contract.as_of_column in columns:
        days, day_codes = _list_distinct(columns[contract.as_of_column])
    else:
        days, day_codes = [require_as_of(contract, as_of).isoformat()], np.zeros(len(codes), np.int64)
    pairs, places = np.unique(codes * len(days) + day_codes, return_inverse=True)
    numbers = [_encode_date(spec, origin, texts[pair // len(days)], days[pair % len(days)]) for pair in pairs]
    return np.array(numbers)[places]


def _encode_date(spec: FeatureSpec, origin: DateSpec, cell: str, day: str) -> float:
    as_of = day_from_text(day)
    read = None if as_of is None else read_date(origin, cell, as_of)
    return REFUSED if read is None or isinstance(read, BadCell) else spec.encode(read[spec.name])


def _list_distinct(column: pa.Array) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return the distinct cells as a CSV file would hold them, and which one each cell is. The last is blank."""
    try:
        cells = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    except pa.ArrowNotImplementedError:  # Arrow has no dictionaries of lists, structs and half floats
        cells = pa.array(texts_from_column(column), pa.string()).dictionary_encode()
    texts = [*texts_from_column(cells.dictionary), ""]
    return texts, cells.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
