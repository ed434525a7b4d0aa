"""What holds for every answer: security headers, a limit on bodies, a line in the log, and a page when all fails."""

from __future__ import annotations

import time
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from churn.dashboard.pages import problem_page

MOST_BODY_BYTES = 8192
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
    "Cache-Control": "no-cache",  # kept, but asked after each time
}


class Guard:
    """The outermost layer around the app."""

    def __init__(self, app: ASGIApp, log: FilteringBoundLogger) -> None:
        self.app = app
        self.log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def stamp(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        try:
            await self.app(scope, _limited(receive), stamp)
        except Exception:
            self.log.exception("request_failed", method=scope["method"], path=scope["path"])
            if not status:
                await problem_page(500)(scope, receive, stamp)
        finally:
            duration_ms = round((time.perf_counter() - began) * 1000, 2)
            line = {"method": scope["method"], "path": scope["path"], "status": status or 499}
            # Pages that look again every few seconds would fill the log.
            (self.log.debug if status in {200, 304} else self.log.info)("request", **line, duration_ms=duration_ms)


def _limited(receive: Receive) -> Receive:
    """Receives no more than a form of ours can be long, whatever the request says of its length."""
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MOST_BODY_BYTES:
            raise HTTPException(413)
        return message

    return limited
