"""Find the files to read, check their columns, and cut them into parts."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from churn.contract.date_specs import DateSpec
from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.errors import DataError
from churn.reading import arrow_rows, csv_rows
from churn.reading.blocks import Format, RowBlock, Span
from churn.reading.recognition import find_unread, read_head, recognise, require_plain_names

FORMATS: dict[str, Format] = {".csv": csv_rows, ".parquet": arrow_rows, ".arrow": arrow_rows, ".feather": arrow_rows}
LEAVE_ONE = "leave one of them"
CONVERT = f"give files that end in {', '.join(FORMATS)}"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of the input."""

    path: Path
    name: str  # in answers and rejects: the path below the folder that is read
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FilePart:
    """Some rows of one source."""

    number: int  # counted over all sources, from 0
    source: SourceFile
    span: Span


def find_sources(path: Path) -> list[SourceFile]:
    """List a file, or the files of one format at any depth of a folder, by name.

    Skip names that begin with `_` or `.`, as readers of data sets do. No file, an unknown format or several formats
    raise DataError.
    """
    files = _list_files(path)
    for file in files:
        if _suffix(file) not in FORMATS:
            kind = recognise(read_head(file))
            what = f", it is {kind.what}" if kind else ""
            raise DataError(f"{file} is of no format that is read{what}", instead=kind.instead if kind else CONVERT)
    if len(formats := sorted({_suffix(file) for file in files})) > 1:
        raise DataError(f"{path} holds several formats: {', '.join(formats)}", instead="give each by itself")
    root = path if path.is_dir() else path.parent
    return [
        SourceFile(file.resolve(), file.relative_to(root).as_posix(), FORMATS[_suffix(file)].columns(file))
        for file in files
    ]


def _suffix(path: Path) -> str:
    return path.suffix.lower()


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


def require_features(contract: type[Contract], sources: list[SourceFile], *, strict: bool = False) -> list[str]:
    """Raise DataError unless each source has each feature that is required, none twice, no id twice, all in UTF-8.

    Return the columns that are neither a feature nor the id: nobody reads them. `strict` refuses them.
    """
    wanted = [*contract.columns(), contract.id_column]
    specs: list[FeatureSpec | DateSpec] = [*contract.features, *contract.dates]
    required = {spec.name for spec in specs if spec.is_required}
    extra: dict[str, None] = {}
    for source in sources:
        require_plain_names(source.path, source.columns, wanted)
        found = {spec.name: spec.find_names(source.columns) for spec in specs}
        can_lack = any(found.values())
        needed = contract.needed_columns(source.columns)
        if missing := [name for name in needed if not found[name] and (name in required or not can_lack)]:
            raise DataError(
                f"{source.path} has no column {', no column '.join(missing)}",
                instead=f"the contract {contract.contract_name} needs each of {', '.join(contract.input_names())}",
            )
        if both := next((names for names in found.values() if len(names) > 1), None):
            raise DataError(f"{source.path} has the column {both[0]} and its earlier name {both[1]}", instead=LEAVE_ONE)
        for spec in contract.dates:
            if found[spec.name] and (derived := spec.find_features(source.columns)):
                raise DataError(
                    f"{source.path} has the column {found[spec.name][0]}, and {derived[0]}, which is derived from it",
                    instead=LEAVE_ONE,
                )
        if double := [name for name in wanted if source.columns.count(name) > 1]:
            raise DataError(f"{source.path}: the column {double[0]!r} stands twice", instead=LEAVE_ONE)
        if _format(source) is csv_rows:
            csv_rows.require_utf8_cells(source.path, source.columns, wanted)
        extra |= dict.fromkeys(find_unread(source.path, source.columns, wanted, strict=strict))
    return list(extra)


def describe_absent(contract: type[Contract], sources: list[SourceFile]) -> Iterator[str]:
    """Say of each feature that may be absent, and has no column in some source, what its values are taken for."""
    for spec in contract.inputs:
        names = [spec.name] if isinstance(spec, FeatureSpec) else [feature.name for feature in spec.features]
        if not all(spec.find_names(source.columns) or set(names) <= {*source.columns} for source in sources):
            meaning = (
                f"taken as {spec.default}"
                if isinstance(spec, FeatureSpec) and spec.default is not None
                else "not known"
            )
            yield f"there is no column {spec.name}: its values are {meaning}"


def find_columns(contract: type[Contract], columns: Sequence[str]) -> list[str]:
    """Return those of a source's columns in which features stand, or dates, or the day that these count to."""
    features = [name for spec in contract.features for name in spec.find_names(columns)]
    dates = [name for spec in contract.dates for name in spec.find_names(columns)]
    as_of = [contract.as_of_column] if dates and contract.as_of_column in columns and contract.as_of_column else []
    return [*features, *dates, *as_of]


def cut_into_parts(sources: list[SourceFile], part_rows: int) -> Iterator[FilePart]:
    """Number parts of `part_rows` rows. The last part of each source may be smaller. No row at all raises DataError."""
    spans = ((source, span) for source in sources for span in _format(source).spans(source.path, part_rows))
    number = -1
    for number, (source, span) in enumerate(spans):
        yield FilePart(number, source, span)
    if number < 0:
        where = sources[0].path if len(sources) == 1 else f"{sources[0].path} and {len(sources) - 1} more"
        raise DataError(f"{where} holds no rows below a header", instead="give a file with data")


def _format(source: SourceFile) -> Format:
    return FORMATS[_suffix(source.path)]


def read_part(part: FilePart, columns: list[str] | None = None) -> RowBlock:
    """Read these columns of a part, or all. A file that has changed since it was cut raises DataError."""
    path = part.source.path
    wanted = list(part.source.columns) if columns is None else columns
    try:
        table = _format(part.source).read(path, part.span, part.source.columns, wanted)
    except (*arrow_rows.DAMAGE, csv.Error) as error:
        raise DataError(
            f"{path} cannot be read: {error}", instead="restore the file, then run the command again"
        ) from error
    if len(table.numbers) + len(table.misshapen) != part.span.rows:
        raise DataError(f"{path} has changed while it was read", instead="start anew, on a file that stays as it is")
    return table
