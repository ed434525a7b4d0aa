"""The one reader of the log: journals first, then segments, each record once.

A journal may be closed while we read: it goes, and a segment with its name appears. So segments are listed after the
journals were read, and a segment is left out if its journal was read.

A damaged segment ends nothing where the caller gives a list `damaged`: its error is added, and all others are read.
The caller then says that something is left out. Without a list the error is raised.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import nlargest

import numpy as np
from arro3.core import RecordBatch

from churn.errors import ChurnError, DataError
from churn.prediction_log.batches import (
    batches_from_journal,
    batches_from_segment,
    numbers_from_batch,
    rows_from_batch,
    take_rows,
    us_from_time,
    values_from_batch,
)
from churn.prediction_log.ids import PREDICTION_ID, time_from_id
from churn.prediction_log.journal import list_journals, split_torn_line
from churn.prediction_log.places import Places
from churn.prediction_log.policies import name_policy
from churn.prediction_log.record import Record
from churn.prediction_log.segments import Progress, Segment, list_segments, open_store, read_segment

# Between making an id and noting its record. If the clock is set meanwhile, the segment's own range covers it.
SLACK = timedelta(seconds=2)
EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, tzinfo=UTC)

log = logging.getLogger("churn.prediction_log")


@dataclass(frozen=True, slots=True)
class LogFile:
    """A journal, or a segment under the name of the journal that it was made from.

    `read` returns the content; of a journal the whole lines.
    """

    name: str
    segment: Segment | None
    read: Callable[[], bytes]

    def read_batches(self, *, holding: str = "", damaged: list[DataError] | None = None) -> Iterator[RecordBatch]:
        """Read the records in order, of a journal only whole lines that hold a text.

        Lines of a journal that cannot be read are left out, with a warning.

        Raises:
            DataError: the segment is damaged, and there is no list `damaged`; names it.
            ChurnError: the object store cannot be used.
        """
        if self.segment:
            try:
                content = self.read()
            except DataError as error:
                if damaged is None:
                    raise
                damaged.append(error)
            else:
                yield from batches_from_segment(content)
            return
        lines: list[bytes] = []
        yield from batches_from_journal(self.read(), holding=holding.encode(), damaged=lines)
        if lines:
            log.warning("%d lines of the journal %s cannot be read, and are left out", len(lines), self.name)


def walk_log(
    places: Places,
    since: datetime = EARLIEST,
    until: datetime = LATEST,
    *,
    newest_first: bool = False,
    progress: Progress = lambda *_: None,
) -> Iterator[LogFile]:
    """Walk through all journals, then through the segments that may hold records of a time, `until` not included.

    Two segments may come from one journal, while a subscriber is erased. The one with fewer records is taken.

    Raises:
        OSError, ChurnError: the store cannot be read.
    """
    read = set()
    for path in sorted(list_journals(places.journals), reverse=newest_first):
        try:
            lines, _ = split_torn_line(path.read_bytes())
        except FileNotFoundError:  # closed meanwhile
            continue
        read.add(path.stem)
        yield LogFile(path.stem, None, partial(bytes, lines))
    store = open_store(places.where)
    segments = [segment for segment in list_segments(store) if segment.origin not in read]
    by_origin = {segment.origin: segment for segment in sorted(segments, key=lambda segment: -segment.records)}
    segments = [segment for segment in segments if segment is by_origin[segment.origin]]
    chosen = [segment for segment in segments if segment.first < until and segment.last >= since]
    if newest_first:
        chosen.sort(key=lambda segment: segment.last, reverse=True)
    for done, segment in enumerate(chosen, 1):
        yield LogFile(segment.origin, segment, partial(read_segment, store, segment))
        progress(done, len(chosen))


def read_records(
    places: Places,
    columns: Sequence[str],
    since: datetime = EARLIEST,
    until: datetime = LATEST,
    *,
    newest_first: bool = False,
    damaged: list[DataError] | None = None,
    progress: Progress = lambda *_: None,
) -> Iterator[RecordBatch]:
    """Read some columns of the records of a time, in batches. All records of a batch come from one process.

    A file without one of the columns is left out: it is of other features or an older version. `until` is not part of
    the time. `newest_first` is the order of files; within a file the oldest record always comes first.

    Raises:
        DataError, OSError, ChurnError: as `LogFile.read_batches`.
    """
    begin_us, end_us = us_from_time(since), us_from_time(until)
    for file in walk_log(places, since, until, newest_first=newest_first, progress=progress):
        for batch in file.read_batches(damaged=damaged):
            if not set(columns) <= set(batch.column_names):
                continue
            times = numbers_from_batch(batch, "time")
            chosen = np.flatnonzero((times >= begin_us) & (times < end_us))
            if len(chosen):
                wanted = batch.select(list(columns))
                yield wanted if len(chosen) == batch.num_rows else take_rows(wanted, chosen)


def read_latest_records(places: Places, count: int, *, damaged: list[DataError] | None = None) -> list[Record]:
    """Read the latest records of all workers, the newest last.

    Raises:
        DataError, OSError, ChurnError: as `LogFile.read_batches`.
    """
    latest: list[Record] = []
    for file in walk_log(places, newest_first=True):
        if file.segment and len(latest) == count and us_from_time(file.segment.last) < latest[-1]["time"]:
            break
        for batch in file.read_batches(damaged=damaged):
            length = min(count, batch.num_rows)
            rows = rows_from_batch(batch.slice(batch.num_rows - length, length))
            latest = nlargest(count, [*latest, *rows], key=lambda record: record["time"])
    return latest[::-1]


def find_record(places: Places, prediction_id: str, *, progress: Progress = lambda *_: None) -> Record:
    """Find the record of a prediction; its time is in microseconds since 1970.

    Read only segments of the time when the id was made, or all if the id does not say when.

    Raises:
        DataError: it is no id, no record has it, or a segment that may hold it is damaged.
        OSError, ChurnError: the log cannot be read.
    """
    if not PREDICTION_ID.fullmatch(prediction_id):
        raise DataError(
            f"{prediction_id!r} is no id of a prediction", instead="give the 32 hex digits of an answer's prediction_id"
        )
    made = time_from_id(prediction_id)
    since, until = (made - SLACK, made + SLACK) if made else (EARLIEST, LATEST)
    damaged: list[DataError] = []
    for file in walk_log(places, since, until, progress=progress):
        for batch in file.read_batches(holding=prediction_id, damaged=damaged):
            ids = values_from_batch(batch, "prediction_id")
            if prediction_id in ids:
                return next(rows_from_batch(batch.slice(ids.index(prediction_id), 1)))
    raise next(iter(damaged), None) or DataError(
        f"no record has the id {prediction_id}: not in {places.where}, and not in {places.journals}",
        instead="see with `churn predictions list` from when on there are records, or whether PREDICTION_LOG and the "
        "contract are those of the service",
    )


def read_kept_policy(places: Places, sha256: str) -> bytes:
    """Read the content of a policy that is kept.

    Raises:
        DataError: it is not kept, or damaged.
    """
    name = name_policy(sha256)
    local = places.journals / name
    try:
        content = local.read_bytes() if local.is_file() else open_store(places.where).read(name)
    except (OSError, ChurnError) as error:
        raise DataError(
            f"the policy that decided, with the sha256 {sha256[:12]}…, is neither {local} nor {places.where}/{name}",
            instead="give its file with --policy, such as the one of that day in your version control",
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(
            f"the policy {sha256[:12]}… that is kept beside the log is damaged: its content has another sha256",
            instead="restore the file from a backup, or give the policy's file with --policy",
        )
    return content


def describe_left_out(damaged: Sequence[DataError]) -> str:
    """Say what damaged segments leave out of what was read; empty if there are none."""
    if not damaged:
        return ""
    rest = f", and {len(damaged) - 1} more" if len(damaged) > 1 else ""
    return f"not complete, since records are left out: {damaged[0].message}{rest}"


def require_whole(damaged: Sequence[DataError]) -> None:
    """Raise DataError if damaged segments were left out of what was shown."""
    if damaged:
        raise DataError(f"what is shown is {describe_left_out(damaged)}", instead=damaged[0].instead)
