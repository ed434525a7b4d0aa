"""The commands on the prediction log: `churn replay`, and `churn predictions list`, `tail`, `close`, `erase`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn.businesses import find_contract
from churn.cli.options import ContractOption, JsonOption, OptionalReason, require_reason
from churn.cli.show import format_time, out, print_json, print_table, show_progress
from churn.errors import ChurnError, DataError, ExitCode, SettingsError
from churn.service.startup import find_log_places
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.prediction_log.maintenance import ClosingSummary
    from churn.prediction_log.places import Places
    from churn.prediction_log.record import Record
    from churn.prediction_log.replay import Mismatch

# ruff: noqa: PLC0415 - what reads Parquet takes a moment to load

log = logging.getLogger("churn.prediction_log")
app = typer.Typer()
predictions_app = typer.Typer(
    name="predictions", help="Read the log of predictions, close it, erase from it.", no_args_is_help=True
)


@app.command(epilog="Example: churn replay 01a214d9a11d79598a0a48c2ec254d0e")
def replay(
    prediction_id: Annotated[str, typer.Argument(metavar="ID", help="An answer's prediction_id.", show_default=False)],
    *,
    contract: ContractOption = "streamflow",
    bundle: Annotated[
        Path | None, typer.Option(help="The bundle that answered; the one of its sha256 under CHURN_HOME if not given.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="The policy that decided; the one kept beside the log if not given.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an answer again from its record, and show what differs, to the bit; exit code 1 if anything does.

    The offer is made again by the policy, and the challenger's side by its bundle. Exit code 3 or 4: one of these is
    missing, and all else is the same.
    """
    from churn.prediction_log.deciding import find_challenger, find_policy
    from churn.prediction_log.reader import find_record
    from churn.prediction_log.replay import find_bundle
    from churn.prediction_log.replay import replay as compare

    settings = read_settings()
    with show_progress("segments", calm=True) as move:
        places = require_log(settings, contract)
        record = find_record(
            places,
            prediction_id.replace("-", "").lower(),
            progress=lambda done, total: move(done, total) if total > 1 else None,
        )
    shelf = settings.shelf(find_contract(contract).contract_name)
    loaded = find_bundle(record, shelf, path=bundle)
    missing: dict[str, ChurnError] = {}
    decided_by = _collect(
        missing, "offer and actions", lambda: find_policy(record, places, loaded.model.contract, path=policy)
    )
    challenger = _collect(missing, "the challenger's side", lambda: find_challenger(record, shelf))
    differences = compare(record, loaded, policy=decided_by, challenger=challenger)
    not_compared = [f"{what}, since {error.message}" for what, error in missing.items()]
    if as_json:
        listed = [difference._asdict() for difference in differences]
        same = {"same": not differences, "bundle": str(loaded.path), "not_compared": not_compared}
        print_json(same | {"differences": listed, "record": dict(record)})
    else:
        _show_replay(record, differences, str(loaded.path), not_compared)
    if differences:
        raise typer.Exit(1)
    if missing and record["policy_sha256"]:  # of a version before, nobody can have the policy
        raise next(iter(missing.values()))


@predictions_app.command("list", epilog="Example: churn predictions list --json")
def predictions_list(*, contract: ContractOption = "streamflow", as_json: JsonOption = False) -> None:
    """List the closed segments, count the records in journals, and name files of lines that could not be read."""
    from churn.prediction_log.journal import list_set_aside
    from churn.prediction_log.reader import walk_log

    places = require_log(read_settings(), contract)
    segments, in_journals = [], 0
    for file in walk_log(places):
        if file.segment:
            segments.append((file.segment.name, file.segment.first, file.segment.last, file.segment.records))
        else:
            in_journals += sum(batch.num_rows for batch in file.read_batches())
    events = sum(file.segment.records for file in walk_log(places.banner_events) if file.segment)
    aside = [str(path) for each in (places, places.banner_events) for path in list_set_aside(each.journals)]
    if as_json:
        keys = ("name", "first", "last", "records")
        listed = [dict(zip(keys, (name, str(first), str(last), n), strict=True)) for name, first, last, n in segments]
        where = {"where": places.where, "journals": str(places.journals)}
        counts = {"in_journals": in_journals, "banner_events": events}
        print_json(where | {"segments": listed} | counts | {"set_aside": aside})
        return
    rows = [[name, f"{first:%m-%d %H:%M:%S}", f"{last:%m-%d %H:%M:%S}", n] for name, first, last, n in segments]
    print_table(f"Segments in {places.where}", ["name", "from (UTC)", "to (UTC)", "records"], rows)
    out.print(f"{sum(n for *_, n in segments):,} records in segments, {in_journals:,} in {places.journals}")
    out.print(f"{events:,} banner events in segments of their own")
    for path in aside:
        out.print(f"damaged lines, which are in no figure: {path}", markup=False)


