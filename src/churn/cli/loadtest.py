"""The command `churn loadtest`: how fast a running service answers, and whether that is fast enough."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from churn.businesses import find_contract
from churn.cli.extras import require_extra
from churn.cli.options import ContractOption, JsonOption, ReportOption
from churn.cli.reports import require_forms, write_report
from churn.cli.show import print_json, print_table, say, show_progress
from churn.errors import LoadTestError, SettingsError
from churn.settings import read_settings

if TYPE_CHECKING:
    from churn.dashboard.report import Report
    from churn.loadtest.plan import ClosedLoop, OpenLoop

# ruff: noqa: PLC0415 - aiohttp is an extra

REQUESTS = 1000
CONNECTIONS = 8
NEEDS_KEY = frozenset({"status 401", "status 403"})  # errors of samples

app = typer.Typer()


@app.command(epilog="Example: churn loadtest http://127.0.0.1:8000 --rate 200 --out var/load.html")
def loadtest(
    url: Annotated[str, typer.Argument(help="The service's address, such as http://127.0.0.1:8000.")],
    *,
    requests: Annotated[
        int | None, typer.Option(min=1, help=f"Number of requests; {REQUESTS:,} unless --duration is given.")
    ] = None,
    duration: Annotated[
        float | None, typer.Option(min=0.1, max=86_400, help="Seconds to send for, instead of --requests.")
    ] = None,
    connections: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10_000,
            help="Closed loop: each connection sends its next request when its last one is answered. It hides how "
            f"long others would have waited. {CONNECTIONS} unless --rate is given.",
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=100_000,
            help="Open loop: requests a second, each sent when it is due, however slow the answers are. Latency "
            "counts from when a request was due.",
        ),
    ] = None,
    arrivals: Annotated[
        Literal["uniform", "poisson"] | None,
        typer.Option(help="Open loop: equal gaps (the default), or the random gaps of many people."),
    ] = None,
    slo_p99_ms: Annotated[
        float, typer.Option("--slo-p99-ms", min=0.001, help="Fail unless 99 % of the answers are faster.")
    ] = 200.0,
    max_error_share: Annotated[
        float, typer.Option(min=0, max=1, help="Fail if a larger share of the requests fails.")
    ] = 0.0,
    warmup: Annotated[int, typer.Option(min=0, help="Requests sent first, not counted.")] = 50,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds until a request fails.")] = 10.0,
    drain_timeout: Annotated[
        float, typer.Option(min=0, help="Open loop: seconds to wait for answers after the last request.")
    ] = 10.0,
    path: Annotated[str, typer.Option(help="The path to call; it must answer as /predict does.")] = "/predict",
    contract: ContractOption = "streamflow",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the subscribers and of Poisson arrivals.")] = 0,
    as_json: JsonOption = False,
    out_paths: ReportOption = None,
) -> None:
    """Load a running service with random valid subscribers; exit code 1 if p99 is too high or too many fail."""
    paths = require_forms(out_paths)
    require_extra("loadtest", "aiohttp")
    from churn.loadtest.plan import LoadPlan, build_target_url, draw_bodies, require_listener
    from churn.loadtest.report import summarise
    from churn.loadtest.run import run_load
    from churn.loadtest.words import describe_load, describe_verdict, json_from_report, rows_from_report

    if duration is not None and math.isnan(duration):
        raise SettingsError("--duration is no number", instead="give a number of seconds")
    if requests is not None and duration is not None:
        raise SettingsError("--requests and --duration were both given", instead="give one of them")
    plan = LoadPlan(
        url=build_target_url(url, path),
        contract=contract,
        loop=_loop(connections, rate, arrivals, drain_timeout),
        requests=requests or (REQUESTS if duration is None else None),
        duration_s=duration or math.inf,
        warmup=warmup,
        timeout_s=timeout,
        seed=seed,
        slo_p99_ms=slo_p99_ms,
        max_error_share=max_error_share,
    )
    api_key = read_settings().reveal_api_key()
    bodies = draw_bodies(find_contract(contract), seed)
    require_listener(plan.url)
    say(f"{describe_load(plan)}, to {plan.url}")
    with show_progress("requests", calm=True) as move:
        run = run_load(plan, bodies, move, api_key=api_key)
    report = summarise(run, plan)
    content = json_from_report(plan, report)
    if as_json:
        print_json(content)
    else:
        print_table("Load test", ["measure", "value"], rows_from_report(plan, report))

    def draw() -> Report:
        from churn.dashboard.charts.loadtest import report_load

        return report_load(plan, report, run.samples)

    write_report(paths, content, draw)
    if not report.passed:
        needs_key = NEEDS_KEY & {sample.error for sample in run.samples}
        raise LoadTestError(
            f"the objective was {describe_verdict(plan, report)}",
            instead="set CHURN_API_KEY to a key that is valid now and has the path's scope"
            if needs_key
            else "look at the service's log, or ask for what it can hold with --slo-p99-ms and --max-error-share",
        )


def _loop(
    connections: int | None, rate: float | None, arrivals: Literal["uniform", "poisson"] | None, drain_s: float
) -> ClosedLoop | OpenLoop:
    from churn.loadtest.plan import ClosedLoop, OpenLoop

    if rate is not None and connections is not None:
        raise SettingsError(
            "--rate and --connections were both given",
            instead="give one of them: a rate opens as many connections as it takes",
        )
    if rate is None and arrivals is not None:
        raise SettingsError("--arrivals was given without --rate", instead="give the rate at which they arrive")
    if rate is not None:
        return OpenLoop(rate, arrivals or "uniform", drain_s)
    return ClosedLoop(connections or CONNECTIONS)
