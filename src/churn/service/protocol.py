"""What happens to a request before it reaches the app: it may be no HTTP at all, or one too many."""

from __future__ import annotations

import time
import uuid
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from churn.service.problems import Problem

NOT_HTTP = Problem(
    HTTPStatus.BAD_REQUEST, "the request is not valid HTTP/1.1; check its request line, headers and length"
)


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, except that its refusals have the shape of all others and that its queue is bounded."""

    def on_message_begin(self) -> None:
        """Here the time of a request begins, with its first byte; whatever it waits for is part of it."""
        super().on_message_begin()
        self.scope["state"]["began_ns"] = time.perf_counter_ns()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # Here and nowhere later: a request waits as a task of the event loop, which is where the queue is.
        super()._start_asgi_task(cycle, self.app.state.waiting_room.admit(app, cycle.scope))

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the signature is uvicorn's
        """Answers and hangs up: what follows on the connection cannot be told apart from what is wrong."""
        self.app.state.counting.failed(NOT_HTTP.kind)
        request_id = uuid.uuid4().hex
        response = NOT_HTTP.response(request_id)
        headers = [
            *self.server_state.default_headers,
            *response.raw_headers,
            (b"connection", b"close"),
            (b"x-response-time-ms", b"0"),  # there is no request that began
            (b"x-model-version", self.app.state.model_version.encode()),
            (b"x-request-id", request_id.encode()),
        ]
        lines = [b"HTTP/1.1 %d %s" % (response.status_code, NOT_HTTP.status.phrase.encode())]
        lines += [name + b": " + value for name, value in headers]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(response.body)]))
        self.transport.close()
