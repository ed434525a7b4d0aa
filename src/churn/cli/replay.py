"""The command `churn replay`: an answer made again from its record, bit for bit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn.businesses import find_contract
from churn.cli.options import ContractOption, JsonOption
from churn.cli.show import out, print_json, print_table, show_progress
from churn.errors import SettingsError
from churn.service.startup import find_log_places
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.prediction_log.places import Places
    from churn.prediction_log.record import Record
    from churn.prediction_log.replay import Mismatch

# ruff: noqa: PLC0415 - what reads Parquet takes a moment to load


def add_to(app: typer.Typer) -> None:
    """Adds this command to the command line."""
    app.command("replay", epilog="Example: churn replay 01a214d9a11d79598a0a48c2ec254d0e")(replay)


def replay(
    prediction_id: Annotated[str, typer.Argument(metavar="ID", help="An answer's prediction_id.", show_default=False)],
    *,
    contract: ContractOption = "streamflow",
    bundle: Annotated[
        Path | None,
        typer.Option(help="The bundle that answered; the one of its sha256 under CHURN_HOME if not given."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an answer again from its record, and say what differs, to the bit; exit code 1 if anything does."""
    from churn.prediction_log.reader import find_record
    from churn.prediction_log.replay import find_bundle
    from churn.prediction_log.replay import replay as compare

    settings = read_settings()
    with show_progress("segments", calm=True) as move:
        record = find_record(
            the_log(settings, contract),
            prediction_id.replace("-", "").lower(),
            progress=lambda done, total: move(done, total, "segments") if total > 1 else None,
        )
    loaded = find_bundle(record, settings.shelf(find_contract(contract).contract_name), path=bundle)
    differences = compare(record, loaded)
    if as_json:
        found = [difference._asdict() for difference in differences]
        print_json({"same": not differences, "bundle": str(loaded.path), "differences": found, "record": dict(record)})
    else:
        _show(record, differences, str(loaded.path))
    if differences:
        raise typer.Exit(1)


def the_log(settings: Settings, contract: str) -> Places:
    """Where the log of a contract lies, for commands that read it.

    Raises:
        SettingsError: PREDICTION_LOG is `off`, or a URL that cannot be used.
    """
    found = find_log_places(settings, find_contract(contract).contract_name)
    if found is None:
        raise SettingsError(
            "PREDICTION_LOG is `off`, so there is no log to look into",
            instead="set it to where the service logs its predictions",
        )
    return found


def moment(time_us: int) -> str:
    """A record's time as people read it, in UTC."""
    return f"{datetime.fromtimestamp(time_us / 1e6, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _show(record: Record, differences: list[Mismatch], bundle: str) -> None:
    rows: list[list[Any]] = [
        ["answered", moment(record["time"])],
        ["by", f"{record['model_version']}, {bundle}"],
        ["request", record["request_id"]],
        ["probability", record["probability"]],
        ["reasons", "\n".join(record["reasons"])],
        ["banner", "none" if not record["banner"] else f"{record['arm']}, offer {record['offer'] or 'none'}"],
        ["reasons shown", "\n".join(record["shown_reasons"]) or "none"],
    ]
    print_table(f"Prediction {record['prediction_id']}", ["", "recorded"], rows)
    if not differences:
        out.print("the bundle answers the same, bit for bit")
        return
    print_table(
        "It comes out differently",
        ["field", "recorded", "reproduced"],
        [
            [found.field, _told(found.recorded, found.recorded_bits), _told(found.reproduced, found.reproduced_bits)]
            for found in differences
        ],
    )


def _told(value: Any, bits: str | None) -> str:
    return f"{value!r}\n{bits}" if bits else "\n".join(value) if isinstance(value, list) else str(value)
