"""Takes the connections that wait at an address, many in one turn of the event loop.

uvloop's own servers take one in each turn, and each turn answers all who are in already: the last of many waits long.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import Callable

BACKLOG = 2048
MOST_AT_ONCE = 64  # so that those who are in do not wait long either
PAUSE_S = 1.0  # after an error, such as no descriptor that is free
WAITING_OFFSET = 24  # of tcpi_unacked in Linux's tcp_info, which of a socket that listens is the length of its queue

log = logging.getLogger(__name__)


class Acceptor:
    """Takes connections, and hands each of them on, until it is told to stop.

    Args:
        listener: the socket that listens.
        processes: how many listen there. Each takes its share of those that wait, so that none gets them all.
        take: called with each connection.
    """

    def __init__(self, listener: socket.socket, processes: int, take: Callable[[socket.socket], None]) -> None:
        self._listener = listener
        self._processes = processes
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        listener.settimeout(0)
        self._resume()

    def stop(self) -> None:
        """Take no more connections."""
        self._loop.remove_reader(self._listener)
        if self._pause:
            self._pause.cancel()

    def take_rest(self) -> None:
        """Take those that wait now, since nobody else may be there to answer them."""
        self._accept(BACKLOG)

    def _resume(self) -> None:
        self._loop.add_reader(self._listener, self._accept_share)

    def _accept_share(self) -> None:
        if not self._accept(min(max(count_waiting(self._listener) // self._processes, 1), MOST_AT_ONCE)):
            self._loop.remove_reader(self._listener)
            self._pause = self._loop.call_later(PAUSE_S, self._resume)

    def _accept(self, most: int) -> bool:
        """Take so many connections if they are there, and return whether there was no error."""
        for _ in range(most):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):  # another process was faster; the caller has left
                break
            except OSError as error:
                log.error(  # noqa: TRY400 - the sentence says it all
                    "no connection can be taken: %s; the next try is in %.0f s", error, PAUSE_S
                )
                return False
            self._take(connection)
        return True


def count_waiting(listener: socket.socket) -> int:
    """Return how many connections wait to be taken; `MOST_AT_ONCE` where that cannot be known."""
    if not hasattr(socket, "TCP_INFO"):
        return MOST_AT_ONCE
    information = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, WAITING_OFFSET + 4)
    return int(struct.unpack_from("=I", information, WAITING_OFFSET)[0])
