"""CSV files: cut between rows without parsing, then parsed span by span.

Arrow splits a span without quotes: it is fastest. Python's reader decides about quotes, lone carriage returns and rows
of another length than the header, as it does in training.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from churn.errors import DataError
from churn.reading.blocks import RowBlock, Span
from churn.reading.recognition import mark_bytes, read_head, require_commas, require_text, require_utf8

BLOCK_BYTES = 8 * 2**20
LONGEST_LINE = 64 * 2**20
NEWLINE, RETURN = b"\n"[0], b"\r"[0]
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def columns(path: Path) -> tuple[str, ...]:
    """Name the columns; a mark stands for what is not UTF-8. Content of another kind raises DataError."""
    require_text(path, read_head(path))
    header = _read_header(path)[1]
    require_commas(path, header)
    return tuple(map(mark_bytes, header))


def require_utf8_cells(path: Path, header: Sequence[str], wanted: Sequence[str]) -> None:
    """Raise DataError if a wanted cell is not in UTF-8. Cells are looked at only if the file is not all in UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while block := file.read(BLOCK_BYTES):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            require_utf8(path, header, ((line, row) for _, line, row in _records(path, 0)), wanted)


def spans(path: Path, rows: int) -> Iterator[Span]:
    """Cut at line feeds, or at the rows that Python's reader sees if the file is not plain."""
    begin, _ = _read_header(path)
    try:
        row_spans = list(_cut(_plain_row_ends(path, begin), begin, rows))
    except _NotPlainError:
        row_spans = list(_cut((np.array([end]) for end, _, _ in _records(path, begin)), begin, rows))
    yield from row_spans


def read(path: Path, span: Span, header: Sequence[str], wanted: Sequence[str]) -> RowBlock:
    """Read the rows of a span. Their cells are bytes."""
    with path.open("rb") as file:
        file.seek(span.begin)
        content = file.read(span.end - span.begin)
    table = None if _needs_csv_reader(content) else _split(content, header, wanted)
    if table is None or table.num_rows != span.rows:
        return _parse(content, span, header, wanted)
    table = table.combine_chunks()
    columns = {name: table.column(str(header.index(name))).chunk(0) for name in wanted}
    return RowBlock(columns, np.arange(span.first, span.first + span.rows))


class _NotPlainError(Exception):
    """The file has quotes or lone carriage returns: some line feed may not end a row."""


def _needs_csv_reader(content: bytes) -> bool:
    return b'"' in content or content.count(b"\r") != content.count(b"\r\n")


def _lines(path: Path, begin: int) -> io.TextIOWrapper:
    """Open the text from a byte on. Surrogate escapes keep bytes that are not UTF-8."""
    file = path.open("rb")
    file.seek(begin)
    return io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")


def _read_header(path: Path) -> tuple[int, list[str]]:
    """Return the byte where the rows begin, and the column names."""
    with path.open("rb") as file:
        mark = len(BYTE_ORDER_MARK) if file.read(len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK else 0
    for end, _, row in _records(path, mark):
        return end, row
    raise DataError(f"{path} has no header", instead="give a file whose first line names the columns")


def _records(path: Path, begin: int) -> Iterator[tuple[int, int, list[str]]]:
    """Yield the byte after each row, its last line and the row, as Python's reader sees it. Skip blank lines."""
    at = begin

    def count_bytes(lines: Iterator[str]) -> Iterator[str]:
        nonlocal at
        for line in lines:
            at += len(line.encode("utf-8", "surrogateescape"))
            yield line

    with _lines(path, begin) as lines:
        reader = csv.reader(count_bytes(lines), strict=True)
        try:
            for row in reader:
                if row:
                    yield at, reader.line_num, row
        except csv.Error as error:
            where = f"line {reader.line_num} of what begins at byte {begin}"
            raise DataError(f"{path} is not a CSV file, {where}: {error}", instead="save it as CSV again") from error


def _plain_row_ends(path: Path, begin: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the bytes after the rows, block by block. A file that is not plain raises _NotPlainError."""
    with path.open("rb") as file:
        file.seek(begin)
        rest = b""
        while block := file.read(BLOCK_BYTES):
            whole, feed, unfinished = (rest + block).rpartition(b"\n")
            content = whole + feed
            if _needs_csv_reader(content) or len(unfinished) > LONGEST_LINE:
                raise _NotPlainError
            yield begin + _ends_of_lines(content)
            begin, rest = begin + len(content), unfinished
        if _needs_csv_reader(rest):
            raise _NotPlainError
        if rest:
            yield np.array([begin + len(rest)])


def _ends_of_lines(content: bytes) -> npt.NDArray[np.int64]:
    characters = np.frombuffer(content, dtype=np.uint8)
    feeds = np.flatnonzero(characters == NEWLINE)
    starts = np.concatenate([[0], feeds[:-1] + 1]) if len(feeds) else feeds
    blank = (feeds == starts) | ((feeds == starts + 1) & (characters[starts] == RETURN))
    ends: npt.NDArray[np.int64] = feeds[~blank] + 1
    return ends


def _cut(row_ends: Iterator[npt.NDArray[np.int64]], begin: int, rows: int) -> Iterator[Span]:
    first, pending, end = 1, 0, begin
    for ends in row_ends:
        rest = ends
        while pending + len(rest) >= rows:
            end = int(rest[rows - pending - 1])
            yield Span(first, rows, begin, end)
            rest = rest[rows - pending :]
            first, pending, begin = first + rows, 0, end
        if len(rest):
            pending, end = pending + len(rest), int(rest[-1])
    if pending:
        yield Span(first, pending, begin, end)


def _split(content: bytes, header: Sequence[str], wanted: Sequence[str]) -> pa.Table | None:
    """Split a span without quotes; return None if Arrow cannot, as with rows of another length.

    A column is called by its place: a name that nobody wants may stand twice.
    """
    places = [str(at) for at in range(len(header))]
    try:
        return pa_csv.read_csv(
            pa.py_buffer(content),
            pa_csv.ReadOptions(column_names=places, block_size=len(content) + 1, use_threads=False),
            pa_csv.ParseOptions(quote_char=False, double_quote=False),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(places, pa.binary()),
                include_columns=[str(header.index(name)) for name in dict.fromkeys(wanted)],
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):  # the latter of a row of another length, on its way to the message
        return None


def _parse(content: bytes, span: Span, header: Sequence[str], wanted: Sequence[str]) -> RowBlock:
    text = io.StringIO(content.decode("utf-8", "surrogateescape"), newline="")
    rows = dict(enumerate((row for row in csv.reader(text, strict=True) if row), start=span.first))
    right = {number: row for number, row in rows.items() if len(row) == len(header)}
    cells = list(zip(*right.values(), strict=True)) or [()] * len(header)
    columns = {
        name: pa.array([cell.encode("utf-8", "surrogateescape") for cell in cells[header.index(name)]], pa.binary())
        for name in dict.fromkeys(wanted)
    }
    misshapen = {number: list(map(mark_bytes, row)) for number, row in rows.items() if number not in right}
    return RowBlock(columns, np.array(list(right), dtype=np.int64), misshapen)
