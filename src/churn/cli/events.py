"""The command `churn predictions events`: what portals reported of banners, counted."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from churn.cli.options import ContractOption, JsonOption
from churn.cli.predictions import require_log
from churn.cli.show import out, print_json, print_table, show_progress
from churn.errors import DataError
from churn.settings import read_settings

# ruff: noqa: PLC0415 - what reads Parquet takes a moment to load


def add_to(commands: typer.Typer) -> None:
    """Add the command to those on the log."""
    commands.command("events", epilog="Example: churn predictions events --days 7")(predictions_events)


def predictions_events(
    *,
    days: Annotated[int, typer.Option(min=1, max=36_500, help="Of how many days, back from now.")] = 30,
    contract: ContractOption = "streamflow",
    as_json: JsonOption = False,
) -> None:
    """Count what portals reported of banners, by the version that predicted. Exit code 3: a segment is left out.

    An event counts once for each prediction. Events whose prediction is not in the log are counted apart.
    """
    from churn.prediction_log.event_reader import join_events, read_events
    from churn.prediction_log.reader import require_whole

    places, damaged = require_log(read_settings(), contract), list[DataError]()
    since = datetime.now(UTC) - timedelta(days=days)
    with show_progress("segments", calm=True) as move:
        joined = join_events(places, read_events(places, since, damaged=damaged), damaged=damaged, progress=move)
    counts = Counter((predicted.model_version, event.event) for event, predicted in joined.events)
    names = ("model_version", "event", "count")
    rows = [[version, event, count] for (version, event), count in sorted(counts.items())]
    if as_json:
        listed = [dict(zip(names, row, strict=True)) for row in rows]
        print_json({"days": days, "events": listed, "without_prediction": joined.without_prediction})
    else:
        print_table(f"Banner events of {days} days", ["version", *names[1:]], rows)
        if joined.without_prediction:
            out.print(f"{joined.without_prediction:,} more are of no prediction in the log")
    require_whole(damaged)
