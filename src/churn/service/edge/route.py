"""Routes that FastAPI describes, and that answer without the parts of it that they do not use."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from churn.contract.subscriber import SubscriberError
from churn.service.edge.problems import Problem, answer_problem
from churn.service.edge.tracing import name_span

JSON = "application/json"


class JsonResponse(Response):
    """An answer whose JSON is written already, without what Starlette adds for answers of other kinds."""

    def __init__(self, body: bytes) -> None:
        self.status_code = 200
        self.background = None
        self.body = body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), (b"content-type", JSON.encode())]


class PiecesResponse(Response):
    """The same in pieces: each waits until the caller has taken most of those before."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = pieces
        self.status_code = 200
        length = b"%d" % sum(map(len, pieces))
        self.raw_headers = [(b"content-length", length), (b"content-type", JSON.encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the interface's
        """Send all pieces."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for piece in self.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})


class DirectRoute(APIRoute):
    """A route whose endpoint takes the request and gives the response, with nothing between.

    FastAPI's dependencies, form files and background tasks would take a third of the time of an answer.
    """

    def __init__(self, path: str, endpoint: Any, **description: Any) -> None:
        super().__init__(path, endpoint, **description)
        self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        name_span(scope, self.path)
        try:
            response = await self.endpoint(request)
        except (Problem, SubscriberError) as problem:
            response = await answer_problem(request, problem)
        await response(scope, receive, send)


class DirectApi(FastAPI):
    """A FastAPI application around routes that use no dependencies, so that it needs no more layers than its own."""

    def build_middleware_stack(self) -> ASGIApp:
        """Put the given middleware around the routes."""
        app: ASGIApp = _Switch(self.router.routes, ExceptionMiddleware(self.router, handlers=self.exception_handlers))
        for layer in reversed(self.user_middleware):
            app = layer.cls(app, *layer.args, **layer.kwargs)
        return app


class _Switch:
    """Finds a route by its method and its path, which has no variable parts. The router answers all else.

    HEAD is answered as GET is; the server leaves out the body.
    """

    def __init__(self, routes: Sequence[BaseRoute], otherwise: ASGIApp) -> None:
        direct = [route for route in routes if isinstance(route, DirectRoute)]
        self.apps = {(method, route.path): route.app for route in direct for method in route.methods or ()}
        self.apps |= {("HEAD", path): app for (method, path), app in self.apps.items() if method == "GET"}
        self.otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.apps.get((scope.get("method", ""), scope.get("path", "")), self.otherwise)
        await app(scope, receive, send)
