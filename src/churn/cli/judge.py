"""The command on the judge of canaries: `churn judge explain`."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn.cli.extras import require_extra
from churn.cli.options import JsonOption
from churn.cli.show import out, print_json, print_table
from churn.errors import ExitCode, SettingsError

if TYPE_CHECKING:
    from churn.judging.checks import Check
    from churn.judging.judge import Verdict

# ruff: noqa: PLC0415 - scipy is an extra

VERDICT_CODES = {"promote": ExitCode.DONE, "hold": ExitCode.NOT_OVER, "roll back": ExitCode.ROLLED_BACK}

app = typer.Typer(name="judge", help="Judge a canary by what it answered.", no_args_is_help=True)


@app.command("explain", epilog="Example: churn judge explain counts.json")
def explain_counts(
    counts: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="JSON with the counts of `stable` and `canary`, and the canary's `weight` in percent.",
            show_default=False,
        ),
    ],
    *,
    checks: Annotated[
        Path | None, typer.Option(help="TOML with a table [[check]] for each check; the default checks if not given.")
    ] = None,
    false_rollback: Annotated[
        float,
        typer.Option(min=0.000001, max=0.5, help="The chance that a canary within all tolerances is ever rolled back."),
    ] = 0.01,
    false_promotion: Annotated[
        float,
        typer.Option(min=0.000001, max=0.5, help="The chance that a canary outside a tolerance is ever promoted."),
    ] = 0.05,
    as_json: JsonOption = False,
) -> None:
    """Judge counts, and say why: promote (exit code 0), hold (9) or roll back (10)."""
    require_extra("rollout", "scipy")
    from churn.judging.checks import DEFAULT_CHECKS
    from churn.judging.counts_file import read_judge_input
    from churn.judging.judge import judge

    chosen = DEFAULT_CHECKS if checks is None else _read_checks(checks)
    verdict = judge(chosen, read_judge_input(counts), false_rollback=false_rollback, false_promotion=false_promotion)
    if as_json:
        print_json(asdict(verdict))
    else:
        _print_verdict(verdict)
    raise typer.Exit(VERDICT_CODES[verdict.decision])


def _print_verdict(verdict: Verdict) -> None:
    def points(share: float | None) -> str:
        return "-" if share is None else f"{100 * share:.2f}"

    if verdict.findings:
        rows = [
            [
                finding.check,
                finding.decision,
                *map(points, (finding.effect, finding.low, finding.high)),
                f"{100 * finding.tolerance:g}",
                finding.reason.partition(": ")[2],
            ]
            for finding in verdict.findings
        ]
        columns = ["check", "says", "effect", "surely above", "surely below", "tolerated", "why"]
        print_table("Findings; effects in percentage points", columns, rows)
    out.print(f"[bold]{verdict.decision}[/]", end=": ")
    out.print(verdict.reason, markup=False)


def _read_checks(path: Path) -> tuple[Check, ...]:
    from churn.judging.checks import checks_from_tables

    try:
        return checks_from_tables(tomllib.loads(path.read_text(encoding="utf-8")).get("check", []))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no TOML: {error}", instead="mend the file") from error
