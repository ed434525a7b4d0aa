"""Builds an app of pages: guarded, with its static files, and with a page for every problem."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from churn.web.edge import Edge
from churn.web.guard import HEADERS, STATIC, Guard
from churn.web.pages import Pages

MACHINES = "/api"  # what is below it answers in JSON


class NumberConvertor(Convertor[int]):
    """A number in a path, as `{name:number}`. One that no store has is no page: SQLite's end below 10 ** 19."""

    regex = "[0-9]{1,18}"

    def convert(self, value: str) -> int:
        """Read it."""
        return int(value)

    def to_string(self, value: int) -> str:
        """Write it."""
        return str(value)


register_url_convertor("number", NumberConvertor())


def create_page_app(
    pages: Pages, *, guard: Mapping[str, Any], exception_handlers: Mapping[Any, Any], **options: Any
) -> FastAPI:
    """Return an app without routes; `guard` is for `Guard`, the options are for FastAPI, such as `title`."""

    async def show_problem(request: Request, error: HTTPException) -> Response:
        if request.url.path.startswith(f"{MACHINES}/"):
            return _describe_problem(error)
        return pages.build_problem_page(error.status_code)

    def refuse(status: HTTPStatus) -> Response:
        response = pages.build_problem_page(status)
        response.headers.update(HEADERS)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers["Retry-After"] = "1"
        return response

    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[Middleware(Guard, build_problem_page=pages.build_problem_page, **guard)],
        exception_handlers={HTTPException: show_problem, **exception_handlers},
        **options,
    )
    app.state.edge = Edge(refuse)
    app.mount(STATIC, StaticFiles(directory=pages.folder / "static", packages=[("churn.web", "static")]))
    return app


def _describe_problem(error: HTTPException) -> Response:
    """Return RFC 9457 problem details."""
    status = HTTPStatus(error.status_code)
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": error.detail}
    return JSONResponse(problem, status, error.headers, media_type="application/problem+json")
