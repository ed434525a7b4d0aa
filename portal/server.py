"""The portal as a process: what can be refused is refused before anything listens."""

from __future__ import annotations

import sys

from churn.web.server import listen, serve_pages, stop_without_failure, url_of
from portal.app import create_app
from portal.settings import PortalSettings


def serve(settings: PortalSettings) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests it has and return.

    Raises:
        SettingsError: the address cannot be used.
        StoreError: the store cannot be used.
    """
    host, port = settings.portal_host, settings.portal_port

    def announce() -> None:
        # On standard error, for standard output is the log.
        sys.stderr.write(
            f"\nManage Subscription is shown at {url_of(host, port)}\n"
            "For the team: /explain, what a prediction is made of; /team/events, what came of the banners.\n"
            f"It asks the service at {settings.service_url}\n\nStop with Ctrl+C.\n"
        )
        sys.stderr.flush()

    with stop_without_failure(), listen(host, port, app="portal", prefix="PORTAL_") as listener:
        serve_pages(create_app(settings), listener, log_level="info", announce=announce)
