"""The program `churn-portal`, also `python -m portal`."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from fastapi import FastAPI

from churn.client import ChurnClient
from churn.errors import ChurnError
from churn.web.addresses import format_url
from churn.web.logging import open_log
from churn.web.server import listen, serve_pages, stop_without_failure
from churn.web.streams import hold_streams, settle_streams
from portal.app import create_app, utc_now
from portal.business import load_business
from portal.events import KINDS
from portal.pages import build_pages
from portal.preview import SIGHTS, preview_pages
from portal.settings import PortalSettings, read_settings
from portal.store import Store
from portal.team import create_team_app

PREVIEW_BUDGET_S = 5.0  # nobody waits for a page

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


@app.command("team", epilog='Example: PORTAL_TEAM_TOKEN="$(openssl rand -hex 24)" churn-portal team')
def team() -> None:
    """Serve the team's pages until stopped: what came of the banners, and what a prediction is made of.

    They have a port of their own, which subscribers need not reach; PORTAL_TEAM_* says where, and who may look.
    """
    settings = read_settings()
    settings.require_writable_folder()
    settings.require_closed_team_door()
    host, port = settings.portal_team_host, settings.portal_team_port
    who = "People who sign in" if settings.portal_team_token or settings.oidc_issuer else "All people on this machine"
    _serve(
        lambda: create_team_app(settings, open_log("info")),
        host,
        port,
        app_name="portal's team app",
        prefix="PORTAL_TEAM_",
        greeting=f"The team's pages are at {format_url(host, port)}\n{who} may look.",
    )


@app.command("events", epilog="Example: CHURN_HOME=var python -m portal events --json")
def events(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False) -> None:
    """Count what happened to banners and offers, by policy and arm."""
    store = open_store()
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


@app.command("preview", epilog="Example: SERVICE_URL=http://127.0.0.1:8000 churn-portal preview")
def preview(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False) -> None:
    """Ask the service about each subscriber of the demo, and count what they would see. Nothing is recorded."""
    settings = read_settings()
    store = Store(settings.store_path, load_business(settings.churn_contract, settings.portal_subscribers).subscribers)
    with ChurnClient(settings.service_url, budget_s=PREVIEW_BUDGET_S, api_key=settings.api_key) as client:
        counts = preview_pages(client, store, utc_now().date())
    store.close()
    if as_json:
        sys.stdout.write(json.dumps(counts, indent=2) + "\n")
        return
    for sight, count in counts.items():
        if count:
            sys.stdout.write(f"{count:5}  {'sees' if count == 1 else 'see'} {SIGHTS[sight]}\n")


subscriber_app = typer.Typer(name="subscriber", help="Export or erase what the portal keeps of one subscriber.")
app.add_typer(subscriber_app)
KeyArgument = Annotated[str, typer.Argument(help="The subscriber's key.", show_default=False)]


@subscriber_app.command("export", epilog="Example: churn-portal subscriber export KEY --out about-you.html")
def export(
    key: KeyArgument,
    *,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page for the subscriber instead.")] = None,
) -> None:
    """Print all that the portal keeps of a subscriber, as JSON."""
    rows = open_store().export_subscriber(key)
    if out:
        pages = build_pages(load_business(read_settings().churn_contract))
        out.write_text(pages.render("about_you.html", rows=rows), encoding="utf-8")
    else:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")


@subscriber_app.command("erase", epilog="Example: churn-portal subscriber erase KEY")
def erase(key: KeyArgument) -> None:
    """Remove all that the portal keeps of a subscriber, and print how many rows that were, as JSON.

    A subscriber of the demonstration comes back, without a past, when the portal is started again.
    """
    sys.stdout.write(json.dumps(open_store().erase_subscriber(key), indent=2) + "\n")


def open_store() -> Store:
    """Open the portal's file. Nobody is added to it."""
    return Store(read_settings().store_path, ())


def serve(settings: PortalSettings) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests it has and return."""
    settings.require_writable_folder()
    host, port = settings.portal_host, settings.portal_port
    greeting = f"The portal is shown at {format_url(host, port)}\nIt asks the service at {settings.service_url}"
    _serve(lambda: create_app(settings), host, port, app_name="portal", prefix="PORTAL_", greeting=greeting)


def _serve(make: Callable[[], FastAPI], host: str, port: int, *, app_name: str, prefix: str, greeting: str) -> None:
    def announce() -> None:
        # On standard error, for standard output is the log.
        sys.stderr.write(f"\n{greeting}\n\nStop with Ctrl+C.\n")
        sys.stderr.flush()

    with stop_without_failure(), listen(host, port, app=app_name, prefix=prefix) as listener:
        serve_pages(make(), listener, log_level="info", announce=announce)


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
