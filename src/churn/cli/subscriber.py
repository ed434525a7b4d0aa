"""The commands `churn subscriber export` and `churn subscriber erase`: one person, in everything that `churn` keeps."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from churn.businesses import list_contracts
from churn.cli import about_you, reported
from churn.cli.extras import require_extra
from churn.cli.options import JsonOption, ReportOption
from churn.cli.predictions import hash_with_salt, require_log
from churn.cli.reports import name_left_out, require_forms, write_report
from churn.cli.show import format_time, out, print_json, print_table, show_progress
from churn.cli.trained_with import describe_versions, figures_from_versions, find_trained
from churn.errors import BundleError, ChurnError, ClientError, DataError, ExitCode, SettingsError
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.client.portal import Action
    from churn.model.bundle import Bundle
    from churn.model.shelf import Shelf
    from churn.outcomes.changes import Change
    from churn.outcomes.person import Erasure
    from churn.prediction_log.banner_events import BannerEvent
    from churn.prediction_log.record import Record
    from churn.training.subscribers import Versions

# ruff: noqa: PLC0415 - what reads Parquet takes a moment to load

# The portal, if it is not to be asked.
NO_PORTAL = "the portal: set PORTAL_URL, or run `churn-portal subscriber export KEY` or `erase KEY` where it runs"
# What others keep, which these commands do not reach.
NOT_REACHED = (
    "the lines of the services' logs: they hold no key and no hash",
    "backups of the prediction log: erase there too, or let them go",
    "files that you gave or made: training data, outcomes, scored files, earlier exports",
)
KeyArgument = Annotated[
    str, typer.Argument(help="The subscriber's key, as sent in X-Subscriber-Key.", show_default=False)
]


class Portal(NamedTuple):
    """Where the portal's team app is, and its token."""

    address: str
    token: str


app = typer.Typer(
    name="subscriber", help="Export or erase what is kept of one subscriber, of all contracts.", no_args_is_help=True
)


@app.command("export", epilog="Example: churn subscriber export KEY --out about-you.html")
def subscriber_export(key: KeyArgument, *, out_paths: ReportOption = None, as_json: JsonOption = False) -> None:
    """Show what is kept of a subscriber: what was decided, when and why, and what would have changed it.

    Exit code 3: a damaged segment is left out, which may hold more. 1: PORTAL_URL is set, and the portal gave nothing.
    """
    paths = require_forms(out_paths, (".html", ".json"))
    from churn.outcomes.changes import describe_change, find_change
    from churn.outcomes.person import collect_events, collect_outcomes, collect_records
    from churn.outcomes.store import locate_outcomes
    from churn.prediction_log.reader import require_whole

    settings = read_settings()
    hashed = hash_with_salt(settings, key)
    portal = _find_portal(settings)
    damaged: list[DataError] = []
    records: list[tuple[Record, Change]] = []
    outcomes: list[dict[str, Any]] = []
    events: list[BannerEvent] = []
    times: dict[str, list[int]] = {}
    for contract in list_contracts():
        places = require_log(settings, contract)
        theirs = collect_records(places, hashed, damaged=damaged)
        times[contract] = [record["time"] for record in theirs]
        events += collect_events(places, hashed, theirs, damaged=damaged)
        outcomes += collect_outcomes(locate_outcomes(settings.churn_home, contract), hashed, theirs)
        find_bundle = _cache_bundles(settings.shelf(contract))
        records += [(record, find_change(record, find_bundle)) for record in theirs]
    trained, troubles = find_trained(settings, key, times)
    at_portal = _ask_portal(portal, "export", key, troubles)
    not_reached = _list_not_reached(portal, troubles)
    figures = {
        "subscriber": hashed,
        "predictions": [
            {
                **record,
                "time": format_time(record["time"] / 1e6),
                "would_have_changed": {
                    **change._asdict(),
                    **{name: [value._asdict() for value in getattr(change, name)] for name in ("moved", "shown")},
                },
            }
            for record, change in records
        ],
        "banner_events": reported.figures_from_events(events),
        "outcomes": outcomes,
        "portal": at_portal,
        "versions": figures_from_versions(trained),
        "not_reached": not_reached,
        **name_left_out(damaged),
    }
    kept = about_you.Kept(records, events, outcomes, at_portal, figures_from_versions(trained) if trained else None)
    write_report(paths, figures, functools.partial(about_you.build_page, kept), damaged=damaged)
    if as_json:
        print_json(figures)
    else:
        print_table("Predictions", *about_you.list_predictions([record for record, _ in records]))
        for record, change in records:
            out.print(f"{format_time(record['time'] / 1e6)}: {describe_change(record, change)}")
        print_table("What was reported of banners", *reported.list_events(events))
        print_table("What became known", *about_you.list_outcomes(outcomes))
        _tell_portal(at_portal)
        _tell_rest(trained, not_reached)
    require_whole(damaged)
    _raise_portal_trouble(troubles)


