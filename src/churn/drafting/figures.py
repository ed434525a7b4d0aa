"""What stands in each column of a CSV file, read in one pass with bounded memory.

Blanks, range and type are those of all rows. Of each column at most 10,000 distinct values are kept, and of all rows
a random sample of 50,000.
"""

import csv
import hashlib
import io
import math
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import batched
from pathlib import Path

from churn.contract.dates import day_from_text
from churn.errors import DataError
from churn.reading.recognition import (
    CSV_IN_UTF8,
    SAVE_AS_CSV,
    mark_bytes,
    read_head,
    require_commas,
    require_text,
    require_utf8,
)

MOST_DISTINCT = 10_000
SAMPLED_ROWS = 50_000
ROWS_AT_ONCE = 2_000
MOST_COLUMNS = 1_000
LONGEST_VALUE = 100  # characters of a category; what is longer is text
MOST_WORDS = 5  # of a column of numbers, what else stands there
SEED = 0

WHOLE = re.compile(r"[+-]?\d+(\.0+)?", re.ASCII)
ZEROS = re.compile(r"0\d+", re.ASCII)
_TIME = r"([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AP]M)?(Z| ?[+-]\d{2}:?\d{2})?)?"
DATE = re.compile(rf"(\d{{4}}([-/.])\d{{1,2}}\2\d{{1,2}}|\d{{1,2}}([-/.])\d{{1,2}}\3\d{{2,4}}){_TIME}", re.IGNORECASE)
MONTH = re.compile(r"\d{4}-\d{2}")


@dataclass(slots=True)
class ColumnFigures:
    """What stands in one column, over all rows."""

    name: str
    blanks: int = 0
    values: Counter[str] | None = field(default_factory=Counter)
    """Each distinct value with how often it stands there; None if there are too many, or one is too long."""
    lowest: float = math.inf
    highest: float = -math.inf
    is_whole: bool = True
    has_zeros: bool = False
    words: set[str] = field(default_factory=set)
    """Some of the values that are no numbers."""
    is_date: bool = True
    has_other_dates: bool = False
    """Whether some are written otherwise than as 2024-03-01."""
    earliest: date | None = None
    latest: date | None = None
    digest: hashlib.blake2b = field(default_factory=hashlib.blake2b)

    @property
    def is_number(self) -> bool:
        """Whether there are numbers, and nothing else."""
        return self.highest >= self.lowest and not self.words

    def add(self, cells: Sequence[str]) -> None:
        """Take further rows."""
        self.digest.update("\0".join(cells).encode())
        counts = Counter(cells)
        for blank in [cell for cell in counts if not cell.strip()]:
            self.blanks += counts.pop(blank)
        for value in counts if self.values is None else counts.keys() - self.values.keys():
            self._look_at(value.strip())
        if self.values is not None:
            self.values.update(counts)
            if len(self.values) > MOST_DISTINCT or max(map(len, counts), default=0) > LONGEST_VALUE:
                self.values = None

    def _look_at(self, value: str) -> None:
        number = number_from_text(value)
        if number is None:
            if len(self.words) < MOST_WORDS:
                self.words.add(value[:LONGEST_VALUE])
        else:
            self.lowest, self.highest = min(self.lowest, number), max(self.highest, number)
            self.is_whole &= WHOLE.fullmatch(value) is not None
            self.has_zeros |= ZEROS.fullmatch(value) is not None
        self.is_date &= (DATE.fullmatch(value) or MONTH.fullmatch(value)) is not None
        if self.is_date:
            self._look_at_date(value)

    def _look_at_date(self, value: str) -> None:
        day = day_from_text(value)
        if day is None:
            self.has_other_dates = True
        else:
            self.earliest, self.latest = min(self.earliest or day, day), max(self.latest or day, day)


@dataclass(frozen=True, slots=True)
class FileFigures:
    """What stands in a file: its columns over all rows, and a random sample of its rows."""

    rows: int
    columns: Sequence[ColumnFigures]
    sample: Sequence[Sequence[str]]


def number_from_text(text: str) -> float | None:
    """Return the number that a cell holds as the contract reads it, or None."""
    if "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def read_figures(path: Path, move: Callable[[int, int], None] = lambda *_: None) -> FileFigures:
    """Read a CSV file in UTF-8, with commas and a header. `move` gets the bytes that are read, and all.

    Raises:
        DataError: it is no such file, two columns share a name, a row has another number of cells, or no row is there.
    """
    require_text(path, read_head(path))
    if path.suffix.lower() != ".csv":
        raise DataError(f"{path} is no .csv file, and a draft is made of one", instead=SAVE_AS_CSV)
    size = path.stat().st_size
    with path.open("rb") as raw, io.TextIOWrapper(raw, "utf-8-sig", "surrogateescape", newline="") as text:
        reader = csv.reader(text, strict=True)
        try:
            header = list(map(mark_bytes, next(reader)))
            require_commas(path, header)
            _require_distinct(path, header)
            return _sum_up(header, _read_batches(path, header, reader, lambda: move(raw.tell(), size)))
        except csv.Error as error:
            raise DataError(
                f"{path} is not {CSV_IN_UTF8}, line {reader.line_num}: {error}", instead=SAVE_AS_CSV
            ) from error
        except StopIteration:
            raise DataError(f"{path} has no header", instead="give a file whose first line names the columns") from None


def _require_distinct(path: Path, header: list[str]) -> None:
    if len(header) > MOST_COLUMNS:
        raise DataError(
            f"{path} has {len(header):,} columns, and at most {MOST_COLUMNS:,} are drafted", instead="cut it"
        )
    for name, count in Counter(header).items():
        if name.strip() and count > 1:
            raise DataError(f"{path}: the column {name!r} stands {count} times", instead="leave or rename one of them")


type Batch = Sequence[Sequence[str]]


def _read_batches(
    path: Path, header: list[str], reader: Iterator[list[str]], tell: Callable[[], None]
) -> Iterator[Batch]:
    numbered = ((reader.line_num, row) for row in reader if row)  # type: ignore[attr-defined]
    for batch in batched(numbered, ROWS_AT_ONCE):
        for line, row in batch:
            if len(row) != len(header):
                raise DataError(
                    f"{path}: line {line} has {len(row)} cells, and the header has {len(header)}",
                    instead="correct that line",
                )
        require_utf8(path, header, list(batch), header)
        tell()
        yield [row for _, row in batch]


def _sum_up(header: list[str], batches: Iterator[Batch]) -> FileFigures:
    columns = [ColumnFigures(name) for name in header]
    chance = random.Random(SEED)  # noqa: S311 - no secret
    sample: list[Sequence[str]] = []
    rows = 0
    for batch in batches:
        for column, cells in zip(columns, zip(*batch, strict=True), strict=True):
            column.add(cells)
        for row in batch:
            rows += 1
            if len(sample) < SAMPLED_ROWS:
                sample.append(row)
            elif (place := chance.randrange(rows)) < SAMPLED_ROWS:
                sample[place] = row
    return FileFigures(rows, columns, sample)
