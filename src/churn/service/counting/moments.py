"""When somebody had an answer last. All workers of a service share this."""

from collections.abc import Sequence
from typing import Final
from zlib import crc32

ONCE_IN_NS: Final = 60_000_000_000


class Moments:
    """Say whether somebody had an answer within the last minute.

    A subscriber falls into one of a fixed number of cells by the checksum of the key, a connection by its hash. A cell
    holds a time and nothing else, so nobody can read of whom it is. Two in one cell are taken for one: then an answer
    may be taken for a repeat. This does not depend on how it was answered, so what is left is as good a sample.

    Args:
        cells: nanoseconds by the system's monotonic clock, zeros at first. Their number is a power of two.
    """

    def __init__(self, cells: "memoryview[int]") -> None:
        self._cells = cells
        self._last = len(cells) - 1

    def follow(self, key: str | None, connection: Sequence[object] | None, now_ns: int) -> bool:
        """Note an answer. Return whether it follows another one to the same subscriber, less than a minute before.

        A row of them counts once, however long. Without a key it is one on this connection. A connection may be of many
        subscribers, so it counts again a minute after it last counted; it belongs to one worker.
        """
        cells = self._cells
        cell = (hash(tuple(connection or ())) if key is None else crc32(key.encode())) & self._last
        last_ns = cells[cell]
        follows = now_ns - last_ns < ONCE_IN_NS and last_ns > 0
        if key is not None or not follows:
            cells[cell] = now_ns
        return follows
