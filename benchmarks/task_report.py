"""Build the report on one task, as Markdown. Pure: the same results give the same page."""

from __future__ import annotations

import math
import statistics
from typing import Any

from benchmarks.report import build_table

PLOT = "task.png"
LIMITS_MS = (20, 200)
WANTED_PER_S = 10_000
# The share of its CPU at which a service is given more tasks: deploy/terraform/modules/scaling.
BUSY_SHARE = 0.6
# AWS Fargate, Linux on x86, us-east-1, dollars an hour for a vCPU and for a GB: https://aws.amazon.com/fargate/pricing/
TASK_HOUR = 0.04048 + 2 * 0.004445
# In seconds of the probe's clock: while the load is certainly on, and from when all must be well again.
LOADED, RECOVERED = (0.5, 3.5), 5.0

type Results = dict[str, Any]
type Row = dict[str, Any]

HEAD = """\
<!-- Made by scripts/bench --task from task.json; edit benchmarks/task_report.py instead. -->

# What one task can do

One container runs under more and more load. It has the limits of a task on AWS, one CPU and 2 GB, and is hardened as in
production. Beside it runs the first version, with one worker and the same limits. All figures on this page come from
one run of `scripts/bench --task`. [task.json](task.json) has all its measurements.

![Answers a second and p99 by connections](task.png)
"""

HOW = f"""\
The requests a second are the highest rate that any number of connections reached. At that rate p99, as a median of the
rounds, is under the limit, and no request failed or was refused. The tasks are for {WANTED_PER_S:,}
requests a second: each used to the full, and in brackets as many as scaling needs to keep each {BUSY_SHARE:.0%} busy.
Dollars are Fargate's list price in us-east-1, ${TASK_HOUR:.5f} an hour, for a task that is used to the full. Load
balancer, logs and traffic are extra.

Load and container share a machine of two cores: the container has one CPU, wrk the other. A closed loop waits for slow
answers, and so hides how long others would have waited. An open loop does not. But its client in Python keeps up with
about 4,000 a second only; the table says where it did not. What it shows below that rate holds. For higher rates see
the closed loop.
"""

OVERLOAD = """\
`MAX_QUEUE` is 128. Of 256 connections that always ask again at once, half are told to come back. Their p99 is a bound,
since wrk tells answers and refusals apart only by their number. Meanwhile another client asks 50 times a second, on a
schedule. It finds the queue full, since none of the 256 ever waits before it asks again.
"""


def build_task_report(results: Results) -> str:
    """Build the whole page."""
    labels: dict[str, str] = results["labels"]
    return "\n".join(
        [
            HEAD,
            "## Summary\n",
            build_table(["", *labels.values()], _build_summary(results)),
            HOW,
            "## The specification's test: 1,000 requests over 8 connections\n",
            build_table(["", "mean, ms", "median, ms", "p95, ms", "p99, ms", "errors"], _build_thousand(results)),
            "## More and more connections\n",
            "Each sends its next request when its last one is answered.\n",
            build_table(
                ["system", "connections", "answered a second", "p50, ms", "p99, ms", "refused or failed"],
                _build_steps(results),
            ),
            "## Higher and higher rates\n",
            "Requests are sent when they are due, at random moments, however slow the answers are.\n",
            build_table(
                ["system", "asked a second", "answered", "p50, ms", "p99, ms", "errors", "client kept up"],
                _build_rates(results),
            ),
            "## Overload\n",
            OVERLOAD,
            build_table(["", *labels.values()], _build_overload(results)),
            _describe_machine(results),
        ]
    )


def find_sustained_rate(results: Results, system: str, limit_ms: float) -> float:
    """Return the most answers a second with p99 under a limit and none refused; 0 if there is no such step."""
    rows = [row for row in take_step_medians(results) if row["system"] == system]
    return max((row["answered_per_s"] for row in rows if row["p99_ms"] < limit_ms and not row["errors"]), default=0.0)


def take_step_medians(results: Results) -> list[Row]:
    """Return one row of the closed loop for each system and number of connections."""
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in results["steps"]:
        groups.setdefault((row["system"], row["connections"]), []).append(row)
    return [
        {
            "system": system,
            "connections": connections,
            **{name: statistics.median(row[name] for row in rows) for name in ("answered_per_s", "p50_ms", "p99_ms")},
            "errors": sum(row["errors"] for row in rows),
        }
        for (system, connections), rows in groups.items()
    ]


