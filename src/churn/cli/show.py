"""What commands print: progress and complaints to standard error, results to standard output."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from churn.errors import ChurnError

PIPED_WIDTH = 120  # a terminal knows its width, a file or a pipe does not


class Aside(Console):
    """Standard error: what cannot be shown there never ends a command."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print if it is possible."""
        with suppress(OSError):
            super().print(*objects, **options)

    def on_broken_pipe(self) -> None:
        """Go on."""


out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
err = Aside(stderr=True, soft_wrap=True, highlight=False, width=None if sys.stderr.isatty() else PIPED_WIDTH)


def format_time(at: float) -> str:
    """Return a time in seconds since 1970 as people read it, with its zone."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def say(text: str) -> None:
    """Print a step on the way."""
    err.print(f"[bold cyan]>[/] {escape(text)}")


def complain(error: ChurnError) -> None:
    """Print what went wrong, and what to do instead."""
    err.print(f"[bold red]error:[/] {escape(error.message)}")
    if error.instead:
        err.print(f"[bold]instead:[/] {escape(error.instead)}")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, to: Console = out) -> None:
    """Print a table; numbers stand right."""
    shown = Table(title=title, title_justify="left")
    for at, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[at], int | float) for row in rows)
        shown.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(escape(f"{cell:.4f}" if isinstance(cell, float) else str(cell)) for cell in row))
    to.print(shown)


def print_json(content: Any) -> None:
    """Print a result for scripts."""
    out.file.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def show_progress(title: str, *, calm: bool = False, after_s: float = 0.0) -> Iterator[Any]:
    """Yield a function (done, total, what=title) that moves a progress bar.

    A calm one appears when it is first moved and draws only then: drawing takes time from what is being measured. None
    appears before `after_s` have passed.
    """
    begun_s = time.monotonic()
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, auto_refresh=not calm) as progress:
        task = progress.add_task(title, total=None, visible=not calm)
        yield (
            lambda done, total, what=title: (
                progress.update(task, completed=done, total=total, description=str(what), visible=True, refresh=calm)
                if time.monotonic() - begun_s >= after_s
                else None
            )
        )
