"""Reading a training file: every row goes through the contract, and a file with any bad row is refused whole."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from churn.contract.cells import BLANK, read_cells, text_from_boolean
from churn.contract.date_specs import DateSpec
from churn.contract.declaration import Contract, Rows
from churn.contract.features import FeatureSpec
from churn.errors import DataError
from churn.reading import arrow_rows
from churn.reading.days import choose_as_of
from churn.reading.recognition import find_unread, recognise, require_plain_names
from churn.reading.whole import read_bytes, read_csv
from churn.training.cell_counts import CellCounts
from churn.training.folds import SEED, count_needed
from churn.training.groups import Groups, find_strata, group_rows
from churn.training.holdout import Split, get_holdout_key, split_rows

FIRST_LINES = 5
FILE = "(file)"


@dataclass(frozen=True, slots=True)
class DataProblem:
    """What one check found in one column.

    Args:
        lines: the first line numbers (in a Parquet file rows, from 1); none for a problem of the whole file.
    """

    column: str
    check: str
    count: int
    lines: tuple[int, ...] = ()


class InvalidData(DataError):  # noqa: N818 - a kind of DataError, named for what it says
    """A file that was read but does not hold what its contract says, with everything that is wrong with it."""

    def __init__(self, path: Path, contract: type[Contract], problems: list[DataProblem]) -> None:
        count = sum(problem.count for problem in problems)
        super().__init__(
            f"{path} does not follow the contract {contract.contract_name}: {count} problem{'s' * (count != 1)}, "
            "nothing was used",
            instead="correct the lines in the table and try again; docs/contract.md says what each column may hold",
        )
        self.problems = problems


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A valid file.

    Args:
        version: what the data is called.
        sha256: of the file's bytes.
        columns: one array of valid values per feature, each of length n.
        rows: float32 (n, features), encoded.
        labels: int8 (n,), 1 for those who left.
        ids: of the subscribers, as the file has them; never kept. None if the file has no column of ids.
        unread: columns that the contract does not name.
        counts: of blanks and of other categories.
        as_of: the day to which dates are counted, or the column that says it; None if there are none.
    """

    version: str
    sha256: str
    columns: Mapping[str, npt.NDArray[Any]]
    rows: Rows
    labels: npt.NDArray[np.int8]
    ids: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    counts: CellCounts | None = None
    as_of: str | None = None

    def group(self) -> Groups:
        """Group rows of one id, and identical rows."""
        return group_rows(self.ids, self.rows)

    def split(self, contract: type[Contract]) -> Split:
        """Split the rows into those to train on and the holdout; the same file always has the same one."""
        return split_rows(get_holdout_key(contract), self.group(), self.ids, self.rows, self.labels)


def read_training_data(
    contract: type[Contract],
    path: Path,
    *,
    version: str | None = None,
    strict: bool = False,
    as_of: date | None = None,
) -> TrainingData:
    """Read and validate a `.csv` (UTF-8, with a header) or `.parquet` file: an id, the contract's features, a label.

    Args:
        version: what the data is called; the file's name and the start of its hash if not given.
        strict: refuse columns that the contract does not name.
        as_of: the day to which dates are counted; what the file or the contract says if not given.

    Raises:
        DataError: the file cannot be read, or has too few subscribers.
        InvalidData: not all of it is valid; lists each column and check with the first line numbers.
    """
    content = read_bytes(path)
    sha256 = hashlib.sha256(content).hexdigest()
    wanted = [contract.id_column, *contract.columns(), contract.label_column]
    header, rows = read_rows(path, content, wanted)
    unread = find_unread(path, header, wanted, strict=strict)
    counts = CellCounts(contract)
    counted_to = choose_as_of(contract, path, header, as_of)
    subscribers, labels, ids = _validate(contract, path, header, rows, counts, as_of=as_of)
    data = TrainingData(
        version=version or f"{path.stem}@{sha256[:12]}",
        sha256=sha256,
        columns={
            name: np.array([getattr(subscriber, name) for subscriber in subscribers])
            for name in contract.feature_names()
        },
        rows=np.array([subscriber.encode() for subscriber in subscribers], dtype=np.float32),
        labels=np.array(labels, dtype=np.int8),
        ids=ids,
        unread=tuple(unread),
        counts=counts,
        as_of=counted_to,
    )
    _require_enough(contract, path, data)
    return data


# Cells as text with the line they stand in: a Parquet file's are written out, so that one way of reading serves both.
type Numbered = Iterable[tuple[int, list[str]]]


def read_rows(path: Path, content: bytes, wanted: list[str]) -> tuple[list[str], Numbered]:
    """Read the content of a `.csv` or `.parquet` file: the names of its columns, and its rows.

    Raises:
        DataError: it is neither, or cannot be read.
    """
    header: list[str]
    rows: Numbered
    if arrow_rows.is_parquet(path):
        header, rows = arrow_rows.read_whole(path, content, wanted)
    elif path.suffix.lower() == ".csv":
        header, rows = read_csv(path, content, wanted)
    else:
        kind = recognise(content)
        raise DataError(
            f"{path} is {f'{kind.what}, ' if kind else ''}neither .csv nor .parquet",
            instead=kind.instead if kind else "convert the file to one of these",
        )
    require_plain_names(path, header, wanted)
    return header, rows


