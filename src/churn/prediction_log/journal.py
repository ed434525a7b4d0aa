"""A journal: the open file of one process, to which lines are only ever added.

Its writer holds a lock on it. The lock ends with the process, however that ends. So a journal without a lock can be
closed, and of two processes that want to close it one gets the lock.
"""

import fcntl
import logging
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn.files import UNFINISHED, write_bytes

ENDING = ".jsonl"
RELEASE = "let-go"
DAMAGED = "damaged"


log = logging.getLogger("churn.prediction_log")


class Journal:
    """An open journal. Only this process writes to it."""

    def __init__(self, folder: Path, header: bytes) -> None:
        name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}-{secrets.token_hex(4)}{ENDING}"
        self.path = folder / name
        self.bytes = 0
        self._release_ns = _read_release_time(folder)
        self.opened_s = time.monotonic()
        unlocked = folder / f"{UNFINISHED}{name}"  # else another process could close it before it is locked
        self._file = os.open(unlocked, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.append(header)
            unlocked.rename(self.path)
        except OSError:
            os.close(self._file)
            raise

    def append(self, lines: bytes) -> None:
        """Add lines. A crash of this process no longer loses them.

        Raises:
            OSError: for example, the disk is full. Then none of the lines is in the journal.
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
        """Force all lines to disk. A crash of the machine no longer loses them."""
        os.fdatasync(self._file)

    def is_release_requested(self) -> bool:
        """Return whether its release was requested since it was opened."""
        return _read_release_time(self.path.parent) != self._release_ns

    def close(self) -> None:
        """Release the lock, so that a segment can be made of it."""
        os.close(self._file)


def request_release(folder: Path) -> list[Path]:
    """Ask all writers to begin a new journal; return the journals that they will release.

    Raises:
        OSError: the folder cannot be written.
    """
    journals = list_journals(folder)
    if journals:
        (folder / RELEASE).touch()
    return journals


def _read_release_time(folder: Path) -> int:
    """Return the time of the last request, in nanoseconds since 1970; 0 if there was none."""
    try:
        return (folder / RELEASE).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def list_journals(folder: Path) -> list[Path]:
    """List the journals of a folder, the oldest first, open or not; none if there is no such folder."""
    return sorted(folder.glob(f"*{ENDING}"))


@contextmanager
def claim_journal(path: Path) -> Iterator[bool]:
    """Try to lock a journal; yield whether we may close it: nobody writes to it or closes it, and it still exists."""
    try:
        file = path.open("rb")
    except OSError as error:  # closed by another, or nobody may read it
        if not isinstance(error, FileNotFoundError):
            log.warning("the journal %s cannot be read, and stays: %s", path, error.strerror)
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield os.fstat(file.fileno()).st_nlink > 0


def split_torn_line(content: bytes) -> tuple[bytes, int]:
    """Return the whole lines, and how many are torn: 1 if the process died within a line, else 0."""
    end = content.rfind(b"\n") + 1
    return content[:end], int(end < len(content))


def set_aside(path: Path, content: bytes) -> None:
    """Keep what cannot be read of a journal, in a folder beside it that nobody else reads.

    It has a name of its own. So once it is mended, it can be moved back as a journal.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = path.parent / DAMAGED
    folder.mkdir(exist_ok=True, mode=0o750)
    write_bytes(folder / f"{path.stem}-{DAMAGED}{ENDING}", content)


def list_set_aside(folder: Path) -> list[Path]:
    """List the files of lines that could not be read; none if there is no such folder."""
    return list_journals(folder / DAMAGED)
