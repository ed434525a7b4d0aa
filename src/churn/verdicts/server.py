"""The judge as a process: what can be refused is refused before anything listens."""

import sys

from churn.verdicts.analysis import Analyst
from churn.verdicts.app import create_app
from churn.web.addresses import format_url
from churn.web.logging import open_log
from churn.web.server import listen, serve_pages, stop_without_failure


def serve(analyst: Analyst, token: str, *, host: str, port: int, log_level: str) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests it has and return.

    Raises:
        SettingsError: the address cannot be used.
    """

    def announce() -> None:
        # On standard error, for standard output is the log.
        sys.stderr.write(f"\nThe judge answers at {format_url(host, port)}/verdict\n\nStop with Ctrl+C.\n")
        sys.stderr.flush()

    with stop_without_failure(), listen(host, port, app="judge", prefix="JUDGE_") as listener:
        serve_pages(create_app(analyst, token, open_log(log_level)), listener, log_level=log_level, announce=announce)
