"""Build the report on the comparison with the rivals, as Markdown. Pure: the same results give the same page."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.targets import Results, evaluate_targets

PLOT, STAGES_PLOT = "throughput.png", "stages.png"

HEAD = f"""\
<!-- Made by scripts/bench from results.json; edit benchmarks/report.py instead. -->

# Benchmarks

All figures on this page come from one run of `scripts/bench`. [results.json](results.json) has all its measurements;
`scripts/bench --report` makes the page anew from them. Other runs measured [what one task can do](task.md),
[what the shadow costs](shadow.md), [how many instructions an answer takes](instructions.md) and
[the explanation alone](explainers.md) beside other libraries.

![Requests a second by server and model]({PLOT})
"""

HOW = """\
## How it is measured

Every server has two workers, each with one thread for numbers. All answer the same question with the same fields:
probability, tier, three reasons, banner. Before anything is timed, each must give the same probability and contributions
as `pred_contribs`. Only the floor answers a constant.

| server | what it is |
|---|---|
| (a) first version | our rewrite of the first version's request path: pandas, `predict_proba`, a `shap.TreeExplainer` built once, headers and a log line for each request |
| (b) FastAPI + pred_contribs | the obvious improvement: numpy and XGBoost's own contributions, no headers, no log |
| (c) churn serve | this project's service as it is: strict validation, headers, a log line for each request, reasons worded by their value |
| (d) floor | FastAPI with the same schemas and a constant answer: the cost without a model |
| (e) MLflow | `mlflow models serve` with a pyfunc that does what (b) does |
| (f) BentoML | a BentoML service that does what (b) does |

The models are the champion, trained as `churn train` does, and two larger ones: 300 trees, with the same other
parameters. The servers of one model run side by side. wrk puts one of them at a time under load, on the same machine and
so on the same cores. Each round turns the order around. Tables show medians over the rounds. Ratios are taken within
each round, before the median, so that a busy minute of the machine falls on both sides.

At 32 connections the cores are always busy, also with the load itself. An answer then waits for its turn longer than its
computation takes. So p99 says more about the queue than about the model: compare ours with that of the floor, which
computes nothing.

