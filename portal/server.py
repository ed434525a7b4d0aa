"""The portal as a process: what can be refused is refused before anything listens."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys

import uvicorn

from churn.errors import SettingsError
from portal.app import create_app
from portal.logging import LOG_CONFIG
from portal.settings import PortalSettings

# Longer than the 60 s after which a load balancer drops an idle connection: it must be the one to hang up.
KEEP_ALIVE_S = 75
GRACEFUL_SHUTDOWN_S = 10


def serve(settings: PortalSettings) -> None:
    """Serves until SIGTERM or SIGINT, then finishes the requests it has and returns.

    Raises:
        SettingsError: the address cannot be used.
        StoreError: the store cannot be used.
    """
    # Being told to stop is no failure: uvicorn, once done, raises the signal again for whoever had it before.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), listen(settings) as listener:
        config = uvicorn.Config(
            create_app(settings),
            log_config=LOG_CONFIG,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
        )
        _Server(config, settings).run([listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, settings: PortalSettings) -> None:
        super().__init__(config)
        self.settings = settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # On standard error, for standard output is the log.
        sys.stderr.write(
            f"\nManage Subscription is shown at {_address(self.settings)}\n"
            "For the team: /explain, what a prediction is made of; /team/events, what came of the banners.\n"
            f"It asks the service at {self.settings.service_url}\n\nStop with Ctrl+C.\n"
        )
        sys.stderr.flush()


def listen(settings: PortalSettings) -> socket.socket:
    """Binds the portal's address.

    Raises:
        SettingsError: it cannot be used.
    """
    host, port = settings.portal_host, settings.portal_port
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else "there is no such address"
        raise SettingsError(
            f"the portal cannot listen on {host} port {port}: {reason}",
            instead="stop what listens there, or set PORTAL_HOST and PORTAL_PORT to an address that is free",
        ) from error


def _address(settings: PortalSettings) -> str:
    host = f"[{settings.portal_host}]" if ":" in settings.portal_host else settings.portal_host
    return f"http://{host}:{settings.portal_port}"
