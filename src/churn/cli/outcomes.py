"""The commands `churn outcomes import` and `churn outcomes report`."""

from __future__ import annotations

import functools
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn.businesses import find_contract
from churn.cli.extras import require_extra
from churn.cli.notify import announce
from churn.cli.options import ContractOption, JsonOption, ReportOption
from churn.cli.predictions import hash_with_salt, require_log
from churn.cli.reports import name_left_out, require_forms, write_report
from churn.cli.show import out, print_json, print_table, show_progress
from churn.errors import DataError, ExitCode
from churn.notices.notice import Notice
from churn.settings import read_settings

if TYPE_CHECKING:
    from churn.dashboard.report import Report
    from churn.learning.effect_report import EffectReport
    from churn.outcomes.estimates import Estimate
    from churn.outcomes.summary import OutcomeSummary

# ruff: noqa: PLC0415 - SciPy is an extra, and what reads Parquet takes a moment to load

EXIT_CODES = {"keep": ExitCode.DONE, "hold": ExitCode.NOT_OVER, "stop": ExitCode.HARMS}

app = typer.Typer(
    name="outcomes", help="Learn from who left: were the models right, does the banner help?", no_args_is_help=True
)


@app.command("import", epilog="Example: churn outcomes import left-in-march.csv")
def outcomes_import(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file.", show_default=False)],
    *,
    contract: ContractOption = "streamflow",
    as_json: JsonOption = False,
) -> None:
    """Import who left: `prediction_id` or `subscriber`, and `left`; all rows or none.

    Maybe also `left_on`, `accepted`, `paid`, which is what an accepted offer has cost, and `watched_until`.
    A later file replaces earlier outcomes of the same subscribers, so a file may be imported again.
    """
    from churn.outcomes.file import read_outcomes
    from churn.outcomes.store import locate_outcomes, write_outcomes

    settings = read_settings()
    outcomes = read_outcomes(path, hash_key=functools.partial(hash_with_salt, settings))
    place = locate_outcomes(settings.churn_home, find_contract(contract).contract_name)
    known = write_outcomes(place, outcomes)
    if as_json:
        print_json({"imported": len(outcomes), "known": known, "file": str(place)})
    else:
        out.print(f"{len(outcomes):,} outcomes imported, {known:,} are known; see `churn outcomes report`")


@app.command("report", epilog="Example: churn outcomes report --out var/outcomes.html")
def report_outcomes(
    *, out_paths: ReportOption = None, contract: ContractOption = "streamflow", as_json: JsonOption = False
) -> None:
    """Report how right each version was, and what the banner, each offer and each segment come to.

    Exit code 0: the banner surely keeps subscribers; 9: its effect is not yet sure; 13: it surely harms; 3: a damaged
    segment is left out.
    """
    paths = require_forms(out_paths)
    require_extra("rollout", "scipy")
    from churn.learning.effect_reading import report_effects
    from churn.prediction_log.reader import require_whole

    settings = read_settings()
    places = require_log(settings, contract)
    with show_progress("segments", calm=True) as move:
        chosen = find_contract(contract)
        damaged: list[DataError] = []
        summary, effects = report_effects(
            settings.churn_home,
            chosen,
            places,
            settings.offer_policy,
            now=datetime.now(UTC),
            damaged=damaged,
            track=lambda _: move,
        )
    figures = asdict(summary) | {"effects": asdict(effects) if effects else None} | name_left_out(damaged)
    write_report(
        paths, figures, functools.partial(_build_report, summary, effects) if summary.matched else None, damaged=damaged
    )
    if as_json:
        print_json(figures)
    else:
        _show(summary, effects)
    stops = summary.experiment.advice == "stop"
    advice = Notice(
        f"outcomes {chosen.contract_name}",
        f"stop {summary.experiment.name}" if stops else "",
        "The banner harms",
        summary.experiment.reason,
        "See: churn outcomes report. docs/outcomes.md says how to stop the banner.",
        "failure",
    )
    announce(settings, advice)
    require_whole(damaged)
    raise typer.Exit(EXIT_CODES[summary.experiment.advice])


def _build_report(summary: OutcomeSummary, effects: EffectReport | None) -> Report:
    from churn.dashboard.charts.outcomes import report_outcomes as report_on

    return report_on(summary, effects)


def _show(summary: OutcomeSummary, effects: EffectReport | None) -> None:
    out.print(f"{summary.matched:,} of {summary.known:,} known outcomes are of a prediction in the log")
    if summary.too_young:
        out.print(
            f"{summary.too_young:,} are not old enough yet: whether a subscriber leaves is known "
            f"{summary.horizon_days} days after the prediction"
        )
    if summary.unwatched:
        out.print(summary.describe_unwatched())
    if summary.missing:
        out.print(summary.describe_missing())
    rows = [
        [
            quality.version,
            quality.count,
            quality.left,
            _format(quality.auc),
            _format(quality.auc_untreated),
            "" if quality.trained_auc is None else f"{quality.trained_auc:.3f}",
            f"{quality.calibration_error:.3f}",
            _format(quality.lift),
        ]
        for quality in summary.versions
    ]
    columns = ["version", "subscribers", "left", "AUC as seen", "AUC had nobody been treated", "at training"]
    columns += ["calibration error", "lift of the top tenth"]
    print_table("How right each version was", columns, rows)
    for quality in summary.versions:
        bins = [[f"{bin_.mean_predicted:.3f}", _format(bin_.left), bin_.count] for bin_ in quality.calibration]
        print_table(f"Calibration of {quality.version}", ["said", "left", "subscribers"], bins)
    rows = [
        [*row[:-1], _format(row.effect)]
        for experiment in (summary.experiment, *summary.earlier)
        for row in experiment.rows()
    ]
    columns = ["experiment", "held out", "holdout", "left", "treatment", "left", "effect"]
    print_table("The banner, the newest experiment first", columns, rows)
    offers = [[offer.offer, offer.offered, offer.accepted, _format(offer.share)] for offer in summary.offers]
    print_table("Offers", ["offer", "offered", "accepted", "share"], offers)
    if effects:
        _show_effects(effects)
    out.print(summary.describe_looks())
    banner = summary.experiment
    if banner.torn:
        out.print(f"{banner.torn:,} subscribers were in the other arm later, and count in their first")
    if banner.waiting:
        out.print(banner.waiting.describe())
    out.print(f"{banner.advice}: {banner.reason}")


def _show_effects(effects: EffectReport) -> None:
    """Show what offers, segments and money come to, where anything is known of them."""
    columns = ["", "shown", "held out", "effect on leaving", f"{effects.currency} a subscriber", "so far"]
    columns += ["2 points take"]
    whole = [effects.banner] if effects.banner else []
    for title, measured in (("Each offer", (*whole, *effects.offers)), ("Each segment", effects.segments)):
        rows = [
            [
                own.name,
                own.shown,
                own.held_out,
                _format(own.effect),
                _format(own.money, 2),
                own.verdict,
                own.describe_wait(),
            ]
            for own in measured
        ]
        if rows:
            print_table(f"{title}, against nothing", columns, rows)
    if effects.banner and effects.banner.money:
        out.print(effects.assumed)
    if said := effects.describe_left_out():
        out.print(said)


def _format(estimate: Estimate | None, digits: int = 3) -> str:
    return " ".join(_write(estimate, digits)) if estimate else ""


def _write(estimate: Estimate, digits: int) -> tuple[str, str]:
    value, low, high = estimate.describe(lambda figure: f"{figure:.{digits}f}")
    return value, f"({low} to {high})"
