"""What answers while no worker can: 503 at once, and the counts to whom asks for them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

import uvicorn

from churn.service.counting.counters import Counters
from churn.service.keys import KeyRing
from churn.web.edge import Edge
from churn.web.lines import find_output
from churn.web.protocol import PROTOCOL
from churn.web.server import AcceptingServer

if TYPE_CHECKING:
    import socket

    from starlette.applications import Starlette
    from starlette.types import Receive, Scope, Send

RETRY_AFTER_S = 1
FINISH_S = 2

log = logging.getLogger("churn.workers")


class Standby:
    """Answers in a thread of the process that raises the workers, from `begin` to `end`. Both may be called twice.

    Args:
        counters: a row of that process, in the ledger of the workers.
        listener: where the workers listen.
        keys: of the callers, if they have some.
    """

    def __init__(
        self, counters: Counters, listener: socket.socket, *, log_level: str, keys: KeyRing | None = None
    ) -> None:
        self.counters = counters
        self.keys = keys
        find_output().observer = counters.count_lost_line
        self._listener = listener
        self._log_level = log_level
        self._server: _Server | None = None

    def begin(self) -> None:
        """Answer from now on."""
        if self._server is None:
            log.error("no worker can answer: every request gets 503 until one can")
            config = uvicorn.Config(
                functools.partial(build_standby_app, self.counters, log_level=self._log_level, keys=self.keys),
                factory=True,  # so that the thread loads what it needs, and workers are raised meanwhile
                loop="uvloop",
                http=PROTOCOL,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=FINISH_S,
            )
            self._server = _Server(config)
            serve = functools.partial(self._server.run, [self._listener.dup()])
            threading.Thread(target=serve, name="standby", daemon=True).start()

    def end(self) -> None:
        """Leave further requests to the workers."""
        if self._server:
            self._server.leave()
            self._server = None
            log.warning("a worker answers again")


class _Server(AcceptingServer):
    """Stops to listen at once when it is told to, not at its next look."""

    _loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        if not self.should_exit:
            await super().startup(sockets)

    def leave(self) -> None:
        """Stop, from another thread."""
        self.should_exit = True
        if self._loop:
            with contextlib.suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._stop_listening)

    def _stop_listening(self) -> None:
        while self.acceptors:  # the workers take those that wait
            self.acceptors.pop().stop()


def build_standby_app(counters: Counters, *, log_level: str, keys: KeyRing | None = None) -> Starlette:
    """Return an app that answers 503 to everything but /metrics, and asks the caller to come on a new connection.

    Who may not call a worker may not call it either.
    """
    # Slow to load, and only needed where no worker answers.
    from starlette.applications import Starlette  # noqa: PLC0415
    from starlette.middleware import Middleware  # noqa: PLC0415
    from starlette.responses import Response  # noqa: PLC0415
    from starlette.routing import Mount  # noqa: PLC0415

    from churn.service.counting.exposition import expose  # noqa: PLC0415
    from churn.service.edge.callers import Callers  # noqa: PLC0415
    from churn.service.edge.drain import Drain  # noqa: PLC0415
    from churn.service.edge.middleware import ObservationMiddleware, refuse_connection  # noqa: PLC0415
    from churn.service.edge.problems import Problem  # noqa: PLC0415

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/metrics":
            body, content_type = await expose(counters, dict(scope["headers"]).get(b"accept", b"").decode("latin-1"))
            response = Response(body, media_type=content_type)
        else:
            problem = Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "no worker of this service can answer at the moment; send the request elsewhere, or again after the "
                "seconds that Retry-After says",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
            response = problem.build_response(scope["state"]["request_id"])
        await response(scope, receive, send)

    version = counters.served.model_version
    drain = Drain(0)
    drain.has_begun = True  # so that each answer ends its connection
    observation = Middleware(
        ObservationMiddleware,
        model_version=version,
        log_level=log_level,
        counters=counters,
        drain=drain,
        callers=Callers(keys, counters) if keys else None,
    )
    app = Starlette(routes=[Mount("/", app=answer)], middleware=[observation])
    app.state.edge = Edge(functools.partial(refuse_connection, counters, version))
    return app