@predictions_app.command("tail", epilog="Example: churn predictions tail -n 20")
def predictions_tail(
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many.")] = 10,
    *,
    contract: ContractOption = "streamflow",
    as_json: JsonOption = False,
) -> None:
    """Show the latest predictions, the newest last. Exit code 3: a damaged segment is left out."""
    from churn.prediction_log.reader import read_latest_records, require_whole

    damaged: list[DataError] = []
    latest = read_latest_records(require_log(read_settings(), contract), count, damaged=damaged)
    if as_json:
        print_json(latest)
    else:
        columns = ["prediction_id", "time", "model_version", "probability", "banner", "arm", "offer"]
        shown = [
            [format_time(record["time"] / 1e6) if name == "time" else record[name] for name in columns]
            for record in latest
        ]
        for row, record in zip(shown, latest, strict=True):
            if record["withheld_offer"]:
                row[-1] = f"withheld: {record['withheld_offer']}"
        print_table("Latest predictions", columns, [["" if cell is None else cell for cell in row] for row in shown])
    require_whole(damaged)


@predictions_app.command("close", epilog="Example: churn predictions close")
def predictions_close(
    *,
    contract: ContractOption = "streamflow",
    remove_now: Annotated[
        bool, typer.Option("--remove-now", help="Remove old segments even if the clock is in doubt; needs --reason.")
    ] = False,
    reason: OptionalReason = None,
    as_json: JsonOption = False,
) -> None:
    """Make segments of journals that nobody writes to, and remove segments older than the retention.

    Exit code 9: old segments wait, since the clock may have jumped. After 24 hours they are removed.
    """
    from churn.prediction_log.maintenance import keep_in_order

    if remove_now:
        log.warning("old segments are removed at once: %s", require_reason("--remove-now", reason))
    settings = read_settings()
    places = require_log(settings, contract)
    days = settings.prediction_log_retention_days
    with show_progress("journals", calm=True) as move:
        closed = keep_in_order(places, days, at_once=remove_now, progress=move)
    if as_json:
        print_json(closed._asdict())
    else:
        _show_closing(closed)
    if closed.waiting:
        raise typer.Exit(ExitCode.NOT_OVER)


def _show_closing(closed: ClosingSummary) -> None:
    out.print(f"{closed.segments} segments closed with {closed.records:,} records, {closed.removed} old ones removed")
    if closed.damaged:
        out.print(f"{closed.damaged} lines were torn by a crash, and are lost, or damaged")
    if closed.set_aside:
        out.print(f"damaged lines of {closed.set_aside} journals are set aside: see `churn predictions list`")
    if closed.waiting:
        out.print(
            f"{closed.waiting} old segments wait: {closed.doubt}. They are removed after 24 hours. If the clock is "
            "right, remove them now: churn predictions close --remove-now --reason TEXT"
        )


