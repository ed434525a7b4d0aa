"""The dashboard as a process: what can be refused is refused before anything listens."""

import sys

from churn.dashboard.app import create_app
from churn.dashboard.charts.drawing import warm_up
from churn.dashboard.routes.service import DashboardConfig
from churn.web.addresses import format_url
from churn.web.logging import open_log
from churn.web.server import listen, serve_pages, stop_without_failure


def serve(config: DashboardConfig, *, host: str, port: int, log_level: str) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests it has and return.

    Raises:
        SettingsError: the address cannot be used.
    """

    def announce() -> None:
        act = (
            "People who sign in may look and act."
            if config.token or config.oidc
            else "It can be read; set DASHBOARD_TOKEN to let people act."
        )
        # On standard error, for standard output is the log.
        sys.stderr.write(f"\nThe dashboard is at {format_url(host, port)}\n{act}\n\nStop with Ctrl+C.\n")
        sys.stderr.flush()

    with stop_without_failure(), listen(host, port, app="dashboard", prefix="DASHBOARD_") as listener:
        warm_up()
        serve_pages(create_app(config, open_log(log_level)), listener, log_level=log_level, announce=announce)
