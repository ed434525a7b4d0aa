"""Records as columns: read from a journal's lines, written to a segment as Parquet, and read again.

Damaged bytes make the Parquet library end the process. So it never reads any: lines are parsed before, and a segment's
checksum is compared before (`segments.read_segment`).
"""

import io
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from arro3.core import Array, DataType, Field, RecordBatch, Table, list_array
from arro3.io import read_parquet, write_parquet
from numpy.typing import NDArray

from churn.prediction_log.banner_events import COLUMNS as EVENT_COLUMNS
from churn.prediction_log.banner_events import KIND
from churn.prediction_log.lines import read_fields, read_header
from churn.prediction_log.record import (
    ADDED,
    COLUMNS,
    COMMON,
    COMMON_OF_CHALLENGER,
    COMMON_OF_POLICY,
    FEATURE,
    Column,
    Record,
    list_challenger_columns,
    list_columns,
    list_number_columns,
)

# Readers hold one group in memory at a time.
ROWS_PER_GROUP = 8192
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ITEMS: dict[Column, DataType] = {"texts": DataType.utf8(), "numbers": DataType.float64()}
_TYPES: dict[Column, DataType] = {
    "text": DataType.utf8(),
    "number": DataType.float64(),
    "count": DataType.int64(),
    "flag": DataType.bool(),
    "time": DataType.timestamp("us", tz="UTC"),
    **{kind: DataType.list(Field("item", item, nullable=False)) for kind, item in _ITEMS.items()},
}


def batches_from_journal(
    lines: bytes, *, holding: bytes = b"", damaged: list[bytes] | None = None
) -> Iterator[RecordBatch]:
    """Read the records of a journal's whole lines that hold these bytes, without damaged lines.

    Args:
        damaged: the lines that cannot be read are added to it, without line breaks; all of them if the header cannot.
    """
    damaged = [] if damaged is None else damaged
    first, *rest = lines.split(b"\n")[:-1] or [b""]
    wanted = [line for line in rest if holding in line]
    try:
        header = read_header(first)
    except ValueError:
        damaged += wanted
        return
    for start in range(0, len(wanted), ROWS_PER_GROUP):
        readable = []
        for line in wanted[start : start + ROWS_PER_GROUP]:
            try:
                readable.append(read_fields(line, header))
            except ValueError:
                damaged.append(line)
        if readable:
            yield _build_batch(readable, header)


def batches_from_segment(content: bytes) -> Iterator[RecordBatch]:
    """Read the records of a segment, with all columns of today, or its banner events."""
    for batch in read_parquet(content, batch_size=ROWS_PER_GROUP):
        missing = [] if has_banner_events(batch) else [name for name in ADDED if name not in batch.column_names]
        yield _add_columns(batch, missing) if missing else batch


def has_banner_events(batch: RecordBatch) -> bool:
    """Return whether a batch holds banner events, not predictions."""
    return "event" in batch.column_names


def rows_from_batch(batch: RecordBatch) -> Iterator[Record]:
    """Give the records as Python values, times in microseconds since 1970."""
    columns = {name: values_from_batch(batch, name) for name in batch.column_names}
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def values_from_batch(batch: RecordBatch, name: str) -> list[Any]:
    """Return a column as Python values. Times are microseconds since 1970, so no database of time zones is needed."""
    return list(_without_zone(batch.column(name)).to_pylist())


def numbers_from_batch(batch: RecordBatch, name: str) -> NDArray[Any]:
    """Return a column of numbers or times as an array, with NaN for a missing number."""
    column = _without_zone(batch.column(name))
    return np.array(column.to_pylist(), dtype=float) if column.null_count else column.to_numpy()


def stack_numbers(batch: RecordBatch, prefix: str, features: Sequence[str]) -> NDArray[np.float64]:
    """Return the columns with this prefix of all features, (n, features), with NaN for a missing number."""
    return np.column_stack([numbers_from_batch(batch, prefix + name) for name in features])


def us_from_time(time: datetime) -> int:
    """Return a time as the log has it, in microseconds since 1970."""
    return (time - EPOCH) // timedelta(microseconds=1)


def find_time_range(batches: Sequence[RecordBatch]) -> tuple[datetime, datetime]:
    """Return the times of the earliest and the latest record."""
    times = np.concatenate([numbers_from_batch(batch, "time") for batch in batches])
    first, last = (EPOCH + timedelta(microseconds=int(time)) for time in (times.min(), times.max()))
    return first, last


def parquet_from_batches(batches: Sequence[RecordBatch]) -> bytes:
    """Write a segment's content."""
    file = io.BytesIO()
    write_parquet(Table.from_batches(batches), file, compression="zstd(3)", max_row_group_size=ROWS_PER_GROUP)
    return file.getvalue()


