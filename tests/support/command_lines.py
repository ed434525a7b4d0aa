"""Command lines that are parsed as the command line would, and not run."""

from typing import Any

import typer

from churn.cli import app
from churn.cli.reports import FORMS, require_forms

COMMAND = typer.main.get_command(app)


def parse(command: Any, typed: list[str], parent: Any = None) -> None:
    """Parses as the command line would, down to the last command, and runs nothing."""
    context = command.make_context(typed[0], typed[1:], parent=parent)
    with context:
        require_forms(context.params.get("out_paths"), (*FORMS, ".csv"))
        if rest := [*getattr(context, "_protected_args", []), *context.args]:
            _, found, arguments = command.resolve_command(context, rest)
            parse(found, [rest[0], *arguments], context)
