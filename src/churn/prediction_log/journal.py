"""A journal: the open segment of one process, a file of lines that is only ever added to.

Whoever writes it holds a lock on it, which ends with the process, however that ends. So a journal without a holder is
one that can be closed, and two that want to close it find out who of them does.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn.files import UNFINISHED

ENDING = ".jsonl"
ASKED = "let-go"


class Journal:
    """An open journal of its own for this process; nobody else writes to it."""

    def __init__(self, folder: Path, header: bytes) -> None:
        name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}-{secrets.token_hex(4)}{ENDING}"
        self.path = folder / name
        self.bytes = 0
        self._asked = _asked(folder)
        self.opened_s = time.monotonic()
        unlocked = folder / f"{UNFINISHED}{name}"  # else somebody might close it before it is locked
        self._file = os.open(unlocked, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.append(header)
            unlocked.rename(self.path)
        except OSError:
            os.close(self._file)
            raise

    def append(self, lines: bytes) -> None:
        """Adds lines: from here on a crash of this process does not lose them.

        Raises:
            OSError: the disk is full, for example; then none of them is in the journal.
        """
        written = 0
        try:
            while written < len(lines):
                written += os.write(self._file, lines[written:])
        except OSError:
            os.ftruncate(self._file, self.bytes)
            raise
        self.bytes += written

    def sync(self) -> None:
        """From here on a crash of the machine does not lose what was added either."""
        os.fdatasync(self._file)

    def is_release_requested(self) -> bool:
        """Whether somebody has asked for it to be let go since it was opened."""
        return _asked(self.path.parent) != self._asked

    def close(self) -> None:
        """Lets go of it, so that it can be closed for good."""
        os.close(self._file)


def request_release(folder: Path) -> list[Path]:
    """Asks whoever writes to a journal to begin another one; gives those that will be let go.

    Raises:
        OSError: the folder cannot be written.
    """
    found = list_journals(folder)
    if found:
        (folder / ASKED).touch()
    return found


def _asked(folder: Path) -> int:
    """When somebody asked last, in nanoseconds since 1970; 0 if nobody did."""
    try:
        return (folder / ASKED).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def list_journals(folder: Path) -> list[Path]:
    """The journals of a folder, oldest first, open or not; none if there is no such folder."""
    return sorted(folder.glob(f"*{ENDING}"))


@contextmanager
def claim_journal(path: Path) -> Iterator[bool]:
    """Whether a journal is now ours to close: nobody writes to it, and nobody else has closed it or is about to."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield os.fstat(file).st_nlink > 0
    finally:
        os.close(file)


def split_torn_line(content: bytes) -> tuple[bytes, int]:
    """What was written whole, and how many lines are torn: 1 if the process died within a line, else 0."""
    end = content.rfind(b"\n") + 1
    return content[:end], int(end < len(content))
