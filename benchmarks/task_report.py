"""The report on one task as Markdown. Pure: the same results give the same page."""

from __future__ import annotations

import math
import statistics
from typing import Any

from benchmarks.report import table

PLOT = "task.png"
LIMITS_MS = (20, 200)
WANTED_PER_S = 10_000
# The share of its CPU at which a service is given more tasks: deploy/terraform/modules/scaling.
BUSY_SHARE = 0.6
# AWS Fargate, Linux on x86, us-east-1, dollars an hour for a vCPU and for a GB: https://aws.amazon.com/fargate/pricing/
TASK_HOUR = 0.04048 + 2 * 0.004445
# When the load is surely on, in seconds of the probe's clock, and from when on all must be well again.
LOADED, RECOVERED = (0.5, 3.5), 5.0

type Results = dict[str, Any]
type Row = dict[str, Any]

HEAD = """\
<!-- Made by scripts/bench --task from task.json; edit benchmarks/task_report.py instead. -->

# What one task can do

One container with the limits that a task has on AWS, one CPU and 2 GB, and hardened as in production, under more and
more load; beside it the first version, with one worker and the same limits. All figures on this page come from one
run of `scripts/bench --task`; [task.json](task.json) has every measurement of it.

![Answers a second and p99 by connections](task.png)
"""

HOW = f"""\
A request a second is *sustained* under a limit if, with some number of connections, the median of the rounds had p99
under it and no request failed or was refused. Tasks are for {WANTED_PER_S:,} requests a second if each is used to the
full, and, in brackets, if scaling keeps them {BUSY_SHARE:.0%} busy. Dollars are Fargate's list price in us-east-1 for
a task that is used to the full, ${TASK_HOUR:.5f} an hour; without load balancer, logs and traffic.

Load and container share a machine of two cores: the container has one CPU of it, wrk takes the other. A closed loop
waits for slow answers and so hides how long others would have waited; an open loop does not, but its client in Python
keeps up to some 4,000 a second only, which the table says. What an open loop shows below that rate holds; for more
than that, see the closed loop.
"""

OVERLOAD = """\
`MAX_QUEUE` is 128: of 256 that ask at once, and ask again at once, half are told to come back. Their p99 is a bound,
since wrk tells answers and refusals apart only by their number. Meanwhile somebody else asks 50 times a second, on a
schedule. As none of the 256 ever waits before it asks again, whoever comes later finds the queue full.
"""


def task_report(results: Results) -> str:
    """The whole page."""
    labels: dict[str, str] = results["labels"]
    return "\n".join(
        [
            HEAD,
            "## Summary\n",
            table(["", *labels.values()], _summary(results)),
            HOW,
            "## The specification's test: 1,000 requests over 8 connections\n",
            table(["", "mean, ms", "median, ms", "p95, ms", "p99, ms", "errors"], _thousand(results)),
            "## More and more connections\n",
            "Each sends its next request when its last one is answered.\n",
            table(
                ["system", "connections", "answered a second", "p50, ms", "p99, ms", "refused or failed"],
                _steps(results),
            ),
            "## Higher and higher rates\n",
            "Requests are sent when they are due, at random moments, however slow the answers are.\n",
            table(
                ["system", "asked a second", "answered", "p50, ms", "p99, ms", "errors", "client kept up"],
                _rates(results),
            ),
            "## Overload\n",
            OVERLOAD,
            table(["", *labels.values()], _overload(results)),
            _machine(results),
        ]
    )


def sustained(results: Results, system: str, limit_ms: float) -> float:
    """The most answers a second with p99 under a limit and none refused; 0 if there is no such step."""
    rows = [row for row in medians(results) if row["system"] == system]
    return max((row["answered_per_s"] for row in rows if row["p99_ms"] < limit_ms and not row["errors"]), default=0.0)


def medians(results: Results) -> list[Row]:
    """Of the closed loop, one row for each system and number of connections."""
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


def _summary(results: Results) -> list[list[str]]:
    systems = list(results["labels"])
    rows = [
        ["start to first answer", *(f"{_only(results['starts'], system)[0]['seconds']:.2f} s" for system in systems)]
    ]
    for limit in LIMITS_MS:
        found = [sustained(results, system, limit) for system in systems]
        rows += [
            [f"requests a second at p99 < {limit} ms", *(f"{each:,.0f}" for each in found)],
            [f"tasks for {WANTED_PER_S:,} a second", *(_tasks(each) for each in found)],
            [
                "dollars for a million predictions",
                *(f"{TASK_HOUR / 3600 / each * 1e6:.4f}" if each else "-" for each in found),
            ],
        ]
    return rows


def _tasks(each_per_s: float) -> str:
    if not each_per_s:
        return "-"
    return f"{math.ceil(WANTED_PER_S / each_per_s)} ({math.ceil(WANTED_PER_S / each_per_s / BUSY_SHARE)})"


def _thousand(results: Results) -> list[list[str]]:
    return [
        [
            f"{label}, round {row['round'] + 1}",
            *(f"{row[name]:.2f}" for name in ("mean_ms", "median_ms", "p95_ms", "p99_ms")),
            str(sum(row["errors"].values())),
        ]
        for system, label in results["labels"].items()
        for row in _only(results["thousand"], system)
    ]


def _steps(results: Results) -> list[list[str]]:
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
        for row in _only(medians(results), system)
    ]


def _rates(results: Results) -> list[list[str]]:
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


def _overload(results: Results) -> list[list[str]]:
    columns = [_overload_of(_only(results["overloads"], system)) for system in results["labels"]]
    return [[name, *(column[name] for column in columns)] for name in columns[0]]


def _overload_of(runs: list[Row]) -> dict[str, str]:
    """What somebody saw; the middle of the runs, and the worst where it says so."""
    loaded = [[probe for probe in run["probes"] if LOADED[0] <= probe[0] <= LOADED[1]] for run in runs]
    after = [[probe for probe in run["probes"] if probe[0] >= RECOVERED] for run in runs]
    refused = sum(error == "status 503" for probes in loaded for *_, error in probes)
    failed = sum(error not in {None, "status 503"} for probes in loaded for *_, error in probes)
    p99s = [run["others"]["answered_p99_ms"] for run in runs]
    return {
        "answered to the 256, a second": f"{statistics.median(run['others']['answered_per_s'] for run in runs):,.0f}",
        "refused to the 256, a second": f"{statistics.median(run['others']['refused_per_s'] for run in runs):,.0f}",
        "p99 of those answered to the 256, ms, at most (worst run)": f"{statistics.median(p99s):.1f} ({max(p99s):.1f})",
        "somebody's requests": str(sum(map(len, loaded))),
        "of these told to come back": str(refused),
        "of these failed otherwise": str(failed),
        "failed or refused from a second after": str(
            sum(error is not None for probes in after for *_, error in probes)
        ),
        "slowest from a second after, ms": f"{max(ms for probes in after for _, ms, _ in probes):.1f}",
    }


def _machine(results: Results) -> str:
    on = results["machine"]
    return (
        f"Measured on {results['date']}: {on['cpu']}, {on['cores']} cores, {on['system']}, Docker {on['docker']}, "
        f"wrk {on['wrk']}. The base image is {results['base']}.\n"
    )


def _only(rows: list[Row], system: str) -> list[Row]:
    return [row for row in rows if row["system"] == system]
