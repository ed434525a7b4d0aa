"""Lines on standard output that cost nobody an answer: a line that cannot be written is counted and dropped."""

import errno
import functools
import os
import select
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

from pydantic_core import to_json

# A reader that is slow is waited for. One that has stopped to read costs this time once, until it reads again.
PATIENCE_MS = 50
COMPLAIN_S = 60.0


class Lines:
    """Writes whole lines to a stream, from any thread, and never raises.

    The file may be full, the pipe closed or its reader asleep. Whoever wants to count the lines that are lost sets
    `observer`.

    Args:
        stream: standard output or standard error.
        elsewhere: says once in a while that lines are lost.
    """

    def __init__(self, stream: TextIO, elsewhere: "Lines | None" = None) -> None:
        self.lost = 0
        self.observer: Callable[[], None] = lambda: None
        self._put, self._descriptor = _open_for_lines(stream)
        self._elsewhere = elsewhere
        self._lock = threading.Lock()
        self._rest = b""  # of a line that was written in part: it comes first, so that no line begins within another
        self._is_stalled = False
        self._complained_s = float("-inf")

    def write(self, line: bytes) -> None:
        """Write a line, or drop and count it."""
        with self._lock:
            try:
                if self._rest:
                    self._rest = self._rest[self._put_patiently(self._rest) :]
                if self._rest:
                    raise BlockingIOError(errno.EAGAIN, "nobody reads")
                self._rest = line[self._put_patiently(line) :]
                self._is_stalled = False
            except (OSError, ValueError) as error:  # ValueError: the stream was closed
                self._lose(error)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def _put_patiently(self, data: bytes) -> int:
        try:
            return self._put(data)
        except BlockingIOError:
            if self._is_stalled:
                raise
            self._is_stalled = True
            waiting = select.poll()
            waiting.register(self._descriptor, select.POLLOUT)
            waiting.poll(PATIENCE_MS)
            return self._put(data)

    def _lose(self, error: Exception) -> None:
        self.lost += 1
        self.observer()
        now_s = time.monotonic()
        if self._elsewhere and now_s - self._complained_s >= COMPLAIN_S:
            self._complained_s = now_s
            complaint = {
                "event": f"lines of the log cannot be written: {error}; lost so far: {self.lost}",
                "level": "error",
                "time": datetime.now(UTC),
            }
            self._elsewhere.write(to_json(complaint) + b"\n")


def _open_for_lines(stream: TextIO) -> tuple[Callable[[bytes], int], int]:
    """Return what writes bytes without waiting for a reader, as far as the system has that, and the descriptor."""
    try:
        descriptor = stream.fileno()
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError):  # not a file of the system
        return stream.buffer.write, -1
    if stat.S_ISSOCK(mode):
        return _send_at_once(descriptor), descriptor
    if stat.S_ISFIFO(mode):
        # Opened anew: to change the mode of the pipe itself would change it for other processes.
        try:
            descriptor = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # no Linux, no right to do so, or no reader any more
            return _write_if_there_is_room(descriptor), descriptor
    return functools.partial(os.write, descriptor), descriptor


def _write_if_there_is_room(descriptor: int) -> Callable[[bytes], int]:
    """Nearly never wait: another process may take the room first."""
    room = select.poll()
    room.register(descriptor, select.POLLOUT)

    def write(data: bytes) -> int:
        if not room.poll(0):
            raise BlockingIOError(errno.EAGAIN, "nobody reads")
        return os.write(descriptor, data[: select.PIPE_BUF])

    return write


def _send_at_once(descriptor: int) -> Callable[[bytes], int]:
    connection = socket.socket(fileno=os.dup(descriptor))
    return lambda data: connection.send(data, socket.MSG_DONTWAIT)


def find_output() -> Lines:
    """Return the lines of this process's standard output."""
    return _open_output(sys.stdout, sys.stderr)


@functools.lru_cache(maxsize=4)
def _open_output(stdout: TextIO, stderr: TextIO) -> Lines:
    return Lines(stdout, Lines(stderr))
