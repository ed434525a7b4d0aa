"""Keep the log in order: make segments of journals, remove old segments, erase a subscriber.

A process of its own closes journals, `python -m churn.prediction_log.maintenance`, and ends after a second. So the
service's workers load neither Parquet nor the client of object stores, and an error here costs no answer.
"""

import argparse
import os
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple, Self

from pydantic_core import to_json

from churn.clocks import read_clock
from churn.errors import ChurnError, DataError
from churn.files import write_bytes
from churn.prediction_log.batches import (
    batches_from_journal,
    find_time_range,
    has_banner_events,
    parquet_from_batches,
    remove_subscriber,
    values_from_batch,
)
from churn.prediction_log.journal import (
    claim_journal,
    list_journals,
    list_set_aside,
    request_release,
    set_aside,
    split_torn_line,
)
from churn.prediction_log.places import Places
from churn.prediction_log.policies import name_policy
from churn.prediction_log.retention import remove_old_files
from churn.prediction_log.segments import (
    Progress,
    Segment,
    SegmentStore,
    list_segments,
    open_store,
    read_segment,
    write_segment,
)

NICENESS = 10  # lower priority than the service
TRIAL = "trial"  # an empty object, written to see whether the bucket can be written
PATIENCE_S, LOOK_S = 10.0, 0.05


class ClosingSummary(NamedTuple):
    """Count segments made, records in them, lines torn by a crash or damaged, and old segments removed.

    Damaged lines are set aside; `set_aside` counts the journals that had any. Old segments are `waiting` while the
    clock is in doubt.
    """

    segments: int = 0
    records: int = 0
    damaged: int = 0
    removed: int = 0
    set_aside: int = 0
    waiting: int = 0
    doubt: str = ""

    def add(self, other: Self) -> Self:
        """Return what both closed."""
        counts = ("segments", "records", "damaged", "set_aside")
        return self._replace(**{name: getattr(self, name) + getattr(other, name) for name in counts})


def close_journals(journals: Path, store: SegmentStore, *, progress: Progress = lambda *_: None) -> ClosingSummary:
    """Make a segment of each journal that nobody writes to, then remove the journal. Set aside lines that are damaged.

    If it is stopped at any point, the next call does the rest: the same journal makes the same segment.

    Raises:
        OSError, ChurnError: the store cannot be written. The journal stays.
    """
    closed = ClosingSummary()
    paths = list_journals(journals)
    for done, path in enumerate(paths, 1):
        with claim_journal(path) as ours:
            if ours:
                closed = _close(path, store, closed)
        progress(done, len(paths))
    return closed


def keep_in_order(
    places: Places, days: int, *, only_write: bool = False, at_once: bool = False, progress: Progress = lambda *_: None
) -> ClosingSummary:
    """Close the journals of predictions and banner events, and remove segments that are too old.

    Args:
        only_write: a rule of the bucket removes segments; nobody may list them.
        at_once: old segments go even if the clock is in doubt.

    Raises:
        OSError, ChurnError: a store cannot be read or written.
    """
    events = places.banner_events
    store, event_store = (open_store(each.where, places.kept_days) for each in (places, events))
    closed = close_journals(places.journals, store, progress=progress)
    closed = closed.add(close_journals(events.journals, event_store))
    if only_write and not closed.segments:
        store.write(TRIAL, b"")  # nobody may list, so only this tells early that nothing can be written
    clock = read_clock()
    kept = None if only_write else store
    removal = remove_old_files(kept, places.journals, days=days, clock=clock, at_once=at_once)
    if not removal.doubt:  # events may be rare, so their segments alone say little about the clock
        kept = None if only_write else event_store
        events_removed = remove_old_files(kept, events.journals, days=days, clock=clock, at_once=True).removed
        removal = removal._replace(removed=removal.removed + events_removed)
    return closed._replace(**removal._asdict())


def close_all_journals(journals: Path, store: SegmentStore, *, wait_s: float = PATIENCE_S) -> int:
    """Close all journals: writers are asked to begin new ones. Return how many are still open after `wait_s`.

    Raises:
        OSError, ChurnError: as `close_journals`.
    """
    waiting, until = request_release(journals), time.monotonic() + wait_s
    while waiting:
        close_journals(journals, store)
        waiting = [path for path in waiting if path.exists()]
        if time.monotonic() >= until:
            break
        time.sleep(LOOK_S)
    return len(waiting)


