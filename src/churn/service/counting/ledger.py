"""Numbers that several processes count. Each process writes its own row, and any of them can sum up all rows."""

import contextlib
import fcntl
import mmap
import os
import weakref
from collections.abc import Iterator, Sequence
from multiprocessing.reduction import DupFd
from typing import Any

import numpy as np
import numpy.typing as npt

from churn.errors import ChurnError
from churn.files import create_nameless_file

type Numbers = npt.NDArray[np.float64]

NUMBER_BYTES = 8
MOST_NAMES = 64
NAME_BYTES = 64  # the first says how many the name has
MOMENTS = 2**18  # 2 MiB; the system gives a page when it is first written


class Ledger:
    """Rows of float64, zeros at first, in memory that belongs to no file system.

    A process claims a row by a lock, which the system releases when the process ends. The row keeps its numbers, and
    the next process goes on in it. So nothing is lost, and there are never more rows in use than processes. A ledger
    can be pickled for a process that is being spawned, and only for that.

    Behind the rows stand names that came up later, each with a number that is the same for all processes. Behind these
    stand moments, zeros at first, which all processes read and write: `moments`.

    Args:
        cells: numbers in a row.
        rows: the most processes that count at one time.
    """

    def __init__(self, cells: int, rows: int = 1) -> None:
        file = create_nameless_file("churn-ledger")
        os.ftruncate(file, rows * _bytes_per_row(cells) + MOST_NAMES * NAME_BYTES + MOMENTS * NUMBER_BYTES)
        self._map(cells, rows, file)

    def _map(self, cells: int, rows: int, file: int) -> None:
        self._cells, self._file = cells, file
        rows_bytes = rows * _bytes_per_row(cells)
        names_end = rows_bytes + MOST_NAMES * NAME_BYTES
        memory = mmap.mmap(file, names_end + MOMENTS * NUMBER_BYTES)
        self._rows = np.frombuffer(memory, count=rows_bytes // NUMBER_BYTES).reshape(rows, -1)
        self._names = memoryview(memory)[rows_bytes:names_end]
        self.moments = memoryview(memory)[names_end:].cast("q")
        self._own: int | None = None
        weakref.finalize(self, os.close, file)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_ledger, (self._cells, len(self._rows), DupFd(self._file))

    def claim(self, *, gauges: Sequence[int] = ()) -> "memoryview[float]":  # subscripted only since Python 3.14
        """Return a row for this process, to add to. It holds what its last process counted.

        Args:
            gauges: cells that say how things are now; they begin at 0 again.

        Raises:
            ChurnError: every row is in use.
        """
        for at, row in enumerate(self._rows):
            if self._lock(at, fcntl.LOCK_EX):
                self._own = at
                row[list(gauges)] = 0.0
                return memoryview(row)  # reads and writes a number in half the time
        raise ChurnError(f"{len(self._rows)} processes count already", instead="run fewer workers")

    def sum_rows(self) -> Numbers:
        """Return the sum of all rows, float64 (cells,)."""
        return self._rows[:, : self._cells].sum(axis=0)

    def sum_living_rows(self) -> Numbers:
        """Return the sum of the rows of processes that run, float64 (cells,)."""
        return self._rows[[at for at in range(len(self._rows)) if self._is_alive(at)], : self._cells].sum(axis=0)

    def number_name(self, name: str) -> int | None:
        """Return the number of a name of at most 63 bytes, which it gets now or has; None if all are given away."""
        with self._locked_names() as names:
            given = _read_names(names)
            if name in given:
                return given.index(name)
            if len(given) == MOST_NAMES:
                return None
            at, text = len(given) * NAME_BYTES, name.encode()
            names[at + 1 : at + 1 + len(text)] = text
            names[at] = len(text)  # last: a process that ends before leaves no half of a name
            return len(given)

    def list_names(self) -> list[str]:
        """Return all names, by their numbers."""
        with self._locked_names() as names:
            return _read_names(names)

    @contextlib.contextmanager
    def _locked_names(self) -> Iterator[memoryview]:
        byte = len(self._rows)  # behind those of the rows
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, byte)
        try:
            yield self._names
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)

    def _is_alive(self, row: int) -> bool:
        if row == self._own:
            return True
        if not self._lock(row, fcntl.LOCK_SH):
            return True
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, row)
        return False

    def _lock(self, row: int, kind: int) -> bool:
        """Return whether the byte of a row could be locked. The lock is of this process, not of its children."""
        with contextlib.suppress(BlockingIOError):
            fcntl.lockf(self._file, kind | fcntl.LOCK_NB, 1, row)
            return True
        return False


def _bytes_per_row(cells: int) -> int:
    """Return whole pages, so that no two processes write into one line of a processor's cache."""
    return -(-cells * NUMBER_BYTES // mmap.PAGESIZE) * mmap.PAGESIZE


def _read_names(names: memoryview) -> list[str]:
    places = range(0, len(names), NAME_BYTES)
    return [bytes(names[at + 1 : at + 1 + names[at]]).decode() for at in places if names[at]]


def _rebuild_ledger(cells: int, rows: int, file: Any) -> Ledger:
    ledger = Ledger.__new__(Ledger)
    ledger._map(cells, rows, file.detach())  # noqa: SLF001 - its other constructor
    return ledger