def _build_summary(results: Results) -> list[list[str]]:
    systems = list(results["labels"])
    rows = [
        [
            "start to first answer",
            *(f"{_select_rows(results['starts'], system)[0]['seconds']:.2f} s" for system in systems),
        ]
    ]
    for limit in LIMITS_MS:
        rates = [find_sustained_rate(results, system, limit) for system in systems]
        rows += [
            [f"requests a second at p99 < {limit} ms", *(f"{rate:,.0f}" for rate in rates)],
            [f"tasks for {WANTED_PER_S:,} a second", *(_count_tasks(rate) for rate in rates)],
            [
                "dollars for a million predictions",
                *(f"{TASK_HOUR / 3600 / rate * 1e6:.4f}" if rate else "-" for rate in rates),
            ],
        ]
    return rows


def _count_tasks(task_per_s: float) -> str:
    if not task_per_s:
        return "-"
    return f"{math.ceil(WANTED_PER_S / task_per_s)} ({math.ceil(WANTED_PER_S / task_per_s / BUSY_SHARE)})"


def _build_thousand(results: Results) -> list[list[str]]:
    return [
        [
            f"{label}, round {row['round'] + 1}",
            *(f"{row[name]:.2f}" for name in ("mean_ms", "median_ms", "p95_ms", "p99_ms")),
            str(sum(row["errors"].values())),
        ]
        for system, label in results["labels"].items()
        for row in _select_rows(results["thousand"], system)
    ]


def _build_steps(results: Results) -> list[list[str]]:
    return [
        [
            results["labels"][row["system"]],
            str(row["connections"]),
            f"{row['answered_per_s']:,.0f}",
            f"{row['p50_ms']:.2f}",
            f"{row['p99_ms']:.2f}",
            f"{row['errors']:,}",
        ]
        for system in results["labels"]
        for row in _select_rows(take_step_medians(results), system)
    ]


def _build_rates(results: Results) -> list[list[str]]:
    return [
        [
            results["labels"][row["system"]],
            f"{row['rate']:,}",
            f"{row['answered_per_s']:,.0f}",
            *(f"{row[name]:.2f}" if name in row else "" for name in ("median_ms", "p99_ms")),
            f"{sum(row['errors'].values()):,}",
            "yes" if row["client_kept_up"] else "no",
        ]
        for row in results["rates"]
    ]


def _build_overload(results: Results) -> list[list[str]]:
    columns = [_describe_overload(_select_rows(results["overloads"], system)) for system in results["labels"]]
    return [[name, *(column[name] for column in columns)] for name in columns[0]]


def _describe_overload(runs: list[Row]) -> dict[str, str]:
    """Describe what both sides saw: the median of the runs, and the worst run where it says so."""
    loaded = [[probe for probe in run["probes"] if LOADED[0] <= probe[0] <= LOADED[1]] for run in runs]
    after = [[probe for probe in run["probes"] if probe[0] >= RECOVERED] for run in runs]
    refused = sum(error == "status 503" for probes in loaded for *_, error in probes)
    failed = sum(error not in {None, "status 503"} for probes in loaded for *_, error in probes)
    p99s = [run["others"]["answered_p99_ms"] for run in runs]
    return {
        "answered to the 256, a second": f"{statistics.median(run['others']['answered_per_s'] for run in runs):,.0f}",
        "refused to the 256, a second": f"{statistics.median(run['others']['refused_per_s'] for run in runs):,.0f}",
        "p99 of those answered to the 256, ms, at most (worst run)": f"{statistics.median(p99s):.1f} ({max(p99s):.1f})",
        "requests of the other client": str(sum(map(len, loaded))),
        "of these told to come back": str(refused),
        "of these failed otherwise": str(failed),
        "failed or refused from a second after": str(
            sum(error is not None for probes in after for *_, error in probes)
        ),
        "slowest from a second after, ms": f"{max(ms for probes in after for _, ms, _ in probes):.1f}",
    }


def _describe_machine(results: Results) -> str:
    on = results["machine"]
    return (
        f"Measured on {results['date']}: {on['cpu']}, {on['cores']} cores, {on['system']}, Docker {on['docker']}, "
        f"wrk {on['wrk']}. The base image is {results['base']}.\n"
    )


def _select_rows(rows: list[Row], system: str) -> list[Row]:
    return [row for row in rows if row["system"] == system]
