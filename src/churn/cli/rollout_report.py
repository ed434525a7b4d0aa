"""The command `churn rollout report`: a rollout as one file that can be mailed."""

import time
from pathlib import Path
from typing import Annotated

import typer

from churn.cli.dashboard import require_dashboard_extra
from churn.cli.options import ReportOption
from churn.cli.reports import require_forms, write_report
from churn.cli.rollout import rollout_app
from churn.cli.show import out
from churn.settings import read_settings


def add_to(_: typer.Typer) -> None:
    """Add this command to `churn rollout`."""
    rollout_app.command("report", epilog="Example: churn rollout report 3 --out rollout-3.html")(rollout_report)


def rollout_report(
    number: Annotated[int, typer.Argument(min=1, help="The rollout; `churn rollout history` lists them.")],
    out_paths: ReportOption = None,
) -> None:
    """Write a rollout as a file that needs no network and no script: to keep, or to mail.

    Without --out it is `rollout-N.html`.
    """
    paths = require_forms(out_paths or [Path(f"rollout-{number}.html")])
    require_dashboard_extra()
    from churn.dashboard.charts.rollout import report_rollout as report_on  # noqa: PLC0415 - an extra
    from churn.dashboard.rollouts import Rollouts  # noqa: PLC0415

    snapshot = Rollouts(read_settings().churn_home).read_snapshot(number)
    history = snapshot.history
    figures = {**history.rollout.summarize(), "happenings": [event.summarize() for event in history.events]}
    write_report(paths, figures, lambda: report_on(snapshot, time.time()))
    for path in paths:
        out.print(f"{path} {path.stat().st_size:,} bytes")
