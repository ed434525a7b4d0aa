"""The command `churn shadow report`: what a challenger would have answered, beside what was answered."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn.businesses import find_contract
from churn.cli.extras import require_extra
from churn.cli.judge import VERDICT_CODES
from churn.cli.options import ContractOption, JsonOption, SinceOption
from churn.cli.replay import the_log
from churn.cli.show import out, print_json, print_table, say, show_progress
from churn.errors import DataError, SettingsError
from churn.files import write_bytes
from churn.settings import read_settings

if TYPE_CHECKING:
    from churn.shadow.report import ShadowReport

# ruff: noqa: PLC0415 - pyarrow, SciPy and matplotlib are an extra

PICTURES = (".png", ".svg", ".html")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}

shadow_app = typer.Typer(help="Compare a challenger with the champion, on the same subscribers.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Adds these commands to the command line."""
    app.add_typer(shadow_app, name="shadow")


@shadow_app.command("report", epilog="Example: churn shadow report --since 24h --plot var/shadow.html")
def shadow_report(
    *,
    since: SinceOption = None,
    until: Annotated[str | None, typer.Option(help="Until when, likewise; now by default.")] = None,
    champion: Annotated[str | None, typer.Option(help="A version, or the beginning of a bundle's sha256.")] = None,
    challenger: Annotated[str | None, typer.Option(help="Likewise; by default those that answered last.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture (.png, .svg), or all as a page (.html).")] = None,
    contract: ContractOption = "streamflow",
    as_json: JsonOption = False,
) -> None:
    """Say how two models differ on the same subscribers, and what the judge makes of it.

    Exit code 0: the challenger is fit to be rolled out; 9: not yet sure; 10: it is not fit.
    """
    if plot and plot.suffix not in PICTURES:
        raise SettingsError(f"--plot: {plot} is no picture", instead=f"let it end in {', '.join(PICTURES)}")
    now = datetime.now(UTC)
    during = (point_in_time(since, now) or datetime.min.replace(tzinfo=UTC), point_in_time(until, now) or now)
    require_extra("rollout", "pyarrow", "scipy", "matplotlib")
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
    if plot:
        _write(plot, report)
    if as_json:
        print_json(json_from_report(report))
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


def _write(plot: Path, report: ShadowReport) -> None:
    from churn.shadow.page import report_page
    from churn.shadow.plot import image, report_plot

    figure = report_plot(report)
    if plot.suffix == ".html":
        write_bytes(plot, report_page(report, image(figure, "png")))
    else:
        write_bytes(plot, image(figure, plot.suffix.removeprefix(".")))
    say(f"wrote {plot}")


def _show(report: ShadowReport) -> None:
    from churn.shadow.tables import tabulate_checks, tabulate_differences

    out.print(f"{report.title}: {report.scope}")
    for bundles, pairs in report.others.items():
        out.print(f"also in the log at that time: champion {bundles}, {pairs:,} pairs")
    for shown in (*tabulate_differences(report), tabulate_checks(report)):
        print_table(*shown)
    out.print(f"{report.headline}: {report.verdict.reason}")
