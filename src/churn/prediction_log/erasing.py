"""Erasing one subscriber's records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from churn.prediction_log.segments import without
from churn.prediction_log.stores import Store, read_segment, segments_of, write_segment


def erase(store: Store, subscriber: str, *, progress: Callable[[int, int], None] = lambda *_: None) -> int:
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
    segments = segments_of(store)
    erased = 0
    for done, segment in enumerate(segments, 1):
        content, found = without(read_segment(store, segment), subscriber)
        if found:
            if content:
                write_segment(store, replace(segment, records=segment.records - found), content)
            store.delete(segment.name)
        erased += found
        progress(done, len(segments))
    return erased
