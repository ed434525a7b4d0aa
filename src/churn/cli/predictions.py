"""Commands on the prediction log: `churn predictions list`, `tail`, `close`, `erase`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from churn.businesses import find_contract
from churn.cli.options import ContractOption, JsonOption
from churn.cli.replay import moment, the_log
from churn.cli.show import out, print_json, print_table, show_progress
from churn.errors import DataError, SettingsError
from churn.settings import read_settings

# ruff: noqa: PLC0415 - what reads Parquet takes a moment to load

predictions_app = typer.Typer(help="Look into the log of predictions, close it, erase from it.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Adds these commands to the command line."""
    app.add_typer(predictions_app, name="predictions")


@predictions_app.command("list", epilog="Example: churn predictions list --json")
def predictions_list(*, contract: ContractOption = "streamflow", as_json: JsonOption = False) -> None:
    """List the closed segments, and how much lies in journals that are not closed yet."""
    from churn.prediction_log.reader import walk_log

    found = the_log(read_settings(), contract)
    segments, waiting = [], 0
    for file in walk_log(found):
        if file.segment:
            segments.append(file.segment)
        else:
            waiting += sum(batch.num_rows for batch in file.read_batches())
    if as_json:
        listed = [
            {"name": item.name, "first": str(item.first), "last": str(item.last), "records": item.records}
            for item in segments
        ]
        print_json({"where": found.where, "segments": listed, "journals": str(found.journals), "in_journals": waiting})
        return
    rows = [
        [item.name, f"{item.first:%m-%d %H:%M:%S}", f"{item.last:%m-%d %H:%M:%S}", item.records] for item in segments
    ]
    print_table(f"Segments in {found.where}", ["name", "from (UTC)", "to (UTC)", "records"], rows)
    out.print(f"{sum(item.records for item in segments):,} records in segments, {waiting:,} in {found.journals}")


@predictions_app.command("tail", epilog="Example: churn predictions tail -n 20")
def predictions_tail(
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many.")] = 10,
    *,
    contract: ContractOption = "streamflow",
    as_json: JsonOption = False,
) -> None:
    """Show the latest predictions, newest last."""
    from churn.prediction_log.reader import read_latest_records

    latest = read_latest_records(the_log(read_settings(), contract), count)
    if as_json:
        print_json([dict(record) for record in latest])
        return
    columns = ["prediction_id", "time", "model_version", "probability", "banner", "arm", "offer"]
    shown = [[moment(record["time"]) if name == "time" else record[name] for name in columns] for record in latest]
    print_table("Latest predictions", columns, [["" if cell is None else cell for cell in row] for row in shown])


@predictions_app.command("close", epilog="Example: churn predictions close")
def predictions_close(*, contract: ContractOption = "streamflow", as_json: JsonOption = False) -> None:
    """Make segments of journals that nobody writes to, and remove what is older than it is kept."""
    from churn.prediction_log.maintenance import close_journals, remove_old_segments
    from churn.prediction_log.segments import open_store

    settings = read_settings()
    found = the_log(settings, contract)
    store = open_store(found.where)
    with show_progress("journals", calm=True) as move:
        closed = close_journals(found.journals, store, progress=lambda done, total: move(done, total, "journals"))
    removed = remove_old_segments(store, days=settings.prediction_log_retention_days, now=datetime.now(UTC))
    if as_json:
        print_json(closed._replace(removed=removed)._asdict())
        return
    out.print(f"{closed.segments} segments closed with {closed.records:,} records, {removed} old ones removed")
    if closed.damaged:
        out.print(f"{closed.damaged} lines were torn or damaged, and are lost")


@predictions_app.command("erase", epilog="Example: churn predictions erase KEY")
def predictions_erase(
    key: Annotated[str, typer.Argument(help="The subscriber's key, as sent in X-Subscriber-Key.", show_default=False)],
    *,
    contract: ContractOption = "streamflow",
    as_json: JsonOption = False,
) -> None:
    """Remove every record of one subscriber, and what became of them; running services close their segments for it."""
    from churn.outcomes.store import erase_outcomes, locate_outcomes
    from churn.prediction_log.maintenance import close_all_journals, erase_subscriber
    from churn.prediction_log.record import hash_key
    from churn.prediction_log.segments import open_store

    settings = read_settings()
    salt = settings.prediction_log_salt
    hashed = hash_key(key, salt.get_secret_value() if salt else None)
    if hashed is None:
        raise SettingsError(
            "without PREDICTION_LOG_SALT nobody's records can be found", instead="set it to the service's own"
        )
    found = the_log(settings, contract)
    store = open_store(found.where)
    still_open = close_all_journals(found.journals, store)
    with show_progress("segments", calm=True) as move:
        erase_outcomes(locate_outcomes(settings.churn_home, find_contract(contract).contract_name), hashed)
        erased = erase_subscriber(store, hashed, progress=lambda done, total: move(done, total, "segments"))
    if as_json:
        print_json({"subscriber": hashed, "erased": erased, "journals_still_open": still_open})
    else:
        out.print(f"{erased:,} records of {hashed} are erased")
    if still_open:
        raise DataError(
            f"{still_open} journals in {found.journals} are still being written, and may hold more of them",
            instead="run it again when the services that write them answer or have ended",
        )