@app.command("erase", epilog="Example: churn subscriber erase KEY")
def subscriber_erase(key: KeyArgument, *, as_json: JsonOption = False) -> None:
    """Erase a subscriber: from prediction logs, outcomes, lists of who was in training files, and the portal.

    The portal is asked if PORTAL_URL is set. The versions that were trained with them are named, and all that was not
    reached. Exit code 9: all that these commands reach is erased, but others keep something. 3: more may be left here.
    1: PORTAL_URL is set, and the portal erased nothing.
    """
    from churn.outcomes.person import collect_records, erase_person
    from churn.outcomes.store import locate_outcomes

    settings = read_settings()
    hashed = hash_with_salt(settings, key)
    portal = _find_portal(settings)
    erased: dict[str, Erasure] = {}
    damaged: list[DataError] = []
    times: dict[str, list[int]] = {}
    for contract in list_contracts():
        places = require_log(settings, contract)
        times[contract] = [record["time"] for record in collect_records(places, hashed, damaged=[])]
        outcomes = locate_outcomes(settings.churn_home, contract)
        try:
            with show_progress("segments", calm=True) as move:
                erased[contract] = erase_person(places, outcomes, hashed, progress=move)
        except DataError as error:
            damaged.append(error)
    trained, troubles = find_trained(settings, key, times, forget=True)
    at_portal = _ask_portal(portal, "erase", key, troubles)
    not_reached = _list_not_reached(portal, troubles)
    if as_json:
        print_json({
            "subscriber": hashed,
            "erased": {contract: erasure._asdict() for contract, erasure in erased.items()},
            "portal": at_portal,
            "versions": figures_from_versions(trained),
            "not_reached": not_reached,
        })  # fmt: skip
    else:
        rows = [[contract, erasure.records, erasure.events, erasure.outcomes] for contract, erasure in erased.items()]
        print_table("Erased", ["contract", "records", "banner events", "outcomes"], rows)
        _tell_portal(at_portal)
        _tell_rest(trained, not_reached)
    if damaged:
        raise damaged[0]
    for contract, erasure in erased.items():
        erasure.require_whole(require_log(settings, contract).journals)
    _raise_portal_trouble(troubles)
    raise typer.Exit(ExitCode.NOT_OVER)


def _find_portal(settings: Settings) -> Portal | None:
    """Return where the portal is and its token; None if it is not to be asked.

    Raises:
        SettingsError: there is an address without a token.
    """
    if settings.portal_url is None:
        return None
    if settings.portal_team_token is None:
        raise SettingsError(
            "PORTAL_URL is set without PORTAL_TEAM_TOKEN, so the portal would refuse",
            instead="set it to what it is where `churn-portal team` runs, or unset PORTAL_URL",
        )
    require_extra("client", "httpx2")
    return Portal(settings.portal_url, settings.portal_team_token.get_secret_value())


def _ask_portal(portal: Portal | None, action: Action, key: str, troubles: list[ChurnError]) -> dict[str, Any] | None:
    """Return what the portal answers; None if it was not asked, or if there is trouble, which is added."""
    if portal is None:
        return None
    from churn.client.portal import ask_portal

    try:
        return ask_portal(portal.address, portal.token, action, key)
    except ClientError as error:
        troubles.append(error)
        return None


def _list_not_reached(portal: Portal | None, troubles: list[ChurnError]) -> list[str]:
    places = [] if portal else [NO_PORTAL]
    return [*places, *NOT_REACHED, *(f"{error.message}; {error.instead}" for error in troubles)]


def _tell_portal(at_portal: dict[str, Any] | None) -> None:
    for table, rows in (at_portal or {}).items():
        out.print(f"At the portal, {table.replace('_', ' ')}: {rows if isinstance(rows, int) else len(rows)}")


def _raise_portal_trouble(troubles: list[ChurnError]) -> None:
    """Raise what the portal refused, once all else has been done and told."""
    for error in troubles:
        if isinstance(error, ClientError):
            raise error


def _cache_bundles(shelf: Shelf) -> Callable[[Record], Bundle]:
    """Return what loads the bundle that answered a record, each once."""
    from churn.prediction_log.replay import find_bundle

    bundles: dict[str, Bundle | BundleError] = {}

    def find(record: Record) -> Bundle:
        sha256 = record["bundle_sha256"]
        if sha256 not in bundles:
            try:
                bundles[sha256] = find_bundle(record, shelf)
            except BundleError as error:
                bundles[sha256] = error
        bundle = bundles[sha256]
        if isinstance(bundle, BundleError):
            raise bundle
        return bundle

    return find


def _tell_rest(trained: dict[str, Versions], not_reached: list[str]) -> None:
    """Tell which versions were trained with the subscriber, and what was not reached."""
    for line in describe_versions(trained):
        out.print(line)
    out.print("Not reached:")
    for place in not_reached:
        out.print(f"- {place}")
