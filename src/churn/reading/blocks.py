"""Where rows lie in a file, rows that were read, and what every format offers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from churn.contract.cells import text_from_cell

UNREADABLE = "(unreadable)"
# What Arrow raises of a cell that Python cannot show: text that is not UTF-8, a time out of range, an unknown zone.
UNSHOWN = (pa.ArrowException, ValueError, LookupError, TypeError, OverflowError, AttributeError)

type Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring rows of a file. `begin` and `end` are bytes in a CSV file, else row groups or record batches."""

    first: int  # the number of the first row, counted from 1 without the header
    rows: int
    begin: int
    end: int  # exclusive
    skip: int = 0  # earlier rows in the first row group or record batch


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Hold n rows that were read. Rows with too many or too few cells stand apart."""

    columns: dict[str, pa.Array]  # each of length n; cells of a CSV file are bytes
    numbers: npt.NDArray[np.int64]  # (n,), the row numbers in the file
    misshapen: dict[int, list[str]] = field(default_factory=dict)  # row number -> cells

    def texts(self, positions: npt.NDArray[np.int64]) -> list[dict[str, str]]:
        """Return the rows at these positions, as a CSV file would hold them."""
        columns = [_texts_at(column, positions) for column in self.columns.values()]
        return [dict(zip(self.columns, cells, strict=True)) for cells in zip(*columns, strict=True)]


def texts_from_column(column: pa.Array) -> list[str]:
    """Return a column's cells as a CSV file would hold them. A mark stands for a cell that cannot be shown."""
    try:
        # Some Arrow times have no Python value: Python's times are coarser, and its calendar is shorter.
        cells = column.cast(pa.string()) if pa.types.is_temporal(column.type) else column
        return [text_from_cell(cell) for cell in cells.to_pylist()]
    except UNSHOWN:
        return [_text_at(column, at) for at in range(len(column))]


def _texts_at(column: pa.Array, positions: npt.NDArray[np.int64]) -> list[str]:
    try:
        return texts_from_column(column.take(pa.array(positions)))
    except pa.ArrowException:  # Arrow cannot take of every type
        return [_text_at(column, at) for at in positions.tolist()]


def _text_at(column: pa.Array, at: int) -> str:
    try:
        return text_from_cell(column[at].as_py())
    except UNSHOWN:
        return UNREADABLE


class Format(Protocol):
    """Read one file format. Every method raises DataError for a file of another format."""

    def columns(self, path: Path, /) -> tuple[str, ...]:
        """Return the column names in order."""

    def spans(self, path: Path, rows: int, /) -> Iterator[Span]:
        """Cut the file into spans of that many rows."""

    def read(self, path: Path, span: Span, header: Sequence[str], wanted: Sequence[str], /) -> RowBlock:
        """Read the wanted columns of a span."""
