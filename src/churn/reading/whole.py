"""CSV files that are read whole or not at all: of training, and of outcomes."""

import csv
import io
from pathlib import Path

from churn.errors import DataError
from churn.reading.recognition import CSV_IN_UTF8, HEAD_BYTES, SAVE_AS_CSV, refuse_unread, require_commas, require_text

type NumberedRows = list[tuple[int, list[str]]]


def read_bytes(path: Path) -> bytes:
    """Return the file's bytes. A file that cannot be read raises DataError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise refuse_unread(path, error) from error


def read_csv(path: Path, content: bytes) -> tuple[list[str], NumberedRows]:
    """Return the header, and each row with the line in which it ends. Leave out blank lines.

    Raises:
        DataError: this is no CSV file in UTF-8 with commas, or has no rows.
    """
    require_text(path, content[:HEAD_BYTES])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} is not {CSV_IN_UTF8}: line {line} holds the byte {content[error.start]:#04x}, as in Latin-1",
            instead=SAVE_AS_CSV,
        ) from error
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise DataError(f"{path} is not {CSV_IN_UTF8}, line {reader.line_num}: {error}", instead=SAVE_AS_CSV) from error
    if rows:
        require_commas(path, rows[0][1])
    if len(rows) <= 1:
        raise DataError(f"{path} holds no rows below a header", instead="give a file with data")
    return rows[0][1], rows[1:]