def erase_subscriber(
    store: SegmentStore,
    subscriber: str,
    prediction_ids: Collection[str] = (),
    *,
    beside: Sequence[Segment] = (),
    progress: Progress = lambda *_: None,
) -> int:
    """Remove all records of a subscriber from the closed segments, and those of these predictions; return how many.

    A segment is written anew without them, then the old one is removed. If it is stopped in between, both exist, and
    the next call removes the old one. The subscriber's key is hashed, as in the log. `beside` are segments of other
    records, which may be newer and so tell the day.

    Raises:
        DataError: segments are damaged; names the first. Records in all others are erased.
        OSError, ChurnError: the store cannot be written.
    """
    segments = list_segments(store)
    today = _find_today([*segments, *beside])
    erased, damaged = 0, []
    for done, segment in enumerate(segments, 1):
        try:
            content, theirs = remove_subscriber(read_segment(store, segment), subscriber, prediction_ids)
        except DataError as error:
            damaged.append(error)
            continue
        if theirs:
            if content:
                rest = replace(segment, records=segment.records - theirs)
                write_segment(store, rest, content, age_days=max(0, (today - segment.last.date()).days))
            store.delete(segment.name)
        erased += theirs
        progress(done, len(segments))
    if damaged:
        raise DataError(
            f"{erased} records are erased, but {len(damaged)} segments may hold more: {damaged[0]}",
            instead=damaged[0].instead,
        )
    return erased


def _find_today(segments: Sequence[Segment]) -> date:
    """Return the day of the newest record, or of the clock if that is earlier: one that is ahead makes nothing old."""
    now = datetime.now(UTC)
    return min(now, max((segment.last for segment in segments), default=now)).date()


def erase_from_set_aside(journals: Path, subscriber: str, prediction_ids: Collection[str] = ()) -> int:
    """Remove a subscriber's lines from what was set aside, and those of these predictions.

    Return how many files are left, which may hold more.

    Raises:
        OSError: the folder cannot be written.
    """
    theirs = [text.encode() for text in (subscriber, *prediction_ids)]
    for path in list_set_aside(journals):
        lines = path.read_bytes().splitlines(keepends=True)
        others = [line for line in lines if not any(text in line for text in theirs)]
        if len(others) < len(lines):
            write_bytes(path, b"".join(others))
    return len(list_set_aside(journals))


def _close(path: Path, store: SegmentStore, closed: ClosingSummary) -> ClosingSummary:
    lines, torn = split_torn_line(path.read_bytes())
    damaged: list[bytes] = []
    batches = list(batches_from_journal(lines, damaged=damaged))
    records = sum(batch.num_rows for batch in batches)
    if batches:
        first = batches[0].slice(0, 1)
        [policy] = [None] if has_banner_events(first) else values_from_batch(first, "policy_sha256")
        if policy:
            _copy_policy(path.parent, store, policy)
        segment = Segment(*find_time_range(batches), records, origin=path.stem, crc32="")
        write_segment(store, segment, parquet_from_batches(batches))
    if damaged:
        set_aside(path, b"\n".join([lines.split(b"\n", 1)[0], *damaged, b""]))
    path.unlink()
    return closed._replace(
        segments=closed.segments + bool(batches),
        records=closed.records + records,
        damaged=closed.damaged + torn + len(damaged),
        set_aside=closed.set_aside + bool(damaged),
    )


def _copy_policy(journals: Path, store: SegmentStore, sha256: str) -> None:
    """Write a policy where the segments lie; do nothing if it is not beside the journals.

    It is written each time: a bucket that removes by age counts anew, so that no segment outlives its policy.
    """
    path = journals / name_policy(sha256)
    if path.is_file():
        store.write(name_policy(sha256), path.read_bytes())


def main(arguments: Sequence[str]) -> int:
    """Run the process. Print a line of JSON on standard output, or an error on standard error."""
    parser = argparse.ArgumentParser(prog="python -m churn.prediction_log.maintenance", description=__doc__)
    parser.add_argument("where", help="the closed segments of one contract: a folder, or the URL of an object store")
    parser.add_argument("journals", type=Path, help="the folder of the journals")
    parser.add_argument("days", type=int, help="how long segments are kept")
    parser.add_argument("--only-write", action="store_true", help="a rule of the bucket removes old segments")
    options = parser.parse_args(arguments)
    os.nice(NICENESS)
    try:
        places = Places(options.where, options.journals)
        closed = keep_in_order(places, options.days, only_write=options.only_write)
    except (ChurnError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.buffer.write(to_json(closed._asdict()) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
