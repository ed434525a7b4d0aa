"""The pairs of the prediction log, block by block: from closed segments and from journals that are not closed yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow.parquet import ParquetFile

from churn.contract.declaration import Contract
from churn.model.pairs import Numbers, Side
from churn.prediction_log.journal import journals_in, whole_lines
from churn.prediction_log.places import Places
from churn.prediction_log.record import CHALLENGER_CONTRIBUTION, CONTRIBUTION, FEATURE
from churn.prediction_log.segments import segment_content
from churn.prediction_log.stores import Segment, open_store, read_segment, segments_of
from churn.shadow.tally import Block, Tally

NAMES = ("model_version", "bundle_sha256", "challenger_version", "challenger_bundle_sha256")
ROWS = 65_536
EVER = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))

type Range = tuple[datetime, datetime]


class Bundles(NamedTuple):
    """Which two bundles answered."""

    champion: str
    champion_sha256: str
    challenger: str
    challenger_sha256: str

    def __str__(self) -> str:
        """Both versions, and what tells apart bundles of one version."""
        return (
            f"{self.champion} ({self.champion_sha256[:8]}) and challenger {self.challenger} "
            f"({self.challenger_sha256[:8]})"
        )


def read_pairs(
    places: Places,
    contract: type[Contract],
    *,
    during: Range = EVER,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> dict[Bundles, Tally]:
    """What the log has of each two bundles that answered the same.

    Args:
        places: of the log.
        contract: whose.
        during: only records of this time.
        progress: told (done, total) files.

    Raises:
        DataError: a segment is damaged; names it.
        OSError: a folder cannot be read.
        ChurnError: the object store cannot be used.
    """
    tallies: dict[Bundles, Tally] = {}
    columns = _columns(contract)
    for content in _files(places, during, progress):
        file = ParquetFile(pa.BufferReader(content))
        if set(columns) <= set(file.schema_arrow.names):  # segments of other versions of the contract or the log differ
            for rows in file.iter_batches(ROWS, columns=columns):
                _add(tallies, rows, contract, during)
    return tallies


def choose(tallies: dict[Bundles, Tally], champion: str | None, challenger: str | None) -> Bundles | None:
    """The two bundles that are asked for; of several, those that answered last."""

    def meant(asked: str | None, version: str, sha256: str) -> bool:
        return asked is None or asked == version or sha256.startswith(asked)

    fitting = [
        each
        for each in tallies
        if tallies[each].last_us is not None
        and meant(champion, each.champion, each.champion_sha256)
        and meant(challenger, each.challenger, each.challenger_sha256)
    ]
    return max(fitting, key=lambda each: tallies[each].last_us or 0, default=None)


def _files(places: Places, during: Range, progress: Callable[[int, int], None]) -> Iterator[bytes]:
    """Journals first: one that is closed meanwhile becomes a segment, which bears its name and is not read again."""
    journals = journals_in(places.journals)
    store = open_store(places.where)
    read = set()
    for path in journals:
        try:
            lines, _ = whole_lines(path.read_bytes())
        except FileNotFoundError:
            continue
        read.add(path.stem)
        if content := segment_content(lines):
            yield content.parquet
    segments = [each for each in segments_of(store) if each.origin not in read and _overlaps(each, during)]
    for done, segment in enumerate(segments, 1):
        yield read_segment(store, segment)
        progress(done, len(segments))


def _overlaps(segment: Segment, during: Range) -> bool:
    return segment.first < during[1] and segment.last >= during[0]


def _columns(contract: type[Contract]) -> list[str]:
    prefixes = (FEATURE, CONTRIBUTION, CHALLENGER_CONTRIBUTION)
    numbers = [prefix + name for prefix in prefixes for name in contract.feature_names()]
    return ["time", "threshold", "probability", "challenger_probability", *NAMES, *numbers]


def _add(tallies: dict[Bundles, Tally], rows: pa.RecordBatch, contract: type[Contract], during: Range) -> None:
    # All records of a segment are of one process, which has one champion and one challenger.
    answered_by: list[Any] = [rows.column(name)[0].as_py() for name in NAMES] if rows.num_rows else [None]
    if None in answered_by:
        return
    tally = tallies.setdefault(Bundles(*answered_by), Tally(contract))
    times = rows.column("time").cast(pa.int64()).to_numpy()
    chosen = (times >= _us(during[0])) & (times < _us(during[1]))
    if not chosen.any():
        return
    tally.saw(int(times[chosen].min()), int(times[chosen].max()))
    paired = chosen & rows.column("challenger_probability").is_valid().to_numpy(zero_copy_only=False)
    tally.unpaired += int((chosen & ~paired).sum())
    if paired.any():
        tally.add(_block(rows, contract.feature_names(), paired))


def _block(rows: pa.RecordBatch, features: list[str], chosen: np.ndarray) -> Block:
    def numbers(name: str) -> Numbers:
        found: Numbers = rows.column(name).to_numpy(zero_copy_only=False)[chosen]
        return found

    def each(prefix: str) -> Numbers:
        return np.column_stack([numbers(prefix + name) for name in features])

    return Block(
        each(FEATURE),
        numbers("threshold"),
        Side(numbers("probability"), each(CONTRIBUTION)),
        Side(numbers("challenger_probability"), each(CHALLENGER_CONTRIBUTION)),
    )


def _us(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000
