"""Where rows lie in a file, and rows that were read: what all formats have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from churn.contract.cells import text_from_cell

type Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring rows of a file.

    Args:
        first: the number of the first row; a file's rows are counted from 1, without the header.
        rows: how many.
        begin: where to begin reading: a byte of a CSV file, else a row group or record batch.
        end: where to stop, exclusive; in the same unit.
        skip: rows of the first row group or record batch that come before.
    """

    first: int
    rows: int
    begin: int
    end: int
    skip: int = 0


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Rows that were read.

    Args:
        columns: by name, each of length n; cells of a CSV file as bytes.
        numbers: int64 (n,), the row numbers within the file.
        misshapen: the cells of rows that have more or fewer of them than the header, by row number.
    """

    columns: dict[str, pa.Array]
    numbers: npt.NDArray[np.int64]
    misshapen: dict[int, list[str]] = field(default_factory=dict)

    def texts(self, positions: npt.NDArray[np.int64]) -> list[dict[str, str]]:
        """Some of the rows as a CSV file would hold them, by column."""
        chosen = pa.array(positions)
        columns = [texts_from_column(column.take(chosen)) for column in self.columns.values()]
        return [dict(zip(self.columns, cells, strict=True)) for cells in zip(*columns, strict=True)]


def texts_from_column(column: pa.Array) -> list[str]:
    """The cells of a column as a CSV file would hold them."""
    # Python's times are coarser than Arrow's and its calendar is shorter, so some have no Python value.
    cells = column.cast(pa.string()) if pa.types.is_temporal(column.type) else column
    return [text_from_cell(cell) for cell in cells.to_pylist()]


class Format(Protocol):
    """What a module that reads a format offers; all of it raises DataError for a file that is of another."""

    def columns(self, path: Path, /) -> tuple[str, ...]:
        """The names of the columns, in order."""

    def spans(self, path: Path, rows: int, /) -> Iterator[Span]:
        """Cuts the file into spans of that many rows."""

    def read(self, path: Path, span: Span, header: Sequence[str], wanted: Sequence[str], /) -> RowBlock:
        """The wanted columns of a span."""
