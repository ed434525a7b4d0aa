"""Closing: journals that nobody writes to any more become Parquet, and segments that are too old go.

A process of its own does it, `python -m churn.prediction_log.maintenance`, which lives for a second: the workers of the
service load neither Parquet nor what speaks to object stores, and what goes wrong here costs no answer.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pydantic_core import to_json

from churn.errors import ChurnError
from churn.prediction_log.batches import remove_subscriber, segment_from_journal
from churn.prediction_log.journal import claim_journal, list_journals, request_release, split_torn_line
from churn.prediction_log.segments import Segment, SegmentStore, list_segments, open_store, read_segment, write_segment

# The service goes first.
NICENESS = 10
PATIENCE_S, LOOK_S = 10.0, 0.05
# What is half written for as long will never be finished.
UNFINISHED_AFTER = timedelta(hours=1)


class ClosingSummary(NamedTuple):
    """What was done: segments closed, records in them, lines lost by tearing or damage, old segments removed."""

    segments: int = 0
    records: int = 0
    damaged: int = 0
    removed: int = 0


def close_journals(
    journals: Path, store: SegmentStore, *, progress: Callable[[int, int], None] = lambda *_: None
) -> ClosingSummary:
    """Makes a segment of each journal that nobody writes to, then removes the journal.

    Stopped at any point, it does the rest the next time: the same journal makes the same segment.

    Raises:
        OSError: a folder cannot be written; the journal stays.
        ChurnError: the object store cannot be used; likewise.
    """
    closed = ClosingSummary()
    found = list_journals(journals)
    for done, path in enumerate(found, 1):
        with claim_journal(path) as ours:
            if ours:
                closed = _close(path, store, closed)
        progress(done, len(found))
    return closed


def close_all_journals(journals: Path, store: SegmentStore, *, wait_s: float = PATIENCE_S) -> int:
    """Closes also the journals that somebody writes to, who begins another; gives how many are open all the same.

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


def remove_old_segments(store: SegmentStore, *, days: int, now: datetime) -> int:
    """Removes segments whose latest record is older than some days, and gives how many; and what was never finished.

    Raises:
        OSError: a folder cannot be written.
        ChurnError: the object store cannot be used.
    """
    old = [segment for segment in list_segments(store) if segment.last < now - timedelta(days=days)]
    for segment in old:
        store.delete(segment.name)
    store.sweep(now - UNFINISHED_AFTER)
    return len(old)


def erase_subscriber(
    store: SegmentStore, subscriber: str, *, progress: Callable[[int, int], None] = lambda *_: None
) -> int:
    """Removes every record of a subscriber from the closed segments; gives how many there were.

    A segment is written anew without them before the old one is removed. Stopped in between, both are there, and doing
    it again removes the old one.

    Args:
        store: the closed segments.
        subscriber: the hashed key, as in the log.
        progress: told (done, total) segments.

    Raises:
        DataError: a segment is damaged; names it.
        OSError: a folder cannot be written.
        ChurnError: the object store cannot be used.
    """
    segments = list_segments(store)
    erased = 0
    for done, segment in enumerate(segments, 1):
        content, found = remove_subscriber(read_segment(store, segment), subscriber)
        if found:
            if content:
                write_segment(store, replace(segment, records=segment.records - found), content)
            store.delete(segment.name)
        erased += found
        progress(done, len(segments))
    return erased


def _close(path: Path, store: SegmentStore, closed: ClosingSummary) -> ClosingSummary:
    lines, torn = split_torn_line(path.read_bytes())
    content = segment_from_journal(lines) if lines else None
    if content:
        segment = Segment(content.first, content.last, content.records, origin=path.stem, crc32="")
        write_segment(store, segment, content.parquet)
    lost = torn + (content.damaged if content else max(0, lines.count(b"\n") - 1))
    path.unlink()
    return closed._replace(
        segments=closed.segments + bool(content),
        records=closed.records + (content.records if content else 0),
        damaged=closed.damaged + lost,
    )


def main(arguments: Sequence[str]) -> int:
    """The process: one line of JSON on standard output says what was done, one on standard error what went wrong."""
    parser = argparse.ArgumentParser(prog="python -m churn.prediction_log.maintenance", description=__doc__)
    parser.add_argument("where", help="the closed segments of one contract: a folder, or the URL of an object store")
    parser.add_argument("journals", type=Path, help="the folder of the journals")
    parser.add_argument("days", type=int, help="how long segments are kept")
    asked = parser.parse_args(arguments)
    os.nice(NICENESS)
    try:
        store = open_store(asked.where)
        closed = close_journals(asked.journals, store)
        closed = closed._replace(removed=remove_old_segments(store, days=asked.days, now=datetime.now(UTC)))
    except (ChurnError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.buffer.write(to_json(closed._asdict()) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
