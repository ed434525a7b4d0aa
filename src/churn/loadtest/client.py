"""Send requests and note a sample of each. The only module that knows aiohttp."""

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
async def open_session(timeout_s: float, api_key: str | None = None) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session with as many connections as requests in flight. It reuses them, and sends the key if given."""
    authorization = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),  # a limit would queue requests, and we would measure the queue
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        headers={"Content-Type": "application/json", **authorization},
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:
        yield session


class Client:
    """Post bodies to one URL, in turn. The clock starts when the client is made."""

    def __init__(self, session: aiohttp.ClientSession, url: str, bodies: Sequence[bytes]) -> None:
        self.session, self.url, self.bodies = session, url, bodies
        self.samples: list[Sample] = []
        self.began = time.perf_counter()

    def now(self) -> float:
        """Return the seconds since the client was made."""
        return time.perf_counter() - self.began

    async def send(self, number: int, due_s: float | None = None) -> None:
        """Send the request due at `due_s` (by default now) and wait for its answer. Note failures, raise nothing."""
        sent_s = self.now()
        error: str | None = UNANSWERED  # stays if the request is cancelled
        version = None
        try:
            body = self.bodies[number % len(self.bodies)]
            async with self.session.post(self.url, data=body, allow_redirects=False) as response:
                error, version = check_answer(response.status, await response.read())
        except (aiohttp.ClientError, OSError) as failure:
            error = _name_failure(failure)
        finally:
            self.samples.append(Sample(sent_s if due_s is None else due_s, sent_s, self.now(), error, version))

    def skip(self, due_s: float) -> None:
        """Note a request that was due and could not be sent."""
        self.samples.append(Sample(due_s, None, self.now(), NOT_SENT, None))


def _name_failure(failure: aiohttp.ClientError | OSError) -> str:
    number = getattr(failure, "errno", None)
    if isinstance(failure, TimeoutError):
        return TIMEOUT
    if number == errno.ECONNREFUSED:
        return REFUSED
    if number in {errno.ECONNRESET, errno.EPIPE} or isinstance(
        failure, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError | ConnectionResetError
    ):
        return RESET
    return INVALID if isinstance(failure, aiohttp.ClientResponseError) else FAILED  # aiohttp cannot read it as HTTP
