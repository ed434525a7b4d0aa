"""Follow a log: at each look, read what is new since the look before.

A journal grows, and at some time a segment is in its place. What was read of the journal is not read again, unless the
segment has more records. So a record may come twice, and its reader must count it once. None is left out.
"""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from arro3.core import RecordBatch

from churn.errors import DataError
from churn.prediction_log.batches import batches_from_journal, batches_from_segment
from churn.prediction_log.journal import list_journals, split_torn_line
from churn.prediction_log.lines import read_header
from churn.prediction_log.places import Places
from churn.prediction_log.segments import SegmentStore, list_segments, open_store, read_segment

PATIENCE_S = 10.0  # for one request of a bucket, since the follower has other things to do

log = logging.getLogger("churn.prediction_log")


class Position(NamedTuple):
    """The bytes and the records of a journal that were read so far."""

    bytes: int = 0
    records: int = 0


# All that a journal or its segment will ever have.
WHOLE = Position(sys.maxsize, sys.maxsize)


@dataclass(eq=False)
class LogFollower:
    """Read the log of a contract again and again.

    Args:
        since: segments that ended before this time are left out.
        wants: whether the records of a process are read, by the first line of its journal. A segment has no such line,
            so the records of any process may come.
        holding: of journals, only lines that hold these bytes are read. A segment is read as a whole.
    """

    places: Places
    since: datetime
    wants: Callable[[Mapping[str, Any]], bool] = lambda _: True
    holding: bytes = b""
    is_behind: bool = field(default=False, init=False)
    damaged: list[DataError] = field(default_factory=list, init=False)
    _store: SegmentStore | None = field(default=None, init=False)
    _read: dict[str, Position] = field(default_factory=dict, init=False)

    def read_new(self, is_enough: Callable[[], bool] = lambda: False) -> Iterator[RecordBatch]:
        """Read what is new, file by file. All records of a batch come from one process.

        Args:
            is_enough: asked before each file but the first. If it says so, the rest is left for the next look, and
                `is_behind` is true. `damaged` has an error for each segment of this look that cannot be read.

        Raises:
            OSError, ChurnError: the log cannot be read. What was read before is not read again.
        """
        self.is_behind, self.damaged = False, []
        # Journals come first: one that is closed meanwhile is found as a segment, or at the next look.
        journals = list_journals(self.places.journals)
        store = self._store = self._store or open_store(self.places.where, patience_s=PATIENCE_S)
        segments = list_segments(store, self.since)
        known = {path.stem for path in journals} | {segment.origin for segment in segments}
        self._read = {name: position for name, position in self._read.items() if name in known}
        anything = False
        for path in journals:
            if anything and is_enough():
                self.is_behind = True
                return
            for batch in self._read_journal(path):
                anything = True
                yield batch
        for segment in segments:
            if self._read.get(segment.origin, Position()).records >= segment.records:
                continue
            if anything and is_enough():
                self.is_behind = True
                return
            try:
                content = read_segment(store, segment)
            except DataError as error:
                self.damaged.append(error)
                continue
            yield from batches_from_segment(content)
            anything = True
            self._read[segment.origin] = Position(sys.maxsize, segment.records)

    def _read_journal(self, path: Path) -> Iterator[RecordBatch]:
        """Read the lines of a journal that came since it was read last, without damaged ones."""
        before = self._read.get(path.stem, Position())
        try:
            with path.open("rb") as file:
                first = file.readline()
                if before is WHOLE or not first.endswith(b"\n"):
                    return
                file.seek(max(before.bytes, len(first)))
                lines, _ = split_torn_line(file.read())
        except FileNotFoundError:  # closed meanwhile
            return
        if not self._is_wanted(first):
            self._read[path.stem] = WHOLE
            return
        records, damaged = 0, list[bytes]()
        for batch in batches_from_journal(first + lines, holding=self.holding, damaged=damaged):
            records += batch.num_rows
            yield batch
        if damaged:
            log.warning("%d lines of the journal %s cannot be read, and are left out", len(damaged), path.stem)
        self._read[path.stem] = Position(max(before.bytes, len(first)) + len(lines), before.records + records)

    def _is_wanted(self, first: bytes) -> bool:
        try:
            return self.wants(read_header(first))
        except ValueError:  # nobody can read this journal; its lines are set aside when it is closed
            return False
