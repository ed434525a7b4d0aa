"""The command `churn shadow report`: what a challenger would have answered, beside what was answered."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from churn.businesses import find_contract
from churn.cli.extras import require_extra
from churn.cli.judge import VERDICT_CODES
from churn.cli.options import ContractOption, JsonOption, ReportOption, SinceOption
from churn.cli.replay import the_log
from churn.cli.reports import require_forms, write_report
from churn.cli.show import out, print_json, print_table, show_progress
from churn.errors import DataError, SettingsError
from churn.settings import read_settings

if TYPE_CHECKING:
    from churn.dashboard.report import Report
    from churn.shadow.report import ShadowReport

# ruff: noqa: PLC0415 - pyarrow and SciPy are an extra

UNITS = {"m": "minutes", "h": "hours", "d": "days"}

shadow_app = typer.Typer(help="Compare a challenger with the champion, on the same subscribers.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Adds these commands to the command line."""
    app.add_typer(shadow_app, name="shadow")


@shadow_app.command("report", epilog="Example: churn shadow report --since 24h --out var/shadow.html")
def report_shadow(
    *,
    since: SinceOption = None,
    until: Annotated[str | None, typer.Option(help="Until when, likewise; now by default.")] = None,
    champion: Annotated[str | None, typer.Option(help="A version, or the beginning of a bundle's sha256.")] = None,
    challenger: Annotated[str | None, typer.Option(help="Likewise; by default those that answered last.")] = None,
    out_paths: ReportOption = None,
    contract: ContractOption = "streamflow",
    as_json: JsonOption = False,
) -> None:
    """Say how two models differ on the same subscribers, and what the judge makes of it.

    Exit code 0: the challenger is fit to be rolled out; 9: not yet sure; 10: it is not fit.
    """
    paths = require_forms(out_paths)
    now = datetime.now(UTC)
    during = (point_in_time(since, now) or datetime.min.replace(tzinfo=UTC), point_in_time(until, now) or now)
    require_extra("rollout", "pyarrow", "scipy")
    from churn.shadow.reading import choose_bundles, read_pairs
    from churn.shadow.report import build_report, json_from_report

    places = the_log(read_settings(), contract)
    with show_progress("segments", calm=True) as move:
        sums = read_pairs(
            places,
            find_contract(contract),
            during=during,
            progress=lambda done, total: move(done, total, "segments"),
        )
    chosen = choose_bundles(sums, champion, challenger)
    if chosen is None:
        raise DataError(
            f"no record in {places.where} or {places.journals} is of {_asked(champion, challenger)} at that time",
            instead="see with `churn predictions list` from when on there are records; a challenger answers where "
            "CHALLENGER_PATH names one",
        )
    others = {str(bundles): of_pair.pairs for bundles, of_pair in sums.items() if bundles != chosen}
    report = build_report(chosen, sums[chosen], others=others)
    content = json_from_report(report)
    write_report(paths, content, functools.partial(_build_report, report))
    if as_json:
        print_json(content)
    else:
        _show(report)
    raise typer.Exit(VERDICT_CODES[report.verdict.decision])


def point_in_time(said: str | None, now: datetime) -> datetime | None:
    """When it is that somebody means: so long ago, or a moment in UTC.

    Raises:
        SettingsError: it is neither.
    """
    if said is None:
        return None
    try:
        if ago := re.fullmatch(r"(\d+)([mhd])", said):
            return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(said)
    except (ValueError, OverflowError) as error:
        raise SettingsError(
            f"{said!r} is no point in time", instead="give one such as 90m, 24h, 7d, or 2026-03-10T09:00"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _asked(champion: str | None, challenger: str | None) -> str:
    return f"{champion or 'any champion'} and {challenger or 'any challenger'}"


def _build_report(figures: ShadowReport) -> Report:
    from churn.dashboard.charts.shadow import report_shadow as report_on

    return report_on(figures)


def _show(report: ShadowReport) -> None:
    from churn.shadow.tables import tabulate_checks, tabulate_differences

    out.print(f"{report.title}: {report.scope}")
    for bundles, pairs in report.others.items():
        out.print(f"also in the log at that time: champion {bundles}, {pairs:,} pairs")
    for shown in (*tabulate_differences(report), tabulate_checks(report)):
        print_table(*shown)
    out.print(f"{report.headline}: {report.verdict.reason}")
