"""A server on a real socket that does what a test wants of it, right or wrong."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

PREDICTION = b'{"churn_probability": 0.25, "model_version": "v1"}'

type Reply = Callable[[bytes], Awaitable[bytes | None]]


def http(status: int, body: bytes) -> bytes:
    """An HTTP response."""
    return b"HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


@contextmanager
def small_server(reply: Reply) -> Iterator[str]:
    """Its address; `reply` is given each request's body and gives what is sent back, None to hang up."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = re.search(rb"content-length: (\d+)", await reader.readuntil(b"\r\n\r\n"), re.IGNORECASE)
                assert length is not None
                answer = await reply(await reader.readexactly(int(length[1])))
                if answer is None:
                    break
                writer.write(answer)
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(converse, "127.0.0.1", 0, backlog=1000)
        stop = asyncio.Event()
        started.put((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), stop))
        await stop.wait()
        server.close()

    started: queue.Queue[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = queue.Queue()
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    port, loop, stop = started.get()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
