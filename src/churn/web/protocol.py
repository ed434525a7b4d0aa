"""What happens to a request before it reaches the app: it may not be HTTP, or one too many."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

PROTOCOL = f"{__name__}:EdgeProtocol"  # as uvicorn takes it


@dataclass(frozen=True)
class Edge:
    """What an app decides before a request reaches it. The app keeps it in `app.state.edge`.

    `refuse` builds the answer to bytes that are not HTTP/1.1. `admit` returns the app that answers a request.
    """

    refuse: Callable[[], Response]
    admit: Callable[[ASGIApp, Scope], ASGIApp] = lambda app, _: app


class EdgeProtocol(HttpToolsProtocol):
    """Speak HTTP as uvicorn does, but let the app's edge word refusals and bound the queue."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.edge = self.app.state.edge

    def on_message_begin(self) -> None:
        """Note when the first byte of a request came. Its time begins here, and includes all waiting."""
        super().on_message_begin()
        self.scope["state"]["began_ns"] = time.perf_counter_ns()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # Here and nowhere later: a request waits as a task of the event loop, which is where the queue is.
        super()._start_asgi_task(cycle, self.edge.admit(app, cycle.scope))

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the signature is uvicorn's
        """Answer and hang up: what follows on the connection cannot be told apart from what is wrong."""
        response = self.edge.refuse()
        headers = [*self.server_state.default_headers, *response.raw_headers, (b"connection", b"close")]
        status = HTTPStatus(response.status_code)
        lines = [b"HTTP/1.1 %d %s" % (status, status.phrase.encode())]
        lines += [name + b": " + value for name, value in headers]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(response.body)]))
        self.transport.close()
