"""Say in one sentence what a file is, where it is no CSV file in UTF-8 with commas, and what to do about it."""

import re
import unicodedata
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from churn.errors import DataError

HEAD_BYTES = 2**16
CSV_IN_UTF8 = "a CSV file in UTF-8"
SAVE_AS_CSV, UNPACK = "save it as CSV in UTF-8, with commas", "unpack it first"
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
MUCH = 0.3  # of all bytes; ASCII text in UTF-16 is half NUL bytes, in UTF-32 three quarters
NOT_UTF8 = re.compile("[\udc80-\udcff]")  # how text read with `surrogateescape` holds a byte that is not UTF-8

NO_NAME = re.compile(r"\s*|__index_level_\d+__")  # the latter by pandas, in a Parquet file


class Kind(NamedTuple):
    """What a file is, and what to do with it."""

    what: str
    instead: str


WORKBOOK = Kind("an Excel workbook or another spreadsheet", SAVE_AS_CSV)
UTF16, UTF32 = Kind("text in UTF-16", SAVE_AS_CSV), Kind("text in UTF-32", SAVE_AS_CSV)
STARTS = {
    b"\xff\xfe\x00\x00": UTF32,
    b"\x00\x00\xfe\xff": UTF32,
    b"\xff\xfe": UTF16,
    b"\xfe\xff": UTF16,
    b"\x1f\x8b": Kind("compressed with gzip", UNPACK),
    b"BZh91AY&SY": Kind("compressed with bzip2", UNPACK),
    b"\xfd7zXZ\x00": Kind("compressed with xz", UNPACK),
    b"\x28\xb5\x2f\xfd": Kind("compressed with zstd", UNPACK),
    b"PK\x03\x04": Kind("a ZIP archive", UNPACK),
    b"PK\x05\x06": Kind("an empty ZIP archive", "give the file that should be in it"),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": WORKBOOK,
    b"PAR1\x15": Kind("a Parquet file", "let its name end in .parquet"),
    b"ARROW1\x00": Kind("an Arrow file", "let its name end in .arrow"),
    b"%PDF-": Kind("a PDF document", SAVE_AS_CSV),
}
IN_WORKBOOKS = (b"[Content_Types].xml", b"xl/", b"opendocument.spreadsheet")


def recognise(head: bytes) -> Kind | None:
    """Say what a file with these first bytes is; None for text, or if nobody knows."""
    kind = next((kind for start, kind in STARTS.items() if head.startswith(start)), None)
    if kind is not None:
        return WORKBOOK if head.startswith(b"PK\x03") and any(name in head for name in IN_WORKBOOKS) else kind
    if b"\x00" not in re.split(rb"[\r\n]", head, maxsplit=1)[0]:
        return None
    shares = [head[at::4].count(0) / max(1, len(head[at::4])) for at in range(4)]
    if sum(share > MUCH for share in shares) > 2:  # noqa: PLR2004 - three of four bytes
        return UTF32
    if max(min(shares[0], shares[2]), min(shares[1], shares[3])) > MUCH:
        return UTF16
    return Kind("damaged or no text: its header holds NUL bytes", SAVE_AS_CSV)


def read_head(path: Path) -> bytes:
    """Return the first bytes. A file that cannot be read raises DataError."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise refuse_unread(path, error) from error


def refuse_unread(path: Path, error: OSError) -> DataError:
    return DataError(f"{path} cannot be read: {error.strerror or error}", instead="give the path of a data file")


def require_text(path: Path, head: bytes) -> None:
    """Raise DataError if the file is empty, or something else than text."""
    if kind := recognise(head):
        raise DataError(f"{path} is {kind.what}, not {CSV_IN_UTF8}", instead=kind.instead)
    if not head.removeprefix(b"\xef\xbb\xbf").strip() and len(head) < HEAD_BYTES:
        raise DataError(
            f"{path} is empty: it has no header, and no rows below a header",
            instead="give a file whose first line names the columns",
        )


def require_commas(path: Path, header: Sequence[str]) -> None:
    """Raise DataError if the first line does not name columns with commas between them."""
    if re.fullmatch(r"sep=.?", ",".join(header)):
        raise DataError(
            f"{path} begins with a line for Excel, `{','.join(header)}`",
            instead="delete that line, so that the first line names the columns; separate cells by commas",
        )
    [name, *others] = header
    if not others and (separators := [word for sign, word in SEPARATORS.items() if sign in name]):
        raise DataError(f"{path} has {separators[0]} between its cells, not commas", instead=SAVE_AS_CSV)


def require_utf8(
    path: Path, header: Sequence[str], rows: Iterable[tuple[int, list[str]]], wanted: Iterable[str]
) -> None:
    """Raise DataError if a wanted cell holds a byte that is not UTF-8. Rows stand with the line in which they end."""
    places = [header.index(name) for name in wanted if name in header]
    for line, row in rows:
        for cell in (row[at] for at in places if at < len(row)):
            if byte := NOT_UTF8.search(cell):
                raise DataError(
                    f"{path} is not {CSV_IN_UTF8}: line {line} holds the byte {ord(byte[0]) - 0xDC00:#04x}, as in "
                    "Latin-1",
                    instead=SAVE_AS_CSV,
                )


def mark_bytes(cell: str) -> str:
    """Return text that can be shown: a mark stands for each byte that is not UTF-8."""
    return cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def require_plain_names(path: Path, header: Iterable[str], wanted: Sequence[str]) -> None:
    """Raise DataError if a wanted column is there but for spaces or signs that nobody sees."""
    for name in header:
        plain = "".join(sign for sign in unicodedata.normalize("NFKC", name) if unicodedata.category(sign) != "Cf")
        if name not in wanted and (plain := plain.strip()) in wanted and plain not in header:
            odd = sorted({unicodedata.name(sign, f"U+{ord(sign):04X}") for sign in name if sign not in plain})
            raise DataError(
                f"{path}: the name of the column {plain!r} holds {' and '.join(odd) or 'signs of another form'}",
                instead=f"write {name!a} as {plain!r}",
            )


def is_nameless(column: str) -> bool:
    """Tell whether a column has no name, like the index that a table was saved with."""
    return NO_NAME.fullmatch(column) is not None


def find_unread(path: Path, header: Iterable[str], wanted: Container[str], *, strict: bool = False) -> list[str]:
    """Return the columns that nobody reads. Raise DataError for one with a name, where they are to be refused."""
    unread = [name for name in dict.fromkeys(header) if name not in wanted]
    if strict and (named := [name for name in unread if not is_nameless(name)]):
        raise DataError(
            f"{path} has columns that the contract does not name: {', '.join(named)}",
            instead="leave them out, or leave out --strict, so that nobody looks at them",
        )
    return unread


def name_unread(columns: Iterable[str]) -> str:
    """Name columns that nobody reads."""
    names = ("one without a name (an index? save without it)" if is_nameless(name) else name for name in columns)
    return f"columns that are not looked at: {', '.join(names)}"
