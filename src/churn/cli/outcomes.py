"""The commands `churn outcomes import` and `churn outcomes report`: what became of those who were predicted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn.businesses import find_contract
from churn.cli.dashboard import require_dashboard_extra
from churn.cli.drift import require_html
from churn.cli.extras import require_extra
from churn.cli.options import ContractOption, JsonOption, PageOption
from churn.cli.replay import the_log
from churn.cli.show import out, print_json, print_table, say, show_progress
from churn.errors import ExitCode, SettingsError
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.dashboard.outcomes import Outcomes
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
def outcomes_report(
    *,
    out_path: PageOption = None,
    contract: ContractOption = "streamflow",
    as_json: JsonOption = False,
) -> None:
    """Say how right each version was, and what the banner does to those who see it.

    Exit code 0: the banner surely keeps subscribers; 9: it is not yet sure what it does; 13: it surely harms.
    """
    require_html(out_path)
    require_extra("rollout", "scipy")
    from churn.dashboard.outcomes import outcomes_of

    settings = read_settings()
    places = the_log(settings, contract)
    with show_progress("segments", calm=True) as move:
        found = outcomes_of(
            settings.churn_home,
            find_contract(contract).contract_name,
            places,
            progress=lambda done, total: move(done, total, "segments"),
        )
    if out_path and found.readout.matched:
        _write_page(found, out_path)
    if as_json:
        print_json({"known": found.known} | asdict(found.readout))
    else:
        _show(found.readout, found.known)
    raise typer.Exit(EXIT_CODES[found.readout.experiment.advice])


def _write_page(found: Outcomes, path: Path) -> None:
    require_dashboard_extra()
    from churn.dashboard.report import outcomes_report as page
    from churn.files import write_bytes

    write_bytes(path, page(found, time.time()).encode())
    say(f"wrote {path}")


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


def _show(found: OutcomeSummary, known: int) -> None:
    out.print(f"{found.matched:,} of {known:,} known outcomes are of a prediction in the log")
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
