"""Which files are read, whether they hold what the contract needs, and how they are cut into parts."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from churn.contract.declaration import Contract
from churn.errors import DataError
from churn.reading import arrow_rows, csv_rows
from churn.reading.blocks import Format, RowBlock, Span

FORMATS: dict[str, Format] = {
    ".csv": csv_rows,
    ".parquet": arrow_rows,
    ".arrow": arrow_rows,
    ".feather": arrow_rows,
}
CONVERT = f"give files that end in {', '.join(FORMATS)}"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of the input.

    Args:
        path: where it lies.
        name: what answers and rejects call it: its path below the folder that is read.
        columns: its columns in order.
    """

    path: Path
    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FilePart:
    """Some rows of one source.

    Args:
        number: counted over all sources, from 0.
        source: the file.
        span: where in it.
    """

    number: int
    source: SourceFile
    span: Span


def find_sources(path: Path) -> list[SourceFile]:
    """The files to read, in the order of their names.

    Args:
        path: a file, or a folder of files of one format, at any depth; names that begin with `_` or `.` are passed
            over, as readers of data sets do.

    Raises:
        DataError: there is none, one is of a format that is not read, or there are several formats.
    """
    files = _list_files(path)
    if wrong := [file for file in files if file.suffix not in FORMATS]:
        raise DataError(f"{wrong[0]} is of no format that is read", instead=CONVERT)
    if len(formats := sorted({file.suffix for file in files})) > 1:
        raise DataError(f"{path} holds several formats: {', '.join(formats)}", instead="give each by itself")
    root = path if path.is_dir() else path.parent
    return [
        SourceFile(file.resolve(), file.relative_to(root).as_posix(), FORMATS[file.suffix].columns(file))
        for file in files
    ]


def _list_files(path: Path) -> list[Path]:
    if not path.exists():
        raise DataError(f"there is no {path}", instead=f"{CONVERT}, or a folder of such files")
    if not path.is_dir():
        return [path]
    files = [
        file
        for file in sorted(path.rglob("*"))
        if file.is_file() and not any(name.startswith(("_", ".")) for name in file.relative_to(path).parts)
    ]
    if not files:
        raise DataError(f"{path} holds no files", instead=CONVERT)
    return files


def require_features(contract: type[Contract], sources: list[SourceFile]) -> list[str]:
    """Checks that each source has each feature, and no column twice.

    Returns:
        The columns of any source that are neither a feature nor the id, in order: they are not looked at.

    Raises:
        DataError: one is not so; names the file and the columns.
    """
    features = contract.feature_names()
    extra: dict[str, None] = {}
    for source in sources:
        if missing := [name for name in features if name not in source.columns]:
            raise DataError(
                f"{source.path} has no column {', no column '.join(missing)}",
                instead=f"the contract {contract.contract_name} needs each of {', '.join(features)}",
            )
        if double := [name for name in source.columns if source.columns.count(name) > 1]:
            raise DataError(f"{source.path}: the column {double[0]!r} stands twice", instead="leave one of them")
        extra |= dict.fromkeys(name for name in source.columns if name not in {*features, contract.id_column})
    return list(extra)


def cut_into_parts(sources: list[SourceFile], part_rows: int) -> Iterator[FilePart]:
    """All parts, numbered; each of `part_rows` rows but for the last one of each source.

    Raises:
        DataError: a file cannot be read to its end.
    """
    number = 0
    for source in sources:
        for span in FORMATS[source.path.suffix].spans(source.path, part_rows):
            yield FilePart(number, source, span)
            number += 1


def read_part(part: FilePart, columns: list[str] | None = None) -> RowBlock:
    """The rows of a part.

    Args:
        part: which.
        columns: which columns; all of them, if not given.

    Raises:
        DataError: the file has changed since it was cut into parts.
    """
    path = part.source.path
    wanted = list(part.source.columns) if columns is None else columns
    try:
        table = FORMATS[path.suffix].read(path, part.span, part.source.columns, wanted)
    except (OSError, LookupError, ValueError, csv.Error, pa.ArrowException) as error:
        raise DataError(
            f"{path} cannot be read: {error}", instead="restore the file, then run the command again"
        ) from error
    if len(table.numbers) + len(table.misshapen) != part.span.rows:
        raise DataError(
            f"{path} has changed while it was read",
            instead="start anew, on a file that stays as it is",
        )
    return table
