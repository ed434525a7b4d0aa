"""The program `churn-portal`, also `python -m portal`."""

import json
import sys
from typing import Annotated, NoReturn

import typer

from churn.errors import ChurnError
from churn.web.server import format_url, listen, serve_pages, stop_without_failure
from churn.web.streams import hold_streams, settle_streams
from portal.app import create_app
from portal.events import KINDS
from portal.records import load_demo_subscribers
from portal.settings import PortalSettings, read_settings
from portal.store import Store

app = typer.Typer(
    help="The Manage Subscription portal. Without a command it serves until stopped.\n\ndocs/portal.md says more.",
    epilog="Example: PORTAL_PORT=8001 SERVICE_URL=http://127.0.0.1:8000 python -m portal\n\n"
    "Exit codes: 0 done, 1 failed, 2 wrong use or setting, 130 interrupted.",
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback(invoke_without_command=True)
def run(context: typer.Context) -> None:
    """Serve, unless a command is given."""
    if context.invoked_subcommand is None:
        serve(read_settings())


@app.command("events", epilog="Example: CHURN_HOME=var python -m portal events --json")
def events(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False) -> None:
    """Count what happened to banners and offers, by policy and arm."""
    store = Store(read_settings().store_path, load_demo_subscribers())
    counts = store.count_events()
    store.close()
    if as_json:
        sys.stdout.write(json.dumps(counts, indent=2) + "\n")
        return
    for count in counts:
        what = f"{count['policy_version']}  {count['arm']:10}  {KINDS[count['kind']]:24}"
        sys.stdout.write(f"{what}  {count['events']:5}  of {count['subscribers']} subscribers\n")
    if not counts:
        sys.stdout.write("Nothing has happened yet.\n")


def serve(settings: PortalSettings) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests it has and return."""
    settings.require_writable_folder()
    host, port = settings.portal_host, settings.portal_port

    def announce() -> None:
        # On standard error, for standard output is the log.
        sys.stderr.write(
            f"\nManage Subscription is shown at {format_url(host, port)}\n"
            "For the team: /explain, what a prediction is made of; /team/events, what came of the banners.\n"
            f"It asks the service at {settings.service_url}\n\nStop with Ctrl+C.\n"
        )
        sys.stderr.flush()

    with stop_without_failure(), listen(host, port, app="portal", prefix="PORTAL_") as listener:
        serve_pages(create_app(settings), listener, log_level="info", announce=announce)


def main() -> NoReturn:
    """Run it. Say in a sentence on standard error what goes wrong, and exit with its code."""
    hold_streams()
    try:
        _run()
    except ChurnError as error:
        sys.stderr.write(f"error: {error.message}\n" + (f"instead: {error.instead}\n" if error.instead else ""))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(1)  # who read our output has seen enough
    except OSError as error:
        sys.stderr.write(f"error: {error}\ninstead: make room or mend the path, then try again\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        settle_streams()
    sys.exit(0)


def _run() -> None:
    try:
        app()
    finally:
        sys.stdout.flush()  # here a full disk is still told in a sentence


if __name__ == "__main__":
    main()