def remove_subscriber(
    content: bytes, subscriber: str, prediction_ids: Collection[str] = ()
) -> tuple[bytes | None, int]:
    """Return a segment without the records of a subscriber (None if no other is left), and the number of theirs.

    Theirs are those with their hashed key, and those of these predictions.
    """
    others, erased = [], 0
    for batch in batches_from_segment(content):
        keys, ids = values_from_batch(batch, "subscriber"), values_from_batch(batch, "prediction_id")
        theirs = [key == subscriber or made in prediction_ids for key, made in zip(keys, ids, strict=True)]
        rows = [at for at, is_theirs in enumerate(theirs) if not is_theirs]
        erased += len(keys) - len(rows)
        if rows:
            others.append(take_rows(batch, rows))
    return (parquet_from_batches(others) if others else None), erased


def take_rows(batch: RecordBatch, rows: Sequence[int] | NDArray[np.intp]) -> RecordBatch:
    """Return some rows, by their numbers."""
    return batch.take(Array.from_numpy(np.asarray(rows, dtype=np.uint64)))


def _build_batch(lines: Sequence[Mapping[str, Any]], header: Mapping[str, Any]) -> RecordBatch:
    if header.get("kind") == KIND:
        return _build_event_batch(lines, header["contract"])
    common, features = (*COMMON, *COMMON_OF_CHALLENGER, *COMMON_OF_POLICY), header["features"]
    columns = {name: Array([header.get(name)] * len(lines), _TYPES[COLUMNS[name]]) for name in common}
    if "policy_version" not in header:  # a version before wrote it into the lines of banners
        del columns["policy_version"]
    for name, kind in COLUMNS.items():
        if kind != "number" and name not in columns:
            columns[name] = _build_array([line.get(name, _find_blank(kind)) for line in lines], kind)
    columns |= _split_numbers([line["numbers"] for line in lines], list_number_columns(features))
    columns |= _split_numbers([line.get("challenger", "") for line in lines], list_challenger_columns(features))
    return RecordBatch.from_pydict({name: columns[name] for name in list_columns(features)})


def _build_event_batch(lines: Sequence[Mapping[str, Any]], contract: str) -> RecordBatch:
    rows = [{**line, "contract": contract} for line in lines]
    return RecordBatch.from_pydict(
        {name: _build_array([row[name] for row in rows], kind) for name, kind in EVENT_COLUMNS.items()}
    )


def _add_columns(batch: RecordBatch, names: Sequence[str]) -> RecordBatch:
    """Return the batch with columns that it lacks, without values, in the order of today."""
    columns = {name: batch.column(name) for name in batch.column_names}
    for name in names:
        kind = COLUMNS[name]
        columns[name] = _build_array([_find_blank(kind)] * batch.num_rows, kind)
    features = [name.removeprefix(FEATURE) for name in columns if name.startswith(FEATURE)]
    order = dict.fromkeys([*(name for name in list_columns(features) if name in columns), *columns])
    return RecordBatch.from_pydict({name: columns[name] for name in order})


def _find_blank(kind: Column) -> list[Any] | None:
    return [] if kind in _ITEMS else None


def _split_numbers(bits: Sequence[str], names: Sequence[str]) -> dict[str, Array]:
    """Split each line's text of bits into columns; an empty text becomes null, and so does a value of no known size."""
    numbers = np.frombuffer(bytes.fromhex("".join(bits)), ">f8").reshape(-1, len(names))
    by_column = np.ascontiguousarray(numbers.T, dtype=np.float64)
    if all(bits):
        return {name: _build_numbers(name, column) for name, column in zip(names, by_column, strict=True)}
    present = iter(by_column.T.tolist())
    rows = [next(present) if text else [None] * len(names) for text in bits]
    return {name: Array(column, DataType.float64()) for name, *column in zip(names, *rows, strict=True)}


def _build_numbers(name: str, column: NDArray[np.float64]) -> Array:
    """Return the column with null for a subscriber's unknown value, which a line has as NaN."""
    if not (name.startswith(FEATURE) and np.isnan(column).any()):
        return Array.from_numpy(column)
    return Array([None if math.isnan(value) else value for value in column.tolist()], DataType.float64())


def _build_array(values: Sequence[Any], kind: Column) -> Array:
    if kind == "time":
        return Array(values, DataType.int64()).cast(_TYPES[kind])
    if kind in _ITEMS:
        ends = np.cumsum([0, *(len(items) for items in values)], dtype=np.int32)
        flat = Array([item for items in values for item in items], _ITEMS[kind])
        return list_array(Array.from_numpy(ends), flat, type=_TYPES[kind])
    return Array(values, _TYPES[kind])


def _without_zone(column: Array) -> Array:
    return column.cast(DataType.int64()) if DataType.is_timestamp(column.type) else column
