"""When somebody last had what counts once a minute. All workers of a service share this."""

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

    def take(self, name: bytes) -> bool:
        """Return whether this name counts now: it did not within the last minute."""
        cell = int.from_bytes(blake2b(name, digest_size=8).digest()) % len(self._cells)
        now_s, last_s = self._now_s(), self._cells[cell]
        if last_s and now_s - last_s < ONCE_IN_S:
            return False
        self._cells[cell] = now_s
        return True
