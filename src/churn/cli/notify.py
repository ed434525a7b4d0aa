"""The command `churn notify test`, and how other commands tell people what happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from churn.cli.extras import require_extra
from churn.cli.show import out, say
from churn.errors import ChurnError, SettingsError
from churn.notices.notice import Notice
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.notices.announcer import Announcer

# ruff: noqa: PLC0415 - Apprise belongs to an extra, and takes a moment to load

app = typer.Typer(name="notify", help="Tell people what happened, where NOTIFY_URLS names them.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Tell people what happened, where NOTIFY_URLS names them."""


@app.command("test", epilog="Example: NOTIFY_URLS=json://127.0.0.1:9000 churn notify test")
def notify_test() -> None:
    """Send a test to each address of NOTIFY_URLS, and say which of them took it; exit code 1 if one did not."""
    settings = read_settings()
    if settings.notify_urls is None:
        raise SettingsError("NOTIFY_URLS is not set, so nobody is told anything", instead="set it to addresses")
    require_extra("notify", "apprise")
    from churn.notices.receivers import read_receivers

    notice = Notice("test", "test", "A test of churn", "This address is told what happens.", "There is nothing to do.")
    refused = 0
    for receiver in read_receivers(settings.notify_urls.get_secret_value()):
        is_taken = receiver.tell(notice)
        refused += not is_taken
        out.print(f"{receiver.name}: {'taken' if is_taken else 'NOT taken'}", markup=False)
    if refused:
        raise ChurnError(
            f"{refused} of the addresses did not take it", instead="see whether the address and its token are right"
        )


@contextmanager
def open_announcer(settings: Settings) -> Iterator[Announcer]:
    """Open what tells people. It does nothing where NOTIFY_URLS is not set; at the end it waits until all is sent.

    Raises:
        SettingsError: an address is wrong.
        ChurnError: the library is missing.
    """
    from churn.notices.announcer import Announcer, Receiver

    addresses, receivers = settings.notify_urls, list[Receiver]()
    if addresses is not None:
        require_extra("notify", "apprise")
        from churn.notices.receivers import read_receivers

        receivers += read_receivers(addresses.get_secret_value())
    announcer = Announcer(receivers, settings.churn_home / "notices.json", say)
    try:
        yield announcer
    finally:
        announcer.close()


def announce(settings: Settings, notice: Notice) -> None:
    """Tell one state, and wait until it is told. What cannot be told is said on standard error; nothing is raised."""
    try:
        with open_announcer(settings) as announcer:
            announcer.announce(notice)
    except ChurnError as error:
        say(f"nobody is told: {error.message}; {error.instead}")
