"""The command `churn keys make`: a key for a caller of the service."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from churn.cli.show import err, out, say
from churn.service.keys import SCOPES, CallerScope, add_entry, build_entry, make_key

app = typer.Typer(name="keys", help="Make the keys with which callers call the service.", no_args_is_help=True)


@app.callback()
def _keep_as_group() -> None:
    """Keep `make` a command of a group while it is the only one."""


@app.command("make", epilog="Example: churn keys make portal --scope predict --scope events --file keys.toml")
def make(
    name: Annotated[str, typer.Argument(help="Whose key it is, such as portal; log and metrics name it.")],
    *,
    scopes: Annotated[list[CallerScope], typer.Option("--scope", help="What it may ask for; may be given again.")],
    file: Annotated[
        Path | None, typer.Option("--file", help="Add the entry to this file, which API_KEYS_FILE names.")
    ] = None,
) -> None:
    """Make a key. It is printed once, on standard output, and kept nowhere; the service knows its SHA-256 only."""
    key = make_key()
    entry = build_entry(name, key, [scope for scope in SCOPES if scope in scopes], datetime.now(UTC).date())
    if file:
        add_entry(file, entry)
        say(f"added to {file}; a service that reads it takes the key within a second")
    else:
        say("add this to the file that API_KEYS_FILE names, or to the text in API_KEYS:")
        err.print(f"\n{entry}", markup=False)
    say("the key, which is not shown again:")
    out.print(key, markup=False)
