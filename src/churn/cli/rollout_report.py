"""The command `churn rollout report`: a rollout as one HTML file that can be mailed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from churn.cli.dashboard import require_dashboard_extra
from churn.cli.rollout import rollout_app
from churn.cli.show import out
from churn.settings import read_settings


def add_to(_: typer.Typer) -> None:
    """Adds this command to `churn rollout`."""
    rollout_app.command("report", epilog="Example: churn rollout report 3 --out rollout-3.html")(rollout_report)


def rollout_report(
    number: Annotated[int, typer.Argument(min=1, help="The rollout; `churn rollout history` lists them.")],
    out_path: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to write it; `rollout-N.html` here if not given."),
    ] = None,
) -> None:
    """Write a rollout as one HTML file that needs no network and no script: to keep, or to mail."""
    require_dashboard_extra()
    from churn.dashboard.report import report  # noqa: PLC0415 - an extra
    from churn.dashboard.rollouts import Rollouts  # noqa: PLC0415
    from churn.files import write_bytes  # noqa: PLC0415

    path = out_path or Path(f"rollout-{number}.html")
    content = report(Rollouts(read_settings().churn_home).snapshot(number), time.time()).encode()
    write_bytes(path, content)
    out.print(f"{path} {len(content):,} bytes")
