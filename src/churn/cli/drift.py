"""The command `churn drift`: how far features and score have moved from those of training."""

from __future__ import annotations

import functools
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn.businesses import find_contract
from churn.cli.extras import require_extra
from churn.cli.notify import announce
from churn.cli.options import ContractOption, JsonOption, ReportOption, SinceOption, time_from_text
from churn.cli.predictions import require_log
from churn.cli.reports import name_left_out, require_forms, write_report
from churn.cli.show import out, print_json, print_table
from churn.errors import DataError, ExitCode
from churn.notices.notice import Notice
from churn.settings import read_settings

if TYPE_CHECKING:
    from churn.dashboard.report import Report
    from churn.monitoring.comparison import DriftComparison

# ruff: noqa: PLC0415 - extras

EXIT_CODES = {
    "steady": ExitCode.DONE,
    "moved": ExitCode.DONE,
    "too few": ExitCode.NOT_OVER,
    "far": ExitCode.DRIFTED_FAR,
}

LOOK = "See the drift page of the dashboard, or: churn drift --out drift.html"

app = typer.Typer()


@app.command(epilog="Example: churn drift --since 7d --out var/drift.html")
def drift(
    *,
    since: SinceOption = None,
    most: Annotated[int, typer.Option(min=1, help="Compare about so many of the latest predictions.")] = 20_000,
    bundle: Annotated[
        Path | None, typer.Option(help="Whose reference and predictions; the one the service loads if not given.")
    ] = None,
    out_paths: ReportOption = None,
    contract: ContractOption = "streamflow",
    as_json: JsonOption = False,
) -> None:
    """Compare logged predictions with the reference in the bundle, feature by feature and by score.

    It also says which AUC is expected before it is known who left.

    Exit code 0: nothing has moved far; 9: too few predictions to tell; 12: something has moved far, or the expected
    AUC is surely more than 0.02 below that of training; 3: a damaged segment is left out.
    """
    paths = require_forms(out_paths)
    settings = read_settings()
    begin = time_from_text(since, datetime.now(UTC))
    places = require_log(settings, contract)
    require_extra("rollout", "scipy")
    from churn.monitoring.comparison import compare
    from churn.prediction_log.reader import require_whole

    own = settings.shelf(find_contract(contract).contract_name).champion
    champion = bundle or (settings.bundle_path if contract == settings.churn_contract else own)
    damaged: list[DataError] = []
    since_s = begin.timestamp() if begin else 0.0
    comparison = compare(champion, places, most=most, since=since_s, damaged=damaged)
    figures = _json_from_comparison(comparison) | name_left_out(damaged)
    write_report(
        paths, figures, functools.partial(_build_report, comparison) if comparison.known else None, damaged=damaged
    )
    if as_json:
        print_json(figures)
    else:
        _show(comparison)
    announce(settings, _build_notice(comparison, contract))
    require_whole(damaged)
    raise typer.Exit(ExitCode.DRIFTED_FAR if comparison.loses_quality else EXIT_CODES[comparison.band])


def _build_notice(comparison: DriftComparison, contract: str) -> Notice:
    topic = f"drift {contract}"
    moved = [comparison.name(item) for item in comparison.known if item.band == "far"]
    causes = [*moved, *(["expected AUC"] if comparison.loses_quality else [])]
    if not causes:
        return Notice(topic, "")
    version = comparison.manifest.model_version
    text = f"{comparison.summary} {comparison.describe_expected()}"
    return Notice(topic, f"{version}: {', '.join(causes)}", f"{version} sees drift", text, LOOK, "warning")


def _build_report(comparison: DriftComparison) -> Report:
    from churn.dashboard.charts.drift import report_drift

    return report_drift(comparison)


def _json_from_comparison(comparison: DriftComparison) -> dict[str, Any]:
    live = comparison.live if comparison.live and comparison.live.records else None
    return {
        "model_version": comparison.manifest.model_version,
        "band": comparison.band,
        "predictions": live.records if live else 0,
        "first": _format_time(live.first) if live else None,
        "last": _format_time(live.last) if live else None,
        "expected_auc": asdict(comparison.expected) if comparison.expected else None,
        "trained_auc": comparison.manifest.test_auc,
        "loses_quality": comparison.loses_quality,
        "drift": [
            {
                "name": item.reference.name,
                "psi": item.index,
                "band": item.band,
                "bins": list(item.reference.bins),
                "reference": list(item.reference.counts),
                "live": list(item.live),
            }
            for item in comparison.known
        ],
    }


def _show(comparison: DriftComparison) -> None:
    from churn.monitoring.comparison import BAND_WORDS

    if comparison.live and comparison.live.records:
        out.print(
            f"the latest {comparison.live.records:,} predictions of {comparison.manifest.model_version}, "
            f"{_format_time(comparison.live.first)} to {_format_time(comparison.live.last)}"
        )
        rows = [[comparison.name(item), item.index, BAND_WORDS[item.band]] for item in comparison.known]
        print_table("Drift from the reference in the bundle", ["feature", "PSI", "band"], rows)
        out.print(comparison.describe_expected())
    else:
        out.print(comparison.missing)
    out.print(comparison.summary)


def _format_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
