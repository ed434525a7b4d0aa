"""From a data file to a draft: the fields, what is left out, and what is to know of each column."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from churn.contract.cells import text_from_boolean
from churn.drafting.dates import choose_as_of, numbers_from_dates
from churn.drafting.figures import ColumnFigures, FileFigures, read_figures
from churn.drafting.kinds import Column, DraftField, Finding, decide_kind, find_oddities
from churn.drafting.label import Label, read_label
from churn.drafting.leaks import count_identical, measure_auc
from churn.drafting.naming import choose_labels, choose_names
from churn.errors import DataError
from churn.reading.recognition import is_nameless

LEAKING_AUC = 0.95  # a column that alone reaches it is left out
FILE = "(file)"


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft of a contract, and the report on its file."""

    name: str
    file: str
    rows: int
    sampled_rows: int
    id_column: str
    label_column: str
    label: Label
    as_of: date | None
    fields: tuple[DraftField, ...]
    left_out: tuple[Finding, ...]
    findings: tuple[Finding, ...]


def make_draft(
    path: Path,
    name: str,
    *,
    id_column: str,
    label_column: str,
    left: str | None = None,
    as_of: date | None = None,
    move: Callable[[int, int], None] = lambda *_: None,
) -> Draft:
    """Draft a contract of this name from a CSV file.

    Args:
        left: the label's value that says that somebody left; the rarer one if not given.
        as_of: the day to which dates are counted; the latest date of the file, up to today, if not given.
        move: gets the bytes that are read, and all.

    Raises:
        DataError: the file cannot be read, a column is not there, or the label has no two values.
    """
    figures = read_figures(path, move)
    by_name = {column.name: place for place, column in enumerate(figures.columns)}
    for option, column in (("--id", id_column), ("--label", label_column)):
        if column not in by_name:
            raise DataError(
                f"{path} has no column {column!r}",
                instead=f"give to {option} one of {', '.join(filter(None, by_name))}",
            )
    if id_column == label_column:
        raise DataError(f"{id_column!r} cannot be both id and label", instead="give two columns")
    if not figures.rows:
        raise DataError(f"{path} holds no rows below a header", instead="give a file with data")
    label = read_label(figures.columns[by_name[label_column]], left)
    others = [column.name for column in figures.columns if column.name not in {id_column, label_column}]
    as_of = as_of or choose_as_of((figures.columns[by_name[name]] for name in others), datetime.now(UTC).date())
    fields, left_out, findings = _sort_columns(
        figures, [name for name in others if not is_nameless(name)], label, label_column, as_of
    )
    if nameless := len(others) - sum(not is_nameless(name) for name in others):
        left_out.append(Finding("", "no name", f"{nameless} columns, such as an index", "save without it"))
    findings += _find_in_rows(figures, by_name[id_column])
    return Draft(
        name=name,
        file=path.name,
        rows=figures.rows,
        sampled_rows=len(figures.sample),
        id_column=id_column,
        label_column=label_column,
        label=label,
        as_of=as_of if any(field.date for field in fields) else None,
        fields=tuple(fields),
        left_out=tuple(left_out),
        findings=tuple(findings),
    )


def _sort_columns(
    figures: FileFigures, wanted: Sequence[str], label: Label, label_column: str, as_of: date | None
) -> tuple[list[DraftField], list[Finding], list[Finding]]:
    """Return the fields, the columns that are left out, and what is to know of the fields."""
    names, labels = choose_names(wanted), choose_labels(wanted)
    cells_of = {
        column.name: cells for column, cells in zip(figures.columns, zip(*figures.sample, strict=True), strict=True)
    }
    has_left = np.array([text_from_boolean(cell) == label.left for cell in cells_of[label_column]])
    fields: list[DraftField] = []
    left_out: list[Finding] = []
    findings: list[Finding] = []
    first_of: dict[bytes, str] = {}
    for column_figures in figures.columns:
        name = column_figures.name
        if name not in names:
            continue
        others = {other for wanted_name, other in names.items() if wanted_name != name}
        column = Column(column_figures, cells_of[name], names[name], labels[name], figures.rows, as_of)
        decided = decide_kind(column)
        if isinstance(decided, DraftField):
            decided = _find_double(column_figures, first_of) or _find_leak(decided, column, has_left) or decided
        if isinstance(decided, Finding):
            left_out.append(decided)
            continue
        while decided.name in others:
            decided = replace(decided, name=f"{decided.name}_")
        fields.append(decided)
        findings += find_oddities(decided, column)
        if decided.name_in_files != decided.column:
            detail = f"the field is {decided.name_in_files}"
            findings.append(Finding(decided.column, "renamed", detail, "nothing: files may have either name"))
    return fields, left_out, findings


def _find_double(figures: ColumnFigures, first_of: dict[bytes, str]) -> Finding | None:
    first = first_of.setdefault(figures.digest.digest(), figures.name)
    if first == figures.name:
        return None
    return Finding(figures.name, "duplicate", f"the same as {first} in each row", "nothing: one of them is enough")


def _find_leak(field: DraftField, column: Column, has_left: npt.NDArray[np.bool_]) -> Finding | None:
    cells = numbers_from_dates(column.cells) if field.date else column.cells
    auc = measure_auc(cells, has_left, is_number=field.kind in {"integer", "number"})
    if auc is None or auc < LEAKING_AUC:
        return None
    return Finding(
        field.column,
        "tells the label",
        f"alone it has an AUC of {auc:.3f}; the limit is {LEAKING_AUC}",
        "nothing if it is known only once somebody left; otherwise declare it yourself",
    )


def _find_in_rows(figures: FileFigures, id_place: int) -> Iterator[Finding]:
    ids = figures.columns[id_place]
    some = "" if len(figures.sample) == figures.rows else f" in a sample of {len(figures.sample):,}"
    if ids.blanks:
        yield Finding(ids.name, "blank id", f"{ids.blanks:,} rows", "give each row an id: training refuses the file")
    known = [row[id_place].strip() for row in figures.sample if row[id_place].strip()]
    if double := len(known) - len(set(known)):
        yield Finding(
            ids.name, "duplicate id", f"{double:,} rows{some}", "leave one row of each: training refuses the file"
        )
    if identical := count_identical(figures.sample, id_place):
        yield Finding(
            FILE, "identical rows", f"{identical:,} rows are as an earlier one but for the id{some}",
            "see whether somebody stands there twice; figures would be too good",
        )  # fmt: skip
