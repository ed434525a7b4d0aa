"""Requests that nobody foresaw, for an app of pages: to its routes as they are declared, and as forms of any kind."""

from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

bounded = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

KINDS = st.sampled_from(
    [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=raw_unicode_escape",
        "multipart/form-data; boundary=X; charset=raw_unicode_escape",
        "multipart/form-data; boundary=X; charset=\0",
        "multipart/form-data",
        "text/plain",
        "",
    ]
)
PARTS = st.sampled_from(
    [
        b"form_token=", b"subscriber=", b"token=", b"reason=",
        b"&", b"=", b"%", b"%ED%A0%80", b"%00", b"\xff", b"\\ud800",
        b"+2AA-", b"9" * 5000, b"a=1&" * 20, b"--X\r\n", b"--X--\r\n", b"\r\n\r\n",
        b'Content-Disposition: form-data; name="form_token"',
    ]
)  # fmt: skip
forms = st.tuples(KINDS, st.lists(PARTS, max_size=12).map(b"".join))


def promises(app: FastAPI) -> Any:
    """The schema of an app of pages, which serves none."""

    async def document(_: Request) -> Response:
        return JSONResponse(app.openapi())

    whole = Starlette(routes=[Route("/schema.json", document), Mount("/", app)])
    return schemathesis.openapi.from_asgi("/schema.json", whole, config=SchemathesisConfig.from_dict({"seed": 0}))


def list_posts(app: FastAPI) -> list[str]:
    """The paths that take a form, with something in place of their parameters."""
    return [
        path.replace("{number}", "3").replace("{prediction_id}", "0" * 32)
        for path, operations in app.openapi()["paths"].items()
        if "post" in operations
    ]
