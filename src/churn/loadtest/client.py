"""Sends requests and notes how each went. The only module that knows aiohttp."""

from __future__ import annotations

import errno
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp

from churn.loadtest.samples import INVALID, NOT_SENT, UNANSWERED, Sample, check_answer

TIMEOUT = "timeout"
REFUSED = "connection refused"
RESET = "connection reset"
FAILED = "connection failed"


@asynccontextmanager
async def open_session(timeout_s: float) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that opens as many connections as there are requests in flight, and uses them again."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),  # with a limit it would queue, and the queue would be measured
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        headers={"Content-Type": "application/json"},
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:
        yield session


class Client:
    """Posts to one URL; its clock starts when it is made.

    Args:
        session: from `open_session`.
        url: where to post to.
        bodies: what to post, in turn.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, bodies: Sequence[bytes]) -> None:
        self.session, self.url, self.bodies = session, url, bodies
        self.samples: list[Sample] = []
        self.began = time.perf_counter()

    def now(self) -> float:
        """Seconds since it was made."""
        return time.perf_counter() - self.began

    async def send(self, number: int, due_s: float | None = None) -> None:
        """Sends the request of this number and waits for its answer; what goes wrong is noted, not raised.

        Args:
            number: from 0; chooses the body.
            due_s: when it should have been sent; now if not given.
        """
        sent_s = self.now()
        error: str | None = UNANSWERED  # what stays of a request that is cancelled
        version = None
        try:
            body = self.bodies[number % len(self.bodies)]
            async with self.session.post(self.url, data=body, allow_redirects=False) as response:
                error, version = check_answer(response.status, await response.read())
        except (aiohttp.ClientError, OSError) as failure:
            error = _kind(failure)
        finally:
            self.samples.append(Sample(sent_s if due_s is None else due_s, sent_s, self.now(), error, version))

    def skip(self, due_s: float) -> None:
        """Notes a request that was due and could not be sent."""
        self.samples.append(Sample(due_s, None, self.now(), NOT_SENT, None))


def _kind(failure: aiohttp.ClientError | OSError) -> str:
    number = getattr(failure, "errno", None)
    if isinstance(failure, TimeoutError):
        return TIMEOUT
    if number == errno.ECONNREFUSED:
        return REFUSED
    if number in {errno.ECONNRESET, errno.EPIPE} or isinstance(
        failure, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError | ConnectionResetError
    ):
        return RESET
    # What aiohttp cannot read as HTTP.
    return INVALID if isinstance(failure, aiohttp.ClientResponseError) else FAILED
