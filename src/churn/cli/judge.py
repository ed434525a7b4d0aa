"""Commands on the judge of canaries: `churn judge explain`, `churn judge simulate`."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn.cli.extras import require_extra
from churn.cli.options import JsonOption
from churn.cli.show import err, out, print_json, print_table, say, show_progress
from churn.errors import ExitCode, SettingsError
from churn.files import encode_json, write_bytes

if TYPE_CHECKING:
    from churn.judging.checks import Check
    from churn.judging.judge import Verdict

# ruff: noqa: PLC0415 - scipy and matplotlib are an extra

VERDICT_CODES = {"promote": ExitCode.DONE, "hold": ExitCode.NOT_OVER, "roll back": ExitCode.ROLLED_BACK}
RUNS, QUICK_RUNS = 1000, 100
REQUESTS, QUICK_REQUESTS = 200_000, 40_000

judge_app = typer.Typer(help="Judge a canary by what it answered, and see how well that works.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(judge_app, name="judge")


@judge_app.command("explain", epilog="Example: churn judge explain counts.json")
def judge_explain(
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
        _show(verdict)
    raise typer.Exit(VERDICT_CODES[verdict.decision])


@judge_app.command("simulate", epilog="Example: churn judge simulate --out docs/judge")
def judge_simulate(
    *,
    to: Annotated[
        Path | None, typer.Option("--out", help="Also write simulation.md, .json and .svg to this folder.")
    ] = None,
    quick: Annotated[bool, typer.Option(help=f"Only {QUICK_RUNS} runs of {QUICK_REQUESTS:,} requests.")] = False,
    runs: Annotated[int | None, typer.Option(min=1, help=f"Runs of each scenario; {RUNS:,} if not given.")] = None,
    requests: Annotated[
        int | None, typer.Option(min=1, help=f"Requests of each run; {REQUESTS:,} if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same figures.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Let the judge, and usual tests beside it, watch canaries whose truth is known, and count who is wrong when."""
    require_extra("rollout", "scipy", *(["matplotlib"] if to else []))
    from churn.judging.simulation import SCENARIOS, simulate
    from churn.judging.simulation_report import page, summary, tables

    requests = requests or (QUICK_REQUESTS if quick else REQUESTS)
    how_often = runs or (QUICK_RUNS if quick else RUNS)
    say(f"{len(SCENARIOS)} scenarios, {how_often:,} runs of each, up to {requests:,} requests")
    courses = []
    with show_progress("requests") as move:
        for number, scenario in enumerate(SCENARIOS):
            before, every = number * requests, len(SCENARIOS) * requests
            progress = functools.partial(_move, move, before, every, scenario.name)
            courses.append(simulate(scenario, runs=how_often, requests=requests, seed=seed + number, progress=progress))
    figures = summary(courses, seed=seed)
    if as_json:
        print_json(figures)
    else:
        for shown in tables(figures):
            print_table(*shown)
    if to is not None:
        from churn.judging.plot import simulation_plot, svg

        write_bytes(to / "simulation.svg", svg(simulation_plot(figures)))
        write_bytes(to / "simulation.json", encode_json({**figures, "courses": None}))
        write_bytes(to / "simulation.md", page(figures).encode())
        err.print(f"written to {to}")


def _move(move: Any, before: int, every: int, name: str, done: int) -> None:
    move(before + done, every, name)


def _show(verdict: Verdict) -> None:
    if verdict.findings:
        rows = [
            [
                finding.check,
                finding.decision,
                *map(_points, (finding.effect, finding.low, finding.high)),
                f"{100 * finding.tolerance:g}",
                finding.reason.partition(": ")[2],
            ]
            for finding in verdict.findings
        ]
        columns = ["check", "says", "effect", "surely above", "surely below", "tolerated", "why"]
        print_table("Findings; effects in percentage points", columns, rows)
    out.print(f"[bold]{verdict.decision}[/]", end=": ")
    out.print(verdict.reason, markup=False)


def _points(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"


def _read_checks(path: Path) -> tuple[Check, ...]:
    from churn.judging.checks import checks_from_tables

    try:
        return checks_from_tables(tomllib.loads(path.read_text(encoding="utf-8")).get("check", []))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no TOML: {error}", instead="mend the file") from error
