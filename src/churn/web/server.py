"""Binds an address, and serves until told to stop."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette

from churn.errors import SettingsError
from churn.web.acceptor import BACKLOG, Acceptor
from churn.web.logging import build_log_config
from churn.web.protocol import PROTOCOL

# Longer than the 60 s after which a load balancer drops an idle connection: it must be the one to hang up,
# else it sends a request into a connection that is just being closed.
KEEP_ALIVE_S = 75
GRACEFUL_SHUTDOWN_S = 10


def listen(host: str, port: int, *, app: str, prefix: str = "") -> socket.socket:
    """Bind an address. Binding is the check: a port that was free a moment ago may be taken now.

    Port 0 is any. The app's name and what its settings begin with, before HOST and PORT, are for the message.

    Raises:
        SettingsError: the address cannot be used.
    """
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=BACKLOG
        )
    except OSError as error:
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else "there is no such address"
        raise SettingsError(
            f"the {app} cannot listen on {host} port {port}: {reason}",
            instead=f"stop what listens there, or set {prefix}HOST and {prefix}PORT to an address that is free",
        ) from error


class AcceptingServer(uvicorn.Server):
    """Serve as uvicorn does, but take connections as `Acceptor` does, and lose none when told to stop.

    Args:
        announce: called once the server answers.
    """

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self.announce = announce
        self.acceptors: list[Acceptor] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce it."""
        await super().startup([])
        self.acceptors = [Acceptor(listener, self.config.workers, self._take) for listener in sockets or ()]
        with contextlib.suppress(OSError):  # who does not see the greeting is served too
            self.announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, and answer what has come on those that are there."""
        self.config.loaded_app.state.edge.is_stopping = True
        for acceptor in self.acceptors:
            acceptor.stop()
            acceptor.take_rest()
        await super().shutdown(sockets)

    def _take(self, connection: socket.socket) -> None:
        task = asyncio.Task(self._connect(connection), loop=asyncio.get_running_loop(), eager_start=True)
        self.server_state.tasks.add(task)
        task.add_done_callback(self.server_state.tasks.discard)

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._create_protocol, connection)
        except OSError:  # the caller has left
            connection.close()

    def _create_protocol(self) -> asyncio.Protocol:
        create: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = create(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol


@contextlib.contextmanager
def stop_without_failure() -> Iterator[None]:
    """End the block quietly on SIGTERM or SIGINT: to be told to stop is no failure."""
    # uvicorn, once done, raises the signal again for the handler that was there before.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        yield


def serve_pages(app: Starlette, listener: socket.socket, *, log_level: str, announce: Callable[[], None]) -> None:
    """Serve an app of pages until told to stop, then finish the requests it has. Announce it once it answers."""
    config = uvicorn.Config(
        app,
        http=PROTOCOL,
        ws="none",
        log_config=build_log_config(log_level),
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
    )
    AcceptingServer(config, announce).run([listener])
