"""CSV files that are read whole or not at all: of training, and of outcomes."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from churn.errors import DataError
from churn.reading.recognition import (
    CSV_IN_UTF8,
    HEAD_BYTES,
    SAVE_AS_CSV,
    mark_bytes,
    refuse_unread,
    require_commas,
    require_text,
    require_utf8,
)

type NumberedRows = list[tuple[int, list[str]]]


def read_bytes(path: Path) -> bytes:
    """Return the file's bytes. A file that cannot be read raises DataError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise refuse_unread(path, error) from error


def read_csv(path: Path, content: bytes, wanted: Iterable[str]) -> tuple[list[str], NumberedRows]:
    """Return the header, and each row with the line in which it ends. Leave out blank lines.

    Raises:
        DataError: this is no CSV file with commas, has no rows, or a wanted column is not in UTF-8.
    """
    require_text(path, content[:HEAD_BYTES])
    text = content.decode("utf-8-sig", "surrogateescape")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise DataError(f"{path} is not {CSV_IN_UTF8}, line {reader.line_num}: {error}", instead=SAVE_AS_CSV) from error
    if rows:
        require_commas(path, rows[0][1])
    if len(rows) <= 1:
        raise DataError(f"{path} holds no rows below a header", instead="give a file with data")
    header = list(map(mark_bytes, rows[0][1]))
    if not text.isascii():
        require_utf8(path, header, rows, wanted)
    return header, rows[1:]
