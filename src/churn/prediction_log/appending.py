"""Append lines to a journal on this machine, and begin another when it is full, old, or asked for."""

import time

from churn.prediction_log.journal import Journal, list_journals
from churn.prediction_log.places import Places

SYNC_S = 1.0  # a crash of the machine loses the records of this time
SEGMENT_BYTES = 16 * 2**20  # a segment is no larger, so that closing it takes little memory
MOST_WAITING_BYTES = 2**30  # journals that wait for a store that cannot be reached must not fill the disk


class Appender:
    """Write lines of one kind. A journal is begun with the first of them.

    Args:
        header: the first line of each journal.
        segment_s: a journal of this age, in seconds, ends.
    """

    def __init__(self, places: Places, header: bytes, segment_s: float) -> None:
        self._places = places
        self._header = header
        self._segment_s = segment_s
        self._journal: Journal | None = None
        self._unsynced = False
        self._synced_s = 0.0

    @property
    def is_open(self) -> bool:
        """Whether there is a journal now."""
        return self._journal is not None

    def append(self, lines: bytes) -> None:
        """Append lines.

        Raises:
            OSError: for example, the disk is full. Then none of them is written.
        """
        if self._journal is None:
            waiting = sum(path.stat().st_size for path in list_journals(self._places.journals))
            if waiting > MOST_WAITING_BYTES:
                raise OSError(f"{waiting:,} bytes of journals wait in {self._places.journals} to be closed")
            self._journal = Journal(self._places.journals, self._header)
        self._journal.append(lines)
        self._unsynced = True

    def look(self) -> bool:
        """Force lines to disk, and end the journal, each if it is time; return whether a journal has ended."""
        now_s = time.monotonic()
        if self._journal and self._unsynced and now_s - self._synced_s >= SYNC_S:
            self._journal.sync()
            self._unsynced, self._synced_s = False, now_s
        return bool(self._journal and self._is_full(self._journal, now_s)) and self.release()

    def release(self) -> bool:
        """End the journal; return whether there was one."""
        journal, self._journal = self._journal, None
        if journal:
            try:
                journal.sync()
            finally:
                journal.close()
        return journal is not None

    def _is_full(self, journal: Journal, now_s: float) -> bool:
        due = journal.bytes >= SEGMENT_BYTES or now_s - journal.opened_s >= self._segment_s
        return due or journal.is_release_requested()
