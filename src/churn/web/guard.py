"""What holds for every answer: security headers, a limit on bodies, a line in the log, and a page when all fails."""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final, Literal

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from churn.web.edge import ARRIVAL_S

MOST_BODY_BYTES = 8192
ENDS_CONNECTION = frozenset({408, 413})  # the rest of the body is not read
STATIC = "/static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HTTPS_ONLY: Final = {"Strict-Transport-Security": "max-age=31536000"}  # a year


class Guard:
    """The outermost layer around an app of pages.

    Args:
        page_cache: `no-store` for pages about one person; `no-cache` for pages that the browser may keep, and must ask
            for each time. Static files are `no-cache` in any case: a new version shows at once.
        quiet: statuses that are logged at the level `debug` only.
        is_https: whether people reach the pages by HTTPS; browsers are then told to use nothing else.
        arrival_s: in which the whole body must come.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        log: FilteringBoundLogger,
        build_problem_page: Callable[[int], Response],
        page_cache: Literal["no-store", "no-cache"],
        quiet: Collection[int] = (),
        is_https: bool = False,
        arrival_s: float = ARRIVAL_S,
    ) -> None:
        self.app = app
        self.log = log
        self.build_problem_page = build_problem_page
        self.page_cache = page_cache
        self.quiet = quiet
        self.headers = {**HEADERS, **(HTTPS_ONLY if is_https else {})}
        self.arrival_s = arrival_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        about = {"method": scope["method"], "path": scope["path"]}

        async def send_stamped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update(self.headers)
                headers["Cache-Control"] = "no-cache" if scope["path"].startswith(f"{STATIC}/") else self.page_cache
                if status in ENDS_CONNECTION:
                    headers["Connection"] = "close"
            await send(message)

        try:
            # A page is built as for GET; the server leaves it out.
            asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
            await self.app(asked, _limit(receive, self.arrival_s), send_stamped)
        except Exception:
            self.log.exception("request_failed", **about)
            if not status:
                await self.build_problem_page(500)(scope, receive, send_stamped)
        finally:
            duration_ms = round((time.perf_counter() - began) * 1000, 2)
            write = self.log.debug if status in self.quiet else self.log.info
            write("request", **about, status=status or 499, duration_ms=duration_ms)


def _limit(receive: Receive, arrival_s: float) -> Receive:
    """Receive a form. Stop at the largest size and at the deadline; do not believe the size that the request claims."""
    received = 0
    is_whole = False
    until_s = asyncio.get_running_loop().time() + arrival_s

    async def receive_limited() -> Message:
        nonlocal received, is_whole
        if is_whole:  # what comes next is that the reader leaves, at any time
            return await receive()
        try:
            async with asyncio.timeout_at(until_s):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408) from error
        received += len(message.get("body", b""))
        if received > MOST_BODY_BYTES:
            raise HTTPException(413)
        is_whole = not message.get("more_body", False)
        return message

    return receive_limited
