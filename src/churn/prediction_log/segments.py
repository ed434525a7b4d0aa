"""Closed segments as Parquet: made of a journal's lines, and read again record by record."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from arro3.core import Array, DataType, Field, RecordBatch, Schema, Table
from arro3.io import read_json, read_parquet, write_parquet

from churn.errors import DataError
from churn.prediction_log.record import Column, Record, column_type, read_line

# A reader that looks for a few records takes no more than one such group of each file.
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
    """Makes Parquet of whole lines; None if not one of them can be read."""
    damaged = 0
    try:
        table = _table(lines)
    except Exception:  # noqa: BLE001 - the library says in many ways that a line is damaged
        kept = [line for line in lines.splitlines(keepends=True) if _readable(line)]
        damaged = lines.count(b"\n") - len(kept)
        if not kept:
            return None
        table = _table(b"".join(kept))
    parquet = _parquet(table)
    times = _values(table.column("time").combine_chunks())
    return Content(parquet, table.num_rows, damaged, _moment(min(times)), _moment(max(times)))


def rows(content: bytes, *, name: str) -> Iterator[Record]:
    """The records of a segment.

    Raises:
        DataError: the file is damaged; names it.
    """
    for batch in _batches(content, name):
        found = {column: _values(batch.column(column)) for column in batch.column_names}
        for at in range(batch.num_rows):
            yield {column: values[at] for column, values in found.items()}


def columns(content: bytes, wanted: Sequence[str], *, name: str) -> Iterator[dict[str, list[Any]]]:
    """Some columns of a segment, a group of rows at a time; a column that it does not have is left out.

    Raises:
        DataError: the file is damaged; names it.
    """
    for batch in _batches(content, name):
        yield {column: _values(batch.column(column)) for column in wanted if column in batch.column_names}


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
            kept.append(batch.take(_indices(others)))
    return (_parquet(Table.from_batches(kept)) if kept else None), erased


def _indices(numbers: list[int]) -> Any:
    import numpy as np  # noqa: PLC0415 - closing has no need of it

    return Array.from_numpy(np.array(numbers, dtype=np.uint64))


def _values(column: Array) -> list[Any]:
    """As Python has them; times in microseconds since 1970, as in journals: without a database of time zones."""
    return list((column.cast(DataType.int64()) if DataType.is_timestamp(column.type) else column).to_pylist())


def _moment(time_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)


def _table(lines: bytes) -> Table:
    names = read_line(lines[: lines.index(b"\n")])
    schema = Schema([Field(name, _TYPES[column_type(name)]) for name in names])
    return Table.from_arrow(read_json(io.BytesIO(lines), schema, batch_size=ROWS_PER_GROUP))


def _readable(line: bytes) -> bool:
    try:
        return _table(line).num_rows == 1
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
