"""A server on a real socket that does what a test wants of it, right or wrong."""

import asyncio
import contextlib
import queue
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

PREDICTION = b'{"churn_probability": 0.25, "model_version": "v1"}'

type Reply = Callable[[bytes], Awaitable[bytes | AsyncIterator[bytes] | None]]


def http(status: int, body: bytes, *headers: bytes) -> bytes:
    head = b"".join(b"%b\r\n" % header for header in headers)
    return b"HTTP/1.1 %d Whatever\r\n%bContent-Length: %d\r\n\r\n%b" % (status, head, len(body), body)


async def _parts(answer: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(answer, bytes):
        yield answer
    else:
        async for part in answer:
            yield part


def read_attempts(heads: list[str]) -> list[tuple[str, str]]:
    """The id and the attempt that each request names."""
    named = [dict(line.split(": ", 1) for line in head.lower().split("\r\n") if ": " in line) for head in heads]
    return [(head["x-request-id"], head["x-attempt"]) for head in named]


@contextmanager
def small_server(reply: Reply, heads: list[str] | None = None) -> Iterator[str]:
    """Its address.

    Args:
        reply: given each request's body, gives what is sent back: bytes, or bytes as they come; None to hang up.
        heads: takes the head of each request.
    """

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if heads is not None:
                    heads.append(head.decode())
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                answer = await reply(await reader.readexactly(int(length[1]) if length else 0))
                if answer is None:
                    break
                async for part in _parts(answer):
                    writer.write(part)
                    await writer.drain()
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
