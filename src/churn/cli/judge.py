"""The commands on the judge of canaries: `churn judge explain`, `churn judge plan` and `churn judge serve`."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn.cli.extras import require_extra
from churn.cli.options import ContractOption, JsonOption, time_from_text
from churn.cli.show import out, print_json, print_table
from churn.errors import ExitCode, SettingsError
from churn.settings import read_settings

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
    from churn.judging.checks import ALL_CHECKS
    from churn.judging.counts_file import read_judge_input
    from churn.judging.judge import judge

    chosen = ALL_CHECKS if checks is None else _read_checks(checks)
    verdict = judge(chosen, read_judge_input(counts), false_rollback=false_rollback, false_promotion=false_promotion)
    if as_json:
        print_json(asdict(verdict))
    else:
        _print_verdict(verdict)
    raise typer.Exit(VERDICT_CODES[verdict.decision])


@app.command("plan", epilog="Example: churn judge plan --stable http://127.0.0.1:8011")
def foretell_plan(
    plan: Annotated[
        Path | None, typer.Option("--plan", help="The plan of a rollout, a TOML file; 10, 50, 100 % if not given.")
    ] = None,
    *,
    contract: ContractOption = "streamflow",
    stable: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="An instance of the live version, which has counted its errors and latency; again for more of them.",
        ),
    ] = None,
    since: Annotated[
        str,
        typer.Option(help="From when on the log is read, such as `24h`, `7d` or `2026-03-10T09:00`; UTC."),
    ] = "24h",
    requests_per_hour: Annotated[
        float | None,
        typer.Option(min=0.1, max=1e9, help="Instead of reading the log: how many requests come in an hour."),
    ] = None,
    requests_each: Annotated[
        float | None, typer.Option(min=1, help="With --requests-per-hour: how often each subscriber asks.")
    ] = None,
    error_share: Annotated[
        float | None, typer.Option(min=0, max=0.5, help="Instead of asking --stable: the share of requests that fail.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say before a rollout how many requests, people and hours each step will take, for an equal and for a bad version.

    It plays the plan with the controller and the judge, on traffic as the prediction log has it. Exit code 0: the plan
    can end within its longest holds. 9: it is not expected to, and what to change.
    """
    require_extra("rollout", "scipy")
    from churn.cli import judge_plan as forecasts
    from churn.cli.rollout_control import count_stable
    from churn.rollout.plan import DEFAULT_PLAN, read_plan
    from churn.rollout.state import Setup

    if requests_each is not None and requests_per_hour is None:
        raise SettingsError(
            "--requests-each was given without --requests-per-hour", instead="give both, or none to read the log"
        )
    settings, now, steps = read_settings(), datetime.now(UTC), read_plan(plan or DEFAULT_PLAN)
    counts = count_stable(Setup(router="", stable=tuple(stable)), settings) if stable else None
    known = forecasts.find_known(
        steps,
        settings,
        contract,
        since=time_from_text(since, now) or now,
        now=now,
        stable=counts,
        given=forecasts.Given(requests_per_hour, requests_each, error_share),
    )
    forecast = forecasts.foretell(steps, known, with_bad=True)
    if as_json:
        print_json(forecasts.summarize(steps, known, forecast))
    else:
        forecasts.show_forecast(steps, known, forecast)
    raise typer.Exit(ExitCode.DONE if forecast.equal.can_end else ExitCode.NOT_OVER)


@app.command("serve", epilog="Example: churn judge serve --prometheus http://prometheus:9090")
def serve_verdicts(
    *,
    stable: Annotated[
        list[str] | None,
        typer.Option(help="An instance of the live version, such as http://127.0.0.1:8011; again for more of them."),
    ] = None,
    canary: Annotated[list[str] | None, typer.Option(help="An instance of the new one; again for more.")] = None,
    prometheus: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Ask this Prometheus instead of the instances. --stable and --canary are then the labels that select "
            'them, track="stable" and track="canary" by default.',
        ),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(help="A plan, a TOML file: its tolerances, chances and what is judged. Its steps are not used."),
    ] = None,
    checks: Annotated[
        Path | None, typer.Option(help="TOML with a table [[check]] for each check; the plan's checks if not given.")
    ] = None,
    contract: ContractOption = "streamflow",
) -> None:
    """Answer Argo Rollouts and Flagger with a verdict until stopped; JUDGE_* says where, and what they must give.

    docs/kubernetes.md has the manifests. The model's checks and guardrails take the prediction log and both bundles.
    """
    require_extra("rollout", "scipy", "httpx2", "prometheus_client")
    from churn.cli.judge_serve import open_analyst, require_token
    from churn.cli.rollout import SELECTORS
    from churn.rollout.plan import DEFAULT_PLAN, read_plan
    from churn.rollout.state import Setup
    from churn.verdicts.server import serve

    settings, steps = read_settings(), read_plan(plan or DEFAULT_PLAN)
    token = require_token(settings)
    setup = Setup(
        router="",
        prometheus=prometheus,
        stable=tuple(stable or ([SELECTORS["stable"]] if prometheus else [])),
        canary=tuple(canary or ([SELECTORS["canary"]] if prometheus else [])),
        contract=contract,
    )
    analyst = open_analyst(setup, steps, settings, _read_checks(checks) if checks else steps.checks)
    serve(analyst, token, host=settings.judge_host, port=settings.judge_port, log_level=settings.log_level)


def _print_verdict(verdict: Verdict) -> None:
    def points(share: float | None) -> str:
        return "-" if share is None else f"{100 * share:.2f}"

    if verdict.findings:
        rows = [
            [
                finding.check,
                finding.words,
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