All run in one environment, which also holds the training libraries. Our service imports none of them. XGBoost imports
pandas and scikit-learn where it finds them, so (b), (e) and (f) would start faster and be smaller without them.
"""  # noqa: E501 - a table's row is one line


def build_report(results: Results) -> str:
    """Build the whole page."""
    sections = [
        HEAD,
        _build_targets(results),
        _build_load(results),
        _build_kernel(results),
        _build_stages(results),
        _build_starts(results),
        HOW,
        _build_machine(results),
    ]
    return "\n".join(section for section in sections if section)


def build_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Build a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def take_medians(rows: Iterable[Mapping[str, Any]], keys: Sequence[str], field: str) -> dict[tuple[Any, ...], float]:
    """Take the median over the rounds of a figure, for each combination of keys, in the order of their appearance."""
    figures: dict[tuple[Any, ...], list[float]] = {}
    for row in rows:
        figures.setdefault(tuple(row[key] for key in keys), []).append(row[field])
    return {combination: statistics.median(values) for combination, values in figures.items()}


def _build_targets(results: Results) -> str:
    rows = [
        [
            result.target.says,
            f"{result.target.relation} {result.target.bound:g}",
            _format_ratio(result.ratio),
            _format_ratio(result.floor),
            result.verdict,
        ]
        for result in evaluate_targets(results)
    ]
    about = (
        "The floor computes nothing. What it misses depends on the server and on the load on the same cores, not\n"
        "on the cost of a prediction.\n"
    )
    return f"## Targets\n\n{about}\n{build_table(['what', 'target', 'measured', 'the floor instead', 'verdict'], rows)}"


def _format_ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def _build_load(results: Results) -> str:
    if not results["load"]:
        return ""
    keys = ("model", "connections", "system")
    throughput, p50, p99 = (
        take_medians(results["load"], keys, name) for name in ("requests_per_s", "p50_ms", "p99_ms")
    )
    errors: dict[tuple[Any, ...], int] = {}
    for row in results["load"]:
        where = tuple(row[key] for key in keys)
        errors[where] = errors.get(where, 0) + row["errors"]
    parts = ["## Under load\n"]
    for model in dict.fromkeys(where[0] for where in throughput):
        rows = [
            [
                results["labels"][where[2]],
                str(where[1]),
                f"{value:,.0f}",
                f"{p50[where]:.2f}",
                f"{p99[where]:.2f}",
                str(errors[where]),
            ]
            for where, value in throughput.items()
            if where[0] == model
        ]
        parts += [
            f"### {model}\n",
            build_table(["server", "connections", "requests a second", "p50, ms", "p99, ms", "errors"], rows),
        ]
    return "\n".join(parts)


def _build_kernel(results: Results) -> str:
    if not results["kernel"]:
        return ""
    keys = ("model", "contender")
    fields = ("one_row_us", "bulk_us", "bulk_reasons_us")
    one, bulk, reasons = (take_medians(results["kernel"], keys, name) for name in fields)
    counts = take_medians(results["kernel"], keys, "bulk_rows")
    rows = [
        [
            *where,
            f"{one[where]:,.1f}",
            f"{1e6 / bulk[where]:,.0f}",
            f"{1e6 / reasons[where]:,.0f}",
            f"{counts[where]:,.0f}",
        ]
        for where in one
    ]
    head = ["model", "explainer", "one row, µs", "rows per core-second", "with reasons", "rows at once"]
    return f"## The explanation alone\n\nIn CPU time, with one thread.\n\n{build_table(head, rows)}"


def _build_stages(results: Results) -> str:
    if not results["stages"]:
        return ""
    histograms: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in results["stages"]:
        histograms.setdefault((row["model"], row["stage"]), []).append(row)
    rows = [
        [*where, *(f"{find_bucket(histogram, share):,.3g}" for share in (0.5, 0.99, 1.0))]
        for where, histogram in histograms.items()
    ]
    about = (
        "This is how long each stage of `/predict` takes inside the service, without server and socket. The service\n"
        "always keeps these histograms. A bucket ends at a power of two of nanoseconds.\n"
    )
    head = ["model", "stage", "half below, µs", "99 % below, µs", "all below, µs"]
    plot = f"![Requests by stage and duration]({STAGES_PLOT})\n"
    return f"## Where the time goes\n\n{about}\n{plot}\n{build_table(head, rows)}"


def find_bucket(histogram: Sequence[Mapping[str, Any]], share: float) -> float:
    """Return the microseconds at which the first bucket ends that, with all below it, holds a share of the requests."""
    needed = share * sum(bucket["requests"] for bucket in histogram)
    reached = 0
    for bucket in histogram:
        reached += bucket["requests"]
        if reached >= needed:
            return float(bucket["below_us"])
    raise ValueError("an empty histogram has no shares")


def _build_starts(results: Results) -> str:
    seconds = take_medians(results["starts"], ("model", "system"), "seconds")
    weights = {(row["model"], row["system"]): row for row in results["memory"]}
    rows = [
        [where[0], results["labels"][where[1]], f"{value:.2f}"]
        + [f"{weights[where][name]:,.0f}" for name in ("rss", "pss", "uss", "all_pss")]
        for where, value in seconds.items()
    ]
    head = ["model", "server", "start to first answer, s", "RSS", "PSS", "USS", "all processes, PSS"]
    about = (
        "Memory is in MiB, after all load. RSS, PSS and USS are those of a worker. PSS splits shared memory among the\n"
        "processes; USS leaves it out.\n"
    )
    return f"## Start and memory\n\n{about}\n{build_table(head, rows)}" if rows else ""


def _build_machine(results: Results) -> str:
    machine, settings = results["machine"], results["settings"]
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    return (
        "## This run\n\n"
        f"- {settings['rounds']} rounds; {settings['seconds']} s of load in each measurement after "
        f"{settings['warm_up_s']} s to warm up\n"
        f"- {results['date']}, {machine['cores']} cores of {machine['cpu']}, {machine['system']}\n"
        f"- load average before it began: {machine['load_before']:g}\n"
        f"- Python {machine['python']}, wrk {machine['wrk']}\n"
        f"- {libraries}\n"
    )
