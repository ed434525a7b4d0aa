"""When somebody last had what counts once. All workers of a service share this."""

import time
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

ONCE_IN_S: Final = 60.0


class Moments:
    """Say whether somebody may count again.

    A name falls into one of a fixed number of cells by its hash. A cell holds a time and nothing else, so nobody can
    read of whom it is. Two names in one cell are taken for one: then the second counts less often, never more often.

    Args:
        cells: seconds by the system's monotonic clock, zeros at first; 4,096 of them in a service.
    """

    def __init__(self, cells: "memoryview[float]", now_s: Callable[[], float] = time.monotonic) -> None:
        self._cells = cells
        self._now_s = now_s

    def take(self, name: bytes, *, in_a_row: bool = False) -> bool:
        """Return whether this name counts now: it did not within the last minute.

        In a row, it must not even have come within the last minute. So it counts once, however long the row.
        """
        cell = int.from_bytes(blake2b(name, digest_size=8).digest()) % len(self._cells)
        now_s, last_s = self._now_s(), self._cells[cell]
        counts = not last_s or now_s - last_s >= ONCE_IN_S
        if counts or in_a_row:
            self._cells[cell] = now_s
        return counts
