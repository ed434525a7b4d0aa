"""The command `churn shadow report`: a challenger beside the champion, on the same subscribers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from churn.businesses import find_contract
from churn.cli.extras import require_extra
from churn.cli.judge import VERDICT_CODES
from churn.cli.options import ContractOption, JsonOption, ReportOption, SinceOption, time_from_text
from churn.cli.predictions import require_log
from churn.cli.reports import name_left_out, require_forms, write_report
from churn.cli.show import out, print_json, print_table, show_progress
from churn.errors import DataError
from churn.settings import read_settings

if TYPE_CHECKING:
    from churn.dashboard.report import Report
    from churn.shadow.report import ShadowReport

# ruff: noqa: PLC0415 - SciPy is an extra

app = typer.Typer(
    name="shadow", help="Compare a challenger with the champion, on the same subscribers.", no_args_is_help=True
)


@app.command("report", epilog="Example: churn shadow report --since 24h --out var/shadow.html")
def report_shadow(
    *,
    since: SinceOption = None,
    until: Annotated[str | None, typer.Option(help="Until when, in the same form; now by default.")] = None,
    champion: Annotated[str | None, typer.Option(help="A version, or the beginning of a bundle's sha256.")] = None,
    challenger: Annotated[
        str | None,
        typer.Option(help="A version, or the beginning of a bundle's sha256. By default the pair that answered last."),
    ] = None,
    out_paths: ReportOption = None,
    contract: ContractOption = "streamflow",
    as_json: JsonOption = False,
) -> None:
    """Compare two models on the same subscribers, and judge the challenger.

    Exit code 0: the challenger is fit to be rolled out; 9: not yet sure; 10: it is not fit; 3: a damaged segment is
    left out.
    """
    paths = require_forms(out_paths)
    now = datetime.now(UTC)
    during = (time_from_text(since, now) or datetime.min.replace(tzinfo=UTC), time_from_text(until, now) or now)
    require_extra("rollout", "scipy")
    from churn.prediction_log.reader import require_whole
    from churn.shadow.actions import compare_actions
    from churn.shadow.reading import choose_bundles, read_pairs
    from churn.shadow.report import build_report, json_from_report

    settings = read_settings()
    places = require_log(settings, contract)
    with show_progress("segments", calm=True) as move:
        damaged: list[DataError] = []
        sums = read_pairs(places, find_contract(contract), during=during, damaged=damaged, progress=move)
    bundles = choose_bundles(sums, champion, challenger)
    if bundles is None:
        require_whole(damaged)
        asked = f"{champion or 'any champion'} and {challenger or 'any challenger'}"
        raise DataError(
            f"no record in {places.where} or {places.journals} is of {asked} at that time",
            instead="see with `churn predictions list` since when there are records; a challenger answers if "
            "CHALLENGER_PATH names one",
        )
    others = {str(other): pair_sums.pairs for other, pair_sums in sums.items() if other != bundles}
    with show_progress("subscribers") as move:
        actions = compare_actions(places, settings.shelf(contract), bundles, during=during, progress=move)
    report = build_report(bundles, sums[bundles], others=others, actions=actions)
    content = json_from_report(report) | name_left_out(damaged)
    write_report(paths, content, lambda: _draw_report(report), damaged=damaged)
    if as_json:
        print_json(content)
    else:
        _print_report(report)
    require_whole(damaged)
    raise typer.Exit(VERDICT_CODES[report.verdict.decision])


def _draw_report(report: ShadowReport) -> Report:
    from churn.dashboard.charts import shadow as charts

    return charts.report_shadow(report)


def _print_report(report: ShadowReport) -> None:
    from churn.shadow.report import tabulate_checks, tabulate_differences

    out.print(f"{report.title}: {report.scope}")
    for bundles, pairs in report.others.items():
        out.print(f"also in the log at that time: champion {bundles}, {pairs:,} pairs")
    for shown in (*tabulate_differences(report), tabulate_checks(report)):
        print_table(*shown)
    if report.actions and report.actions.why:
        out.print(f"What both would do was compared for {report.actions.subscribers:,}: {report.actions.why}")
    out.print(f"{report.headline}: {report.verdict.reason}")
