"""Closed segments as Parquet: made of a journal's lines, and read again record by record."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from arro3.core import Array, DataType, Field, RecordBatch, Schema, Table, list_flatten, list_offsets
from arro3.io import read_json, read_parquet, write_parquet

from churn.errors import DataError
from churn.prediction_log.record import (
    COLUMNS,
    COMMON,
    COMMON_OF_CHALLENGER,
    Column,
    Record,
    challenger_columns,
    column_names,
    column_type,
    number_columns,
    read_header,
)

# A reader that looks for a few records takes no more than one such group of each file.
ROWS_PER_GROUP = 8192
_TYPES: dict[Column, DataType] = {
    "text": DataType.utf8(),
    "texts": DataType.list(Field("item", DataType.utf8(), nullable=False)),
    "number": DataType.float64(),
    "flag": DataType.bool(),
    "time": DataType.timestamp("us", tz="UTC"),
}

# A line of a journal: see `LineMaker`.
_NUMBERS = DataType.list(Field("item", DataType.float64()))
_IN_HEADER = (*COMMON, *COMMON_OF_CHALLENGER)
_LINES = Schema(
    [
        Field("numbers", _NUMBERS),
        Field("challenger", _NUMBERS),
        *(Field(name, _TYPES[kind]) for name, kind in COLUMNS.items() if kind != "number" and name not in _IN_HEADER),
    ]
)


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
    first, _, rest = lines.partition(b"\n")
    try:
        header = read_header(first)
    except ValueError:
        return None
    if not rest:
        return None
    damaged = 0
    try:
        table = _table(rest, header)
    except Exception:  # noqa: BLE001 - the library says in many ways that a line is damaged
        kept = [line for line in rest.splitlines(keepends=True) if _readable(line, header)]
        damaged = rest.count(b"\n") - len(kept)
        if not kept:
            return None
        table = _table(b"".join(kept), header)
    times = _values(table.column("time").combine_chunks())
    return Content(_parquet(table), table.num_rows, damaged, _moment(min(times)), _moment(max(times)))


def rows(content: bytes, *, name: str) -> Iterator[Record]:
    """The records of a segment.

    Raises:
        DataError: the file is damaged; names it.
    """
    for batch in _batches(content, name):
        columns = {column: _values(batch.column(column)) for column in batch.column_names}
        for at in range(batch.num_rows):
            yield {column: values[at] for column, values in columns.items()}


def row_of(content: bytes, prediction_id: str, *, name: str) -> Record | None:
    """The record with an id, if it is in the segment; decodes no other.

    Raises:
        DataError: the file is damaged; names it.
    """
    for batch in _batches(content, name):
        ids = _values(batch.column("prediction_id"))
        if prediction_id in ids:
            found = batch.slice(ids.index(prediction_id), 1)
            return {column: _values(found.column(column))[0] for column in found.column_names}
    return None


def without(content: bytes, subscriber: str, *, name: str) -> tuple[bytes | None, int]:
    """A segment without the records of a subscriber, None if none is left; and how many were theirs.

    Raises:
        DataError: the file is damaged; names it.
    """
    kept, erased = [], 0
    for batch in _batches(content, name):
        keys = _values(batch.column("subscriber"))
        others = [at for at, key in enumerate(keys) if key != subscriber]
        erased += len(keys) - len(others)
        if others:
            kept.append(batch.take(Array.from_numpy(np.array(others, dtype=np.uint64))))
    return (_parquet(Table.from_batches(kept)) if kept else None), erased


def _values(column: Array) -> list[Any]:
    """As Python has them; times in microseconds since 1970, as in journals: without a database of time zones."""
    return list((column.cast(DataType.int64()) if DataType.is_timestamp(column.type) else column).to_pylist())


def _moment(time_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)


def _table(lines: bytes, header: Mapping[str, Any]) -> Table:
    raw = Table.from_arrow(read_json(io.BytesIO(lines), _LINES, batch_size=ROWS_PER_GROUP))
    columns = {name: raw.column(name).combine_chunks() for name in raw.column_names}
    for name in _IN_HEADER:
        columns[name] = Array([header.get(name)] * raw.num_rows, _TYPES[column_type(name)])
    names = number_columns(header["features"])
    numbers = list_flatten(columns["numbers"]).to_numpy().reshape(raw.num_rows, len(names))
    columns |= {name: Array.from_numpy(numbers[:, at].copy()) for at, name in enumerate(names)}
    columns |= _challenger(columns["challenger"], challenger_columns(header["features"]))
    return Table.from_pydict({name: columns[name] for name in column_names(header["features"])})


def _challenger(lists: Array, names: list[str]) -> dict[str, Array]:
    """The challenger's columns, null in the rows to which it said nothing."""
    there = np.diff(list_offsets(lists).to_numpy()) > 0
    numbers = list_flatten(lists).to_numpy().reshape(there.sum(), len(names))
    if there.all():
        return {name: Array.from_numpy(numbers[:, at].copy()) for at, name in enumerate(names)}
    rows = np.where(there, there.cumsum() - 1, -1).tolist()
    values = [[*column, None] for column in numbers.T.tolist()]  # the last one is that of row -1
    return {
        name: Array([column[row] for row in rows], DataType.float64())
        for name, column in zip(names, values, strict=True)
    }


def _readable(line: bytes, header: Mapping[str, Any]) -> bool:
    try:
        return _table(line, header).num_rows == 1
    except Exception:  # noqa: BLE001 - see above
        return False


def _parquet(table: Table) -> bytes:
    file = io.BytesIO()
    write_parquet(table, file, compression="zstd(3)", max_row_group_size=ROWS_PER_GROUP)
    return file.getvalue()


def _batches(content: bytes, name: str) -> Iterator[RecordBatch]:
    try:
        yield from read_parquet(content)
    except Exception as error:
        raise DataError(
            f"the segment {name} is damaged: {str(error).splitlines()[0]}",
            instead="restore the file from a backup, or remove it: its records are lost",
        ) from error
