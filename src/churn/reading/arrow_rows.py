"""Parquet files, read by row groups; Arrow IPC files (file or stream format), read by record batches."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from churn.errors import DataError
from churn.reading.blocks import RowBlock, Span

FILE_FORMAT = b"ARROW1"
PARQUET = ".parquet"
ROWS_AT_ONCE = 65_536


def columns(path: Path) -> tuple[str, ...]:
    with _translate_errors(path):
        schema = pq.read_schema(path) if path.suffix == PARQUET else _batches(path)[0]
    return tuple(schema.names)


def spans(path: Path, rows: int) -> Iterator[Span]:
    """Cut the file by the sizes of its groups or batches."""
    with _translate_errors(path):
        if path.suffix == PARQUET:
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
    if path.suffix == PARQUET:
        with pq.ParquetFile(path) as file:
            groups = range(span.begin, span.end)
            batches = file.iter_batches(ROWS_AT_ONCE, groups, list(dict.fromkeys(wanted)), use_threads=False)
            pieces = list(_select_rows(batches, span))
    else:
        pieces = list(_select_rows(itertools.islice(_batches(path)[1], span.begin, span.end), span))
    table = pa.Table.from_batches(pieces).combine_chunks()
    arrays = {name: table.column(table.column_names.index(name)).chunk(0) for name in wanted}
    return RowBlock(arrays, np.arange(span.first, span.first + table.num_rows))


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
    except (pa.ArrowException, OSError) as error:
        kind = "a Parquet file" if path.suffix == PARQUET else "an Arrow IPC file"
        raise DataError(f"{path} is not {kind}: {error}", instead="write it again") from error