@predictions_app.command("erase", epilog="Example: churn predictions erase KEY")
def predictions_erase(
    key: Annotated[str, typer.Argument(help="The subscriber's key, as sent in X-Subscriber-Key.", show_default=False)],
    *,
    contract: ContractOption = "streamflow",
    as_json: JsonOption = False,
) -> None:
    """Remove records, banner events and outcomes of one subscriber; running services close their segments for it."""
    from churn.outcomes.person import erase_person
    from churn.outcomes.store import locate_outcomes

    settings = read_settings()
    hashed = hash_with_salt(settings, key)
    places = require_log(settings, contract)
    outcomes = locate_outcomes(settings.churn_home, find_contract(contract).contract_name)
    with show_progress("segments", calm=True) as move:
        erasure = erase_person(places, outcomes, hashed, progress=move)
    if as_json:
        counts = erasure._asdict()
        print_json({"subscriber": hashed, "erased": counts.pop("records"), **counts})
    else:
        counted = f"{erasure.records:,} records, {erasure.events:,} banner events and {erasure.outcomes:,} outcomes"
        out.print(f"{counted} of {hashed} are erased")
    erasure.require_whole(places.journals)


def require_log(settings: Settings, contract: str) -> Places:
    """Return where the log of a contract lies. Raise SettingsError if PREDICTION_LOG is `off`, or an unusable URL."""
    places = find_log_places(settings, find_contract(contract).contract_name)
    if places is None:
        raise SettingsError(
            "PREDICTION_LOG is `off`, so there is no log to look into",
            instead="set it to where the service logs its predictions",
        )
    return places


def hash_with_salt(settings: Settings, key: str) -> str:
    """Hash a subscriber's key as the log keeps it. Raise SettingsError if no salt is set."""
    from churn.prediction_log.record import hash_key

    salt = settings.prediction_log_salt
    hashed = hash_key(key, salt.get_secret_value() if salt else None)
    if hashed is None:
        raise SettingsError(
            "without PREDICTION_LOG_SALT no subscriber can be found in the log",
            instead="set it to the service's own; outcomes may have `prediction_id` in place of `subscriber`",
        )
    return hashed


def _collect[Found](missing: dict[str, ChurnError], what: str, find: Callable[[], Found]) -> Found | None:
    """Return what is found, or None with the error added to `missing`."""
    try:
        return find()
    except ChurnError as error:
        missing[what] = error
        return None


def _show_replay(record: Record, differences: list[Mismatch], bundle: str, not_compared: list[str]) -> None:
    rows: list[list[Any]] = [
        ["answered", format_time(record["time"] / 1e6)],
        ["by", f"{record['model_version']}, {bundle}"],
        ["request", record["request_id"]],
        ["probability", record["probability"]],
        ["reasons", "\n".join(record["reasons"])],
        ["banner", "none" if not record["banner"] else f"{record['arm']}, offer {record['offer'] or 'none'}"],
        ["reasons shown", "\n".join(record["shown_reasons"]) or "none"],
        ["actions", "\n".join(_list_actions(record)) or "not known"],
        ["action", f"{record['action']}, by {record['decided_by']}" if record["action"] else "not known"],
    ]
    if record["withheld_offer"]:
        rows.append(["withheld from the holdout", record["withheld_offer"]])
    print_table(f"Prediction {record['prediction_id']}", ["", "recorded"], rows)
    for why in not_compared:
        out.print(f"not compared: {why}", markup=False)
    if not differences:
        out.print("all else comes out the same, bit for bit" if not_compared else "it comes out the same, bit for bit")
        return
    differing = [
        [field, _format_value(recorded, recorded_bits), _format_value(reproduced, reproduced_bits)]
        for field, recorded, reproduced, recorded_bits, reproduced_bits in differences
    ]
    print_table("It comes out differently", ["field", "recorded", "reproduced"], differing)


def _list_actions(record: Record) -> list[str]:
    """Word each action with its net value, and its propensity where it may have been taken."""
    columns = (record["actions"], record["action_values"], record["action_propensities"])
    return [
        f"{action}: {value:+.2f}" + (f", propensity {propensity:g}" if propensity else "")
        for action, value, propensity in zip(*columns, strict=True)
    ]


def _format_value(value: Any, bits: str | None) -> str:
    if bits and isinstance(value, list):
        return "\n".join(f"{number!r} {text}" for number, text in zip(value, bits.split(), strict=True))
    return f"{value!r}\n{bits}" if bits else "\n".join(value) if isinstance(value, list) else str(value)
