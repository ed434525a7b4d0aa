"""Columns to the numbers that the model sees, without a Python object for every cell.

Numbers in typed columns and plain decimals in text are compared with the field's limits all at once. Of all else, each
distinct cell is shown to the contract once. So nothing here decides: what the contract would refuse comes out as NaN.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from churn.contract.cells import read_cells, text_from_cell
from churn.contract.declaration import Contract, FeatureSpec
from churn.reading.blocks import Floats, texts_from_column

CELLS_REMEMBERED = 2**16
PLAIN_DECIMAL = r"^[0-9]{1,15}(\.[0-9]{1,15})?$"


def encode(contract: type[Contract], columns: Mapping[str, pa.Array]) -> Floats:
    """Encodes rows as `Contract.encode` does.

    Args:
        contract: what the rows follow.
        columns: one array of length n per feature; of numbers, booleans, texts or bytes that are UTF-8.

    Returns:
        float64 (n, features), not yet rounded to float32; NaN for each cell that the contract refuses.
    """
    encoded = [_encode(contract, at, columns[spec.name]) for at, spec in enumerate(contract.features)]
    return np.column_stack(encoded)


def text_from_column(column: pa.Array) -> pa.Array:
    """Bytes as text, with a mark in place of what is not UTF-8; any other column as it is."""
    if not pa.types.is_binary(column.type):
        return column
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array(texts_from_column(column), pa.string())


@functools.lru_cache(maxsize=CELLS_REMEMBERED)
def encode_cell(contract: type[Contract], at: int, cell: str) -> float:
    """The number that a text stands for in the column of a feature; NaN if the contract refuses it."""
    example = {name: text_from_cell(value) for name, value in contract.example().items()}
    read = read_cells(contract, example | {contract.features[at].name: cell})
    return math.nan if isinstance(read, list) else read.encode()[at]


def _encode(contract: type[Contract], at: int, column: pa.Array) -> Floats:
    spec = contract.features[at]
    if spec.kind in {"integer", "number"} and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        blank = encode_cell(contract, at, "")
        return np.where(column.is_null(), blank, _is_within(spec, _numbers_from_column(column)))
    if spec.kind == "number" and (pa.types.is_binary(column.type) or pa.types.is_string(column.type)):
        plain = pc.match_substring_regex(column, PLAIN_DECIMAL).fill_null(pa.scalar(value=False))
        if plain.true_count:
            return _read_decimals(contract, at, column, plain)
    return _encode_distinct(contract, at, column)


def _numbers_from_column(column: pa.Array) -> Floats:
    numbers: Floats = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers


def _is_within(spec: FeatureSpec, numbers: Floats) -> Floats:
    """NaN for what the field's limits exclude; 0.0 for -0.0."""
    lower = -math.inf if spec.lower is None else spec.lower
    upper = math.inf if spec.upper is None else spec.upper
    taken = (numbers >= lower) & (numbers <= upper)
    if spec.kind == "integer":
        taken &= numbers == np.floor(numbers)
    return np.where(taken, numbers + 0.0, np.nan)


def _read_decimals(contract: type[Contract], at: int, column: pa.Array, plain: pa.Array) -> Floats:
    """Plain decimals all at once, which Arrow reads as correctly as Python does; what is left one by one."""
    texts = pc.if_else(plain, column, None).cast(pa.string())
    numbers = _is_within(contract.features[at], _numbers_from_column(texts.cast(pa.float64())))
    if plain.true_count < len(plain):
        others = pc.invert(plain)
        numbers[others.to_numpy(zero_copy_only=False)] = _encode_distinct(contract, at, column.filter(others))
    return numbers


def _encode_distinct(contract: type[Contract], at: int, column: pa.Array) -> Floats:
    """Any column: each distinct cell is read as the text that a CSV file would hold."""
    try:
        cells = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    except (
        pa.ArrowNotImplementedError
    ):  # lists, structs and half floats have no dictionaries in Arrow; their texts have
        cells = pa.array(texts_from_column(column), pa.string()).dictionary_encode()
    texts = [*texts_from_column(cells.dictionary), ""]
    numbers = np.array([encode_cell(contract, at, text) for text in texts])
    encoded: Floats = numbers[cells.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False)]
    return encoded
