"""The commands `churn outcomes import` and `churn outcomes report`: what became of those who were predicted."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn.businesses import find_contract
from churn.cli.extras import require_extra
from churn.cli.options import ContractOption, JsonOption, ReportOption
from churn.cli.replay import the_log
from churn.cli.reports import require_forms, write_report
from churn.cli.show import out, print_json, print_table, show_progress
from churn.errors import ExitCode, SettingsError
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.dashboard.report import Report
    from churn.outcomes.summary import Estimate, OutcomeSummary

# ruff: noqa: PLC0415 - SciPy is an extra, and what reads Parquet takes a moment to load

EXIT_CODES = {"keep": ExitCode.DONE, "hold": ExitCode.NOT_OVER, "stop": ExitCode.HARMS}

outcomes_app = typer.Typer(
    help="Learn from who left: were the models right, does the banner help?", no_args_is_help=True
)


def add_to(app: typer.Typer) -> None:
    """Adds these commands to the command line."""
    app.add_typer(outcomes_app, name="outcomes")


@outcomes_app.command("import", epilog="Example: churn outcomes import left-in-march.csv")
def outcomes_import(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file.", show_default=False)],
    *,
    contract: ContractOption = "streamflow",
    as_json: JsonOption = False,
) -> None:
    """Take in who left: columns `prediction_id` or `subscriber`, `left`, and maybe `accepted`; all rows or none.

    A file may be imported again, and a later one replaces what an earlier one said of the same subscriber.
    """
    from churn.outcomes.file import read_outcomes
    from churn.outcomes.store import locate_outcomes, write_outcomes

    settings = read_settings()
    found = read_outcomes(path, hashed=_hashing(settings))
    place = locate_outcomes(settings.churn_home, find_contract(contract).contract_name)
    known = write_outcomes(place, found)
    if as_json:
        print_json({"imported": len(found), "known": known, "file": str(place)})
    else:
        out.print(f"{len(found):,} outcomes imported, {known:,} are known; `churn outcomes report` says what they tell")


@outcomes_app.command("report", epilog="Example: churn outcomes report --out var/outcomes.html")
def report_outcomes(
    *,
    out_paths: ReportOption = None,
    contract: ContractOption = "streamflow",
    as_json: JsonOption = False,
) -> None:
    """Say how right each version was, and what the banner does to those who see it.

    Exit code 0: the banner surely keeps subscribers; 9: it is not yet sure what it does; 13: it surely harms.
    """
    paths = require_forms(out_paths)
    require_extra("rollout", "scipy")
    from churn.outcomes.summary import summarize_outcomes

    settings = read_settings()
    places = the_log(settings, contract)
    with show_progress("segments", calm=True) as move:
        found = summarize_outcomes(
            settings.churn_home,
            find_contract(contract).contract_name,
            places,
            progress=lambda done, total: move(done, total, "segments"),
        )
    figures = asdict(found)
    write_report(paths, figures, functools.partial(_build_report, found) if found.matched else None)
    if as_json:
        print_json(figures)
    else:
        _show(found)
    raise typer.Exit(EXIT_CODES[found.experiment.advice])


def _build_report(found: OutcomeSummary) -> Report:
    from churn.dashboard.charts.outcomes import report_outcomes as report_on

    return report_on(found)


def _hashing(settings: Settings) -> Callable[[str], str]:
    from churn.prediction_log.record import hash_key

    salt = settings.prediction_log_salt

    def hashed(key: str) -> str:
        found = hash_key(key, salt.get_secret_value() if salt else None)
        if found is None:
            raise SettingsError(
                "without PREDICTION_LOG_SALT no subscriber can be found in the log",
                instead="set it to the service's own, or give `prediction_id` in place of `subscriber`",
            )
        return found

    return hashed


def _show(found: OutcomeSummary) -> None:
    out.print(f"{found.matched:,} of {found.known:,} known outcomes are of a prediction in the log")
    rows = [
        [
            each.version,
            each.count,
            each.left,
            _interval(each.auc),
            "" if each.trained_auc is None else f"{each.trained_auc:.3f}",
            f"{each.calibration_error:.3f}",
            _interval(each.lift),
        ]
        for each in found.versions
    ]
    columns = ["version", "subscribers", "left", "AUC", "at training", "calibration error", "lift of the top tenth"]
    print_table("How right each version was", columns, rows)
    for version in found.versions:
        bins = [[f"{bin_.mean_predicted:.3f}", _interval(bin_.left), bin_.count] for bin_ in version.calibration]
        print_table(f"Calibration of {version.version}", ["said", "left", "subscribers"], bins)
    banner = found.experiment
    arms = [
        ["holdout", banner.holdout, banner.holdout_left],
        ["treatment", banner.treatment, banner.treatment_left],
    ]
    print_table("The banner", ["arm", "subscribers", "left"], arms)
    offers = [[each.offer, each.offered, each.accepted, _interval(each.share)] for each in found.offers]
    print_table("Offers", ["offer", "offered", "accepted", "share"], offers)
    if banner.torn:
        out.print(f"{banner.torn:,} subscribers were in both arms, and count in neither")
    out.print(f"{banner.advice}: {banner.reason}")


def _interval(estimate: Estimate | None) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})" if estimate else ""
