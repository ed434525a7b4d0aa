"""The commands `churn subscriber export` and `churn subscriber erase`: one person, in everything that `churn` keeps."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn.businesses import find_contract, list_contracts
from churn.cli.options import JsonOption, ReportOption
from churn.cli.predictions import hash_with_salt, require_log
from churn.cli.reports import name_left_out, require_forms, write_report
from churn.cli.show import format_time, out, print_json, print_table, show_progress
from churn.cli.training import open_registry
from churn.errors import ChurnError, DataError, ExitCode
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.dashboard.report import Report
    from churn.prediction_log.record import Record
    from churn.training.subscribers import Versions

# ruff: noqa: PLC0415 - what reads Parquet takes a moment to load

# What others keep, which these commands do not reach.
NOT_REACHED = (
    "the portal: run `churn-portal subscriber export KEY` or `erase KEY` where it runs",
    "the lines of the services' logs: they hold no key and no hash",
    "backups of the prediction log: erase there too, or let them go",
    "files that you gave or made: training data, outcomes, scored files, earlier exports",
)
NO_REGISTRY = "a model registry: there is none under CHURN_HOME, and no MLFLOW_TRACKING_URI, so no version can be named"
KeyArgument = Annotated[
    str, typer.Argument(help="The subscriber's key, as sent in X-Subscriber-Key.", show_default=False)
]

app = typer.Typer(
    name="subscriber", help="Export or erase what is kept of one subscriber, of all contracts.", no_args_is_help=True
)


@app.command("export", epilog="Example: churn subscriber export KEY --out about-you.html")
def subscriber_export(key: KeyArgument, *, out_paths: ReportOption = None, as_json: JsonOption = False) -> None:
    """Show what is kept of a subscriber: what was predicted and decided, when and why, and what came of it.

    Exit code 3: a damaged segment is left out, which may hold more.
    """
    paths = require_forms(out_paths, (".html", ".json"))
    from churn.outcomes.person import collect_outcomes, collect_records
    from churn.outcomes.store import locate_outcomes
    from churn.prediction_log.reader import require_whole

    settings = read_settings()
    hashed = hash_with_salt(settings, key)
    damaged: list[DataError] = []
    records: list[Record] = []
    outcomes: list[dict[str, Any]] = []
    for contract in list_contracts():
        theirs = collect_records(require_log(settings, contract), hashed, damaged=damaged)
        outcomes += collect_outcomes(locate_outcomes(settings.churn_home, contract), hashed, theirs)
        records += theirs
    trained, unreached = _find_trained(settings, key)
    not_reached = [*NOT_REACHED, *unreached]
    figures = {
        "subscriber": hashed,
        "predictions": [{**record, "time": format_time(record["time"] / 1e6)} for record in records],
        "outcomes": outcomes,
        "versions": _figures_from_versions(trained),
        "not_reached": not_reached,
        **name_left_out(damaged),
    }
    write_report(paths, figures, functools.partial(_build_report, records, outcomes), damaged=damaged)
    if as_json:
        print_json(figures)
    else:
        print_table("Predictions", *_list_predictions(records))
        print_table("What became known", *_list_outcomes(outcomes))
        _tell_rest(trained, not_reached)
    require_whole(damaged)


@app.command("erase", epilog="Example: churn subscriber erase KEY")
def subscriber_erase(key: KeyArgument, *, as_json: JsonOption = False) -> None:
    """Erase a subscriber from the prediction logs, the outcomes and the lists of who was in training files.

    It names the versions that were trained with them, and says what was not reached.
    Exit code 9: all that these commands reach is erased, but others keep something. 3: more may be left here.
    """
    from churn.outcomes.person import erase_person
    from churn.outcomes.store import locate_outcomes

    settings = read_settings()
    hashed = hash_with_salt(settings, key)
    erased = {}
    for contract in list_contracts():
        with show_progress("segments", calm=True) as move:
            outcomes = locate_outcomes(settings.churn_home, contract)
            erased[contract] = erase_person(require_log(settings, contract), outcomes, hashed, progress=move)
    trained, unreached = _find_trained(settings, key, forget=True)
    not_reached = [*NOT_REACHED, *unreached]
    if as_json:
        counts = {contract: erasure._asdict() for contract, erasure in erased.items()}
        versions = _figures_from_versions(trained)
        print_json({"subscriber": hashed, "erased": counts, "versions": versions, "not_reached": not_reached})
    else:
        rows = [[contract, erasure.records, erasure.outcomes] for contract, erasure in erased.items()]
        print_table("Erased", ["contract", "records", "outcomes"], rows)
        _tell_rest(trained, not_reached)
    for contract, erasure in erased.items():
        erasure.require_whole(require_log(settings, contract).journals)
    raise typer.Exit(ExitCode.NOT_OVER)


def _find_trained(settings: Settings, key: str, *, forget: bool = False) -> tuple[dict[str, Versions], list[str]]:
    """Find the versions that were trained with a subscriber, by contract; return with them what was not reached.

    `forget` removes the subscriber from the lists that tell it, once all versions are known.
    """
    salt = settings.prediction_log_salt
    if salt is None or not (settings.mlflow_tracking_uri or (settings.churn_home / "mlflow").is_dir()):
        return {}, [NO_REGISTRY]
    trained: dict[str, Versions] = {}
    try:
        registry = open_registry(settings)
        from churn.training.registry import name_registered_model
        from churn.training.subscribers import find_versions, forget_subscriber

        names = {contract: name_registered_model(find_contract(contract)) for contract in list_contracts()}
        secret = salt.get_secret_value()
        trained = {contract: find_versions(registry, name, key, secret) for contract, name in names.items()}
        for name in names.values() if forget else ():
            forget_subscriber(registry, name, key, secret)
    except ChurnError as error:
        return trained, [f"the model registry: {error.message}"]
    return trained, []


def _describe_versions(trained: dict[str, Versions]) -> list[str]:
    """Say in sentences which versions were trained with the subscriber, and of which nobody knows."""
    lines = {
        "Trained with them": "trained_with",
        "Nobody knows whether with them, as PREDICTION_LOG_SALT was not set or another": "unknown",
        "Rows without ids are kept with these, which may be theirs; train anew and delete the runs": "with_rows",
    }
    figures = _figures_from_versions(trained)
    listed = {
        said: [f"{contract} {version}" for contract, kinds in figures.items() for version in kinds[kind]]
        for said, kind in lines.items()
    }
    if trained and not listed["Trained with them"]:
        listed["Trained with them"] = ["no version that is known of"]
    return [f"{said}: {', '.join(versions)}" for said, versions in listed.items() if versions]


def _figures_from_versions(trained: dict[str, Versions]) -> dict[str, Any]:
    return {
        contract: {kind: sorted(names) for kind, names in versions._asdict().items()}
        for contract, versions in trained.items()
    }


def _tell_rest(trained: dict[str, Versions], not_reached: list[str]) -> None:
    """Tell which versions were trained with the subscriber, and what was not reached."""
    for line in _describe_versions(trained):
        out.print(line)
    out.print("Not reached:")
    for place in not_reached:
        out.print(f"- {place}")


def _list_predictions(records: list[Record]) -> tuple[list[str], list[list[Any]]]:
    """Return the columns and rows of what was decided, and why."""
    columns = ["when", "likelihood of leaving", "by", "because", "banner", "offer"]
    rows = [
        [
            format_time(record["time"] / 1e6),
            f"{record['probability']:.1%}",
            record["model_version"],
            "; ".join(record["reasons"]),
            _describe_banner(record),
            record["offer"] or "none",
        ]
        for record in records
    ]
    return columns, rows


def _describe_banner(record: Record) -> str:
    if not record["banner"]:
        return f"none: not above {record['threshold']:g}"
    if record["arm"] == "holdout":
        return "none: in the group that is shown none, to measure what the banner does"
    return "shown, with " + (", ".join(record["shown_reasons"]) or "no reasons")


def _list_outcomes(outcomes: list[dict[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return the columns and rows of what became known."""
    words = {True: "yes", False: "no", None: "not known"}
    return ["known by", "left", "accepted an offer"], [
        [outcome["kind"].replace("_", " "), words[outcome["left"]], words[outcome["accepted"]]] for outcome in outcomes
    ]


def _build_report(records: list[Record], outcomes: list[dict[str, Any]]) -> Report:
    """Return the page for the subscriber: all decisions, and of each all values that went in and what they added."""
    from churn.dashboard.report import Table, report_figures
    from churn.prediction_log.record import CONTRIBUTION, FEATURE

    tables = [
        Table("What was decided, and why", *_list_predictions(records)),
        Table("What became known later", *_list_outcomes(outcomes)),
    ]
    for record in records:
        names = [name.removeprefix(FEATURE) for name in record if name.startswith(FEATURE)]
        rows = [
            [name, f"{record[FEATURE + name]:g}", f"{record[CONTRIBUTION + name]:+.4f}"]
            for name in names
            if record[FEATURE + name] is not None
        ]
        when = format_time(record["time"] / 1e6)
        tables.append(Table(f"What went in on {when}", ["what", "value", "raised (+) or lowered (-) it by"], rows))
    return report_figures(
        "What is kept about you",
        f"{len(records)} predictions, {len(outcomes)} outcomes",
        [],
        tables,
        lead="Each prediction is how likely you were to end your subscription. What went in is shown with what each "
        "value did to it, in log-odds. With other values the prediction would have been another.",
        basis="Your key is kept as a hash only.",
    )
