"""What holds for every page, whatever its reader does."""

import asyncio
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from churn.web.app import create_page_app
from churn.web.pages import Pages
from portal.business import load_business
from portal.pages import build_pages


def build_app(pages: Pages, arrival_s: float) -> Any:
    guard = {"log": structlog.get_logger(), "page_cache": "no-store", "arrival_s": arrival_s}
    app = create_page_app(pages, guard=guard, exception_handlers={})

    @app.post("/form")
    async def read_form(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(dict(await request.form())))

    return app


def test_a_form_that_never_ends_is_given_up() -> None:
    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    assert asyncio.run(_post(build_app(build_pages(load_business("streamflow")), arrival_s=0), receive)) == 408


async def _post(app: Any, receive: Receive) -> int:
    status = 0

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    scope: Scope = {"type": "http", "method": "POST", "path": "/form", "query_string": b"", "headers": headers}
    wanted: Send = send
    await app(scope, receive, wanted)
    return status
