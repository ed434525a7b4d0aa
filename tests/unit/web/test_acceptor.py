"""How many connections are taken in one turn, and what happens when none can be."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import uvloop

from churn.web.acceptor import MOST_AT_ONCE, Acceptor

TURNS = 50


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        yield listener


def take(listener: socket.socket, waiting: int, processes: int) -> list[int]:
    """How many of those that wait were taken in each turn of the event loop in which any was."""
    with ExitStack() as stack:
        for _ in range(waiting):
            stack.enter_context(socket.create_connection(listener.getsockname()))

        async def count() -> list[int]:
            taken: list[socket.socket] = []
            acceptor = Acceptor(listener, processes, lambda accepted: taken.append(stack.enter_context(accepted)))
            counts = []
            for _ in range(TURNS):
                before = len(taken)
                await asyncio.sleep(0)
                counts.append(len(taken) - before)
            acceptor.stop()
            return [count for count in counts if count]

        return asyncio.run(count(), loop_factory=uvloop.new_event_loop)


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="how many wait is not known here")
@pytest.mark.parametrize(
    ("waiting", "processes", "taken"), [(1, 1, [1]), (50, 1, [50]), (8, 2, [4, 2, 1, 1]), (1, 8, [1])]
)
def test_a_process_takes_its_share_of_those_that_wait_in_one_turn(
    listener: socket.socket, waiting: int, processes: int, taken: list[int]
) -> None:
    assert take(listener, waiting, processes) == taken


def test_not_so_many_are_taken_that_those_who_are_in_would_wait(listener: socket.socket) -> None:
    assert take(listener, 2 * MOST_AT_ONCE + 1, 1) == [MOST_AT_ONCE, MOST_AT_ONCE, 1]


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="a socket that is shut down still accepts")
def test_what_prevents_taking_is_logged_and_does_not_spin(
    listener: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    async def shut_down() -> None:
        acceptor = Acceptor(listener, 1, socket.socket.close)
        listener.shutdown(socket.SHUT_RDWR)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        acceptor.stop()

    asyncio.run(shut_down(), loop_factory=uvloop.new_event_loop)
    [record] = caplog.records
    assert "no connection can be taken: [Errno 22]" in record.message
