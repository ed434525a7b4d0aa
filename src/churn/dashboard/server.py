"""The dashboard as a process: what can be refused is refused before anything listens."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys

import uvicorn

from churn.dashboard.app import create_app
from churn.dashboard.drawing import warm_up
from churn.dashboard.watching import Watched
from churn.errors import SettingsError
from churn.service.logging import log_config, open_log

GRACEFUL_SHUTDOWN_S = 5
QUIET = {"loggers": {"httpx2": {"level": "WARNING"}}}  # it writes a line for each request


def serve(watched: Watched, *, host: str, port: int, log_level: str) -> None:
    """Serves until SIGTERM or SIGINT, then finishes the requests it has and returns.

    Raises:
        SettingsError: the address cannot be used.
    """
    # Being told to stop is no failure: uvicorn, once done, raises the signal again for whoever had it before.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), listen(host, port) as listener:
        warm_up()
        config = uvicorn.Config(
            create_app(watched, open_log(log_level)),
            log_config=log_config(log_level) | QUIET,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
        )
        _Server(config, host, port, may_act=watched.token is not None).run([listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, host: str, port: int, *, may_act: bool) -> None:
        super().__init__(config)
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self.may_act = may_act

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        act = (
            "Whoever has the token may act."
            if self.may_act
            else "It can be read; set DASHBOARD_TOKEN to let people act."
        )
        # On standard error, for standard output is the log.
        sys.stderr.write(f"\nThe dashboard is at {self.address}\n{act}\n\nStop with Ctrl+C.\n")
        sys.stderr.flush()


def listen(host: str, port: int) -> socket.socket:
    """Binds the dashboard's address.

    Raises:
        SettingsError: it cannot be used.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else "there is no such address"
        raise SettingsError(
            f"the dashboard cannot listen on {host} port {port}: {reason}",
            instead="stop what listens there, or set DASHBOARD_HOST and DASHBOARD_PORT to an address that is free",
        ) from error
