"""Stopping without losing a request: the service says so to load balancers, then stops."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType

from fastapi import FastAPI


class Drain:
    """The time between SIGTERM and the server's own stop.

    For `seconds` the health paths answer 503, so that load balancers send requests elsewhere. Requests that still come
    are answered, each with `Connection: close`. Only then the server stops listening and finishes what it has. A second
    SIGTERM stops it at once; SIGINT, Ctrl+C, always does.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.has_begun = False

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Take SIGTERM from the server, which has set its handler by now, and hand it on when the time is over."""
        stop = signal.getsignal(signal.SIGTERM)
        if self.seconds and callable(stop) and threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()

            def begin(number: int, frame: FrameType | None) -> None:
                if self.has_begun:
                    stop(number, frame)
                self.has_begun = True
                loop.call_soon_threadsafe(loop.call_later, self.seconds, stop, number, None)

            signal.signal(signal.SIGTERM, begin)
        yield
