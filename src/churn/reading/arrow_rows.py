"""Parquet files, read by row groups; Arrow IPC files (file or stream format), read by record batches."""

import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from churn.errors import DataError
from churn.reading.blocks import RowBlock, Span, texts_from_column
from churn.reading.recognition import read_head, recognise

FILE_FORMAT = b"ARROW1"
PARQUET = ".parquet"
ROWS_AT_ONCE = 65_536
# What Arrow raises of damaged files, beside its own errors: text that is not UTF-8, an impossible size, an odd zone.
DAMAGE = (pa.ArrowException, OSError, ValueError, LookupError, TypeError, OverflowError, MemoryError)


def columns(path: Path) -> tuple[str, ...]:
    with _translate_errors(path):
        schema = pq.read_schema(path) if is_parquet(path) else _batches(path)[0]
        return tuple(schema.names)


def spans(path: Path, rows: int) -> Iterator[Span]:
    """Cut the file by the sizes of its groups or batches."""
    with _translate_errors(path):
        if is_parquet(path):
            metadata = pq.read_metadata(path)
            sizes = [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)]
        else:
            sizes = [batch.num_rows for batch in _batches(path)[1]]
    ends = np.cumsum(sizes, dtype=np.int64)
    total = int(ends[-1]) if sizes else 0
    for first in range(0, total, rows):
        last = min(first + rows, total)
        begin, end = int(np.searchsorted(ends, first, "right")), int(np.searchsorted(ends, last - 1, "right")) + 1
        yield Span(first + 1, last - first, begin, end, skip=first - (int(ends[begin - 1]) if begin else 0))


def read(path: Path, span: Span, _: Sequence[str], wanted: Sequence[str]) -> RowBlock:
    if is_parquet(path):
        with pq.ParquetFile(path) as file:
            groups = range(span.begin, span.end)
            batches = file.iter_batches(ROWS_AT_ONCE, groups, list(dict.fromkeys(wanted)), use_threads=False)
            pieces = list(_select_rows(batches, span))
    else:
        pieces = list(_select_rows(itertools.islice(_batches(path)[1], span.begin, span.end), span))
    table = pa.Table.from_batches(pieces).combine_chunks()
    arrays = {name: _validate(table.column(table.column_names.index(name)).chunk(0)) for name in wanted}
    return RowBlock(arrays, np.arange(span.first, span.first + table.num_rows))


def read_whole(path: Path, content: bytes, wanted: Sequence[str]) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Read a Parquet file: its columns, and each row with its number, as texts. Cells of other columns are empty.

    Raises:
        DataError: this is no Parquet file, is damaged, or has no rows. A damaged column is found when rows are taken.
    """
    with _translate_errors(path):
        file = pq.ParquetFile(io.BytesIO(content))
        header, rows = list(file.schema_arrow.names), file.metadata.num_rows
    if rows == 0:
        raise DataError(f"{path} holds no rows", instead="give a file with data")

    def numbered_rows() -> Iterator[tuple[int, list[str]]]:
        with _translate_errors(path):
            table = file.read([name for name in header if name in wanted], use_threads=False).combine_chunks()
            texts = {name: texts_from_column(_validate(table.column(name).chunk(0))) for name in table.column_names}
        columns = [texts.get(name, itertools.repeat("", rows)) for name in header]
        yield from enumerate(map(list, zip(*columns, strict=True)), start=1)

    return header, numbered_rows()


def is_parquet(path: Path) -> bool:
    return path.suffix.lower() == PARQUET


def _validate(column: pa.Array) -> pa.Array:
    """Return a column whose offsets and codes are in range. Text that is not UTF-8 becomes bytes, as in a CSV file."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column.cast(pa.large_binary()).validate(full=True)
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            return column.cast(pa.binary())
    else:
        column.validate(full=True)
    return column


def _select_rows(batches: Iterable[pa.RecordBatch], span: Span) -> Iterator[pa.RecordBatch]:
    skip, rows = span.skip, span.rows
    for batch in batches:
        piece = batch.slice(skip, rows)
        skip = max(0, skip - batch.num_rows)
        rows -= piece.num_rows
        if piece.num_rows:
            yield piece
        if not rows:
            return


def _batches(path: Path) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the schema and the record batches of an IPC file. Batches are read only when needed."""
    mapped = pa.memory_map(str(path))
    if mapped.size() >= len(FILE_FORMAT) and mapped.read_at(len(FILE_FORMAT), 0) == FILE_FORMAT:
        reader = pa.ipc.open_file(mapped)
        return reader.schema, (reader.get_batch(at) for at in range(reader.num_record_batches))
    stream = pa.ipc.open_stream(mapped)
    return stream.schema, iter(stream)


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        kind = "a Parquet file" if is_parquet(path) else "an Arrow IPC file"
        other = recognise(read_head(path))
        if other is not None and kind != other.what:
            raise DataError(f"{path} is not {kind}: it is {other.what}", instead=other.instead) from error
        raise DataError(f"{path} is not {kind}, or damaged: {error}", instead="write it again") from error