def _require_enough(contract: type[Contract], path: Path, data: TrainingData) -> None:
    """Raise DataError unless the holdout, and each fold that compares and tunes, gets both labels."""
    groups = data.group().numbers
    if needed := count_needed(data.labels, groups, SEED):
        stayed, left = np.bincount(find_strata(data.labels, groups)[1], minlength=2).tolist()
        once = "" if stayed + left == len(data.labels) else ", where identical rows and rows of one id count once"
        raise DataError(
            f"{path} has {stayed:,} subscribers who stayed and {left:,} who left ({contract.label_column}){once}: "
            f"to train and to tune needs at least {needed:,} of each",
            instead="give a file with more subscribers",
        )


class ProblemCollector:
    """Problems as they are found, grouped by column and check in the order of first appearance."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], list[int]] = {}

    def add(self, column: str, check: str, line: int) -> None:
        """Note a problem."""
        self._lines.setdefault((column, check), []).append(line)

    def problems(self) -> list[DataProblem]:
        """Return what was noted."""
        return [
            DataProblem(column, check, len(lines), tuple(lines[:FIRST_LINES]))
            for (column, check), lines in self._lines.items()
        ]


def check_cells(header: list[str], cells: list[str], line: int, collector: ProblemCollector) -> bool:
    """Say whether a row has a cell for each column, and note it if not."""
    if len(cells) != len(header):
        collector.add(FILE, f"not {len(header)} cells in the row", line)
        return False
    return True


def _validate(
    contract: type[Contract],
    path: Path,
    header: list[str],
    rows: Numbered,
    counts: CellCounts,
    *,
    as_of: date | None,
) -> tuple[list[Contract], list[int], tuple[str, ...]]:
    if wrong := list(_check_header(contract, header)):
        raise InvalidData(path, contract, wrong)
    collector = ProblemCollector()
    subscribers: list[Contract] = []
    labels: list[int] = []
    ids: list[str] = []
    for line, cells in rows:
        if not check_cells(header, cells, line, collector):
            continue
        row = dict(zip(header, cells, strict=True))
        label = _read_label(contract, row.pop(contract.label_column))
        if contract.id_column in row:
            ids.append(row.pop(contract.id_column).strip())
            if not ids[-1]:
                collector.add(contract.id_column, BLANK, line)
        if label not in contract.label_values:
            collector.add(contract.label_column, f"neither {' nor '.join(contract.label_values)}", line)
        else:
            labels.append(contract.label_values.index(label))
        subscriber = read_subscriber(contract, row, line, collector, as_of)
        if subscriber is not None:
            subscribers.append(subscriber)
            counts.add(row)
    if problems := collector.problems():
        raise InvalidData(path, contract, problems)
    if len(set(labels)) == 1:
        raise InvalidData(
            path, contract, [DataProblem(contract.label_column, "only one value in the file", len(labels))]
        )
    return subscribers, labels, tuple(ids)


def find_missing(contract: type[Contract], wanted: Sequence[str], header: Sequence[str]) -> Iterator[DataProblem]:
    """Yield each wanted column that is missing, and each that says what another says too.

    A feature may stand under an earlier name. If it has a default, it may be absent. All features of a date may stand
    in its place.
    """
    may_lack = {spec.name for spec in contract.features if spec.default is not None}
    may_lack |= {spec.name for spec in contract.inputs if spec.find_names(header)}
    for column in wanted:
        if column not in header and column not in may_lack:
            yield DataProblem(column, "missing column", 1)
    specs: list[FeatureSpec | DateSpec] = [*contract.features, *contract.dates]
    for names in (spec.find_names(header) for spec in specs):
        for name in names[1:]:
            yield DataProblem(name, f"earlier name of {names[0]}, which is there too", 1)
    for date_spec in contract.dates:
        for name in date_spec.find_features(header) if date_spec.find_names(header) else ():
            yield DataProblem(name, f"derived from {date_spec.name}, which is there too", 1)


def _read_label(contract: type[Contract], cell: str) -> str:
    """Return the cell without spaces; the text of a boolean as 0 or 1, if labels are written so."""
    text = text_from_boolean(cell)
    numbers = {"false": "0", "true": "1"}
    return numbers.get(text.lower(), text) if set(contract.label_values) == set(numbers.values()) else text


def _check_header(contract: type[Contract], header: list[str]) -> Iterator[DataProblem]:
    expected = [contract.id_column, *contract.columns(), contract.label_column]
    yield from find_missing(contract, [*contract.needed_columns(header), contract.label_column], header)
    for column in dict.fromkeys(expected):
        if header.count(column) > 1:
            yield DataProblem(column, "column stands twice", header.count(column))


def read_subscriber(
    contract: type[Contract], row: dict[str, str], line: int, collector: ProblemCollector, as_of: date | None = None
) -> Contract | None:
    """Read a row as a valid subscriber; on problems note all of them and return None."""
    read = read_cells(contract, row, as_of)
    if not isinstance(read, list):
        return read
    for bad in read:
        collector.add(bad.column, bad.check, line)
    return None
