"""Closed segments as Parquet: made of a journal's lines, and read again record by record.

The library that writes and reads Parquet ends the process over bytes that are damaged. So it never sees any: lines are
parsed before, and a segment's checksum is compared before it is read (`stores.read_segment`).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from arro3.core import Array, DataType, Field, RecordBatch, Table, list_array
from arro3.io import read_parquet, write_parquet

from churn.prediction_log.record import (
    COLUMNS,
    COMMON,
    COMMON_OF_CHALLENGER,
    Column,
    Record,
    challenger_columns,
    column_names,
    number_columns,
    read_fields,
    read_header,
)

# Whoever looks for a few records reads no more than one such group at a time.
ROWS_PER_GROUP = 8192
_TYPES: dict[Column, DataType] = {
    "text": DataType.utf8(),
    "texts": DataType.list(Field("item", DataType.utf8(), nullable=False)),
    "number": DataType.float64(),
    "flag": DataType.bool(),
    "time": DataType.timestamp("us", tz="UTC"),
}


class Content(NamedTuple):
    """What a segment holds.

    Args:
        parquet: the file.
        records: how many.
        damaged: lines that could not be read, and are not in it.
        first: when the earliest record was made.
        last: when the latest was.
    """

    parquet: bytes
    records: int
    damaged: int
    first: datetime
    last: datetime


def segment_content(lines: bytes) -> Content | None:
    """Makes Parquet of a journal's whole lines; None if not one record can be read."""
    first, *rest = lines.split(b"\n")[:-1] or [b""]
    try:
        header = read_header(first)
    except ValueError:
        return None
    batches, times = [], []
    for start in range(0, len(rest), ROWS_PER_GROUP):
        found, batch = _readable(rest[start : start + ROWS_PER_GROUP], header)
        batches.append(batch)
        times += [line["time"] for line in found]
    if not times:
        return None
    parquet = _parquet(batches)
    return Content(parquet, len(times), len(rest) - len(times), _moment(min(times)), _moment(max(times)))


def rows(content: bytes) -> Iterator[Record]:
    """The records of a segment."""
    for batch in read_parquet(content):
        found = {column: _values(batch.column(column)) for column in batch.column_names}
        for at in range(batch.num_rows):
            yield {column: values[at] for column, values in found.items()}


def columns(content: bytes, wanted: Sequence[str]) -> Iterator[dict[str, list[Any]]]:
    """Some columns of a segment, a group of rows at a time; a column that it does not have is left out."""
    for batch in read_parquet(content):
        yield {column: _values(batch.column(column)) for column in wanted if column in batch.column_names}


def row_of(content: bytes, prediction_id: str) -> Record | None:
    """The record with an id, if it is in the segment; decodes no other."""
    for batch in read_parquet(content):
        ids = _values(batch.column("prediction_id"))
        if prediction_id in ids:
            found = batch.slice(ids.index(prediction_id), 1)
            return {column: _values(found.column(column))[0] for column in found.column_names}
    return None


def without(content: bytes, subscriber: str) -> tuple[bytes | None, int]:
    """A segment without the records of a subscriber, None if none is left; and how many were theirs."""
    kept, erased = [], 0
    for batch in read_parquet(content):
        keys = _values(batch.column("subscriber"))
        others = [at for at, key in enumerate(keys) if key != subscriber]
        erased += len(keys) - len(others)
        if others:
            kept.append(batch.take(Array.from_numpy(np.array(others, dtype=np.uint64))))
    return (_parquet(kept) if kept else None), erased


def _readable(lines: Sequence[bytes], header: Mapping[str, Any]) -> tuple[list[dict[str, Any]], RecordBatch]:
    """What stands in the lines, without those that are damaged; as Python and as Arrow have it."""
    found = []
    for line in lines:
        with contextlib.suppress(ValueError):
            found.append(read_fields(line, header))
    try:
        return found, _batch(found, header)
    except (ValueError, TypeError):
        kept = [line for line in found if _fits(line, header)]
        if not kept:  # then it is not the lines that are wrong, and they must not be lost
            raise
        return kept, _batch(kept, header)


def _fits(line: dict[str, Any], header: Mapping[str, Any]) -> bool:
    try:
        _batch([line], header)
    except (ValueError, TypeError):
        return False
    return True


def _batch(lines: Sequence[Mapping[str, Any]], header: Mapping[str, Any]) -> RecordBatch:
    common = (*COMMON, *COMMON_OF_CHALLENGER)
    columns = {name: Array([header.get(name)] * len(lines), _TYPES[COLUMNS[name]]) for name in common}
    for name, kind in COLUMNS.items():
        if kind != "number" and name not in common:
            columns[name] = _array([line.get(name, [] if kind == "texts" else None) for line in lines], kind)
    columns |= _numbers([line["numbers"] for line in lines], number_columns(header["features"]))
    columns |= _numbers([line.get("challenger", "") for line in lines], challenger_columns(header["features"]))
    return RecordBatch.from_pydict({name: columns[name] for name in column_names(header["features"])})


def _numbers(bits: Sequence[str], names: Sequence[str]) -> dict[str, Array]:
    """The columns of what each line has as one text, null where that is empty."""
    numbers = np.frombuffer(bytes.fromhex("".join(bits)), ">f8").reshape(-1, len(names))
    by_column = np.ascontiguousarray(numbers.T, dtype=np.float64)
    if all(bits):
        return {name: Array.from_numpy(column) for name, column in zip(names, by_column, strict=True)}
    there = iter(by_column.T.tolist())
    rows = [next(there) if each else [None] * len(names) for each in bits]
    return {name: Array(column, DataType.float64()) for name, *column in zip(names, *rows, strict=True)}


def _array(values: Sequence[Any], kind: Column) -> Array:
    if kind == "time":
        return Array(values, DataType.int64()).cast(_TYPES[kind])
    if kind == "texts":
        ends = np.cumsum([0, *(len(texts) for texts in values)], dtype=np.int32)
        flat = Array([text for texts in values for text in texts], DataType.utf8())
        return list_array(Array.from_numpy(ends), flat, type=_TYPES[kind])
    return Array(values, _TYPES[kind])


def _values(column: Array) -> list[Any]:
    """As Python has them; times in microseconds since 1970, as in journals: without a database of time zones."""
    return list((column.cast(DataType.int64()) if DataType.is_timestamp(column.type) else column).to_pylist())


def _moment(time_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)


def _parquet(batches: Sequence[RecordBatch]) -> bytes:
    file = io.BytesIO()
    write_parquet(Table.from_batches(batches), file, compression="zstd(3)", max_row_group_size=ROWS_PER_GROUP)
    return file.getvalue()
