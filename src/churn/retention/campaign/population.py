"""A file of subscribers in, those who see a banner out: predicted, with the reasons that they are shown."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from churn.answers import CustomerReason
from churn.clocks import find_today
from churn.contract.cells import read_cells
from churn.contract.declaration import Contract
from churn.model.model import ChurnModel, Prediction
from churn.reading.sources import FilePart, cut_into_parts, find_columns, find_sources, read_part, require_features
from churn.retention.banner import find_adjust
from churn.retention.offers.policy import Policy
from churn.retention.offers.selection import Adjust

ROWS_AT_ONCE = 5_000
FIRST_ROWS = 5
WHOLE_ROW = "(row)"

type ReasonsOf = Callable[[Contract, Prediction], Sequence[CustomerReason]]


class BannerSubscriber(NamedTuple):
    """A subscriber who sees a banner, with the probability and the reasons as shown. The key is the id in the file.

    `find_adjust` gives what the bundle's uplift adjusts under a policy; None where none decides.
    """

    key: str | None
    subscriber: Contract
    probability: float
    reasons: Sequence[CustomerReason]
    find_adjust: Callable[[Policy], Adjust | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class InvalidRows:
    """Rows that one check refused in one column, and where the first of them stand, such as `rows.csv row 3`.

    A row with several bad cells counts in each of their columns.
    """

    column: str
    check: str
    count: int
    first: tuple[str, ...]


@dataclass(slots=True)
class Census:
    """What the file held, once it was read. It has keys if there is an id column."""

    rows: int = 0
    invalid_rows: int = 0
    has_keys: bool = True
    _places: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def refuse(self, place: str, checks: Sequence[tuple[str, str]]) -> None:
        """Count a row that is no valid subscriber, with each (column, check) that refused it."""
        self.invalid_rows += 1
        for check in checks:
            self._places.setdefault(check, []).append(place)

    def invalid(self) -> list[InvalidRows]:
        """List what was wrong, in the order of first appearance."""
        return [
            InvalidRows(column, check, len(places), tuple(places[:FIRST_ROWS]))
            for (column, check), places in self._places.items()
        ]


def find_banner_subscribers(
    path: Path,
    model: ChurnModel,
    reasons_of: ReasonsOf,
    census: Census,
    *,
    threshold: float,
    rows_at_once: int = ROWS_AT_ONCE,
    today: date | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Iterator[BannerSubscriber]:
    """Read a file or a folder of files as `churn score` does, and predict, in the order of the rows.

    The banner, with the reasons of `reasons_of`, is shown above the threshold, a probability. `census` is filled in on
    the way. `progress` gets rows done and rows in all. Dates are counted to `today`, the day
    in UTC if not given, where no column says another.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    batches = read_subscribers(path, model.contract, census, rows_at_once=rows_at_once, today=today, progress=progress)
    for subscribers in batches:
        predictions = model.predict([subscriber for _, subscriber in subscribers]) if subscribers else []
        for (key, subscriber), prediction in zip(subscribers, predictions, strict=True):
            if prediction.probability > threshold:
                reasons = reasons_of(subscriber, prediction)
                adjust = partial(find_adjust, model, prediction=prediction)
                yield BannerSubscriber(key, subscriber, prediction.probability, reasons, adjust)


def read_subscribers(
    path: Path,
    contract: type[Contract],
    census: Census,
    *,
    rows_at_once: int = ROWS_AT_ONCE,
    today: date | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Iterator[list[tuple[str | None, Contract]]]:
    """Read the valid rows of a file or a folder of files, some thousand at once, each with its key if it has one.

    Raises:
        DataError: the file cannot be read, or lacks a column.
    """
    sources = find_sources(path)
    require_features(contract, sources)
    census.has_keys = all(contract.id_column in source.columns for source in sources)
    parts = list(cut_into_parts(sources, rows_at_once))
    total = sum(part.span.rows for part in parts)
    for part in parts:
        yield _subscribers(contract, part, census, today or find_today())
        census.rows += part.span.rows
        progress(census.rows, total)


def _subscribers(
    contract: type[Contract], part: FilePart, census: Census, today: date
) -> list[tuple[str | None, Contract]]:
    """Return the valid rows of a part with their keys."""
    id_column = contract.id_column
    columns = part.source.columns
    wanted = [*([id_column] if id_column in columns else []), *find_columns(contract, columns)]
    table = read_part(part, wanted)
    subscribers: list[tuple[str | None, Contract]] = []
    texts = table.texts(np.arange(len(table.numbers))) if len(table.numbers) else []
    for number, cells in zip(table.numbers.tolist(), texts, strict=True):
        read_row = read_cells(contract, cells, today)
        if isinstance(read_row, list):
            census.refuse(f"{part.source.name} row {number}", [(bad.column, bad.check) for bad in read_row])
        else:
            subscribers.append((cells.get(id_column, "").strip() or None, read_row))
    for number, row in table.misshapen.items():
        check = f"{len(row)} cells instead of {len(part.source.columns)}"
        census.refuse(f"{part.source.name} row {number}", [(WHOLE_ROW, check)])
    return subscribers
