"""Build the report on the shadow's cost, as Markdown. Pure: the same results give the same page."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.report import build_table

AT_LEAST = 0.9

type Results = dict[str, Any]
type Row = dict[str, Any]

HEAD = """\
<!-- Made by scripts/bench --shadow from shadow.json; edit benchmarks/shadow_report.py instead. -->

# What the shadow costs

Two services have the same bundle and the prediction log. One of them has a challenger: the same bundle again, so that
the second answer costs as much as the first. Each has one worker. The service under load has one CPU, wrk the other.
All figures on this page come from one run of `scripts/bench --shadow`. [shadow.json](shadow.json) has all its
measurements.
"""

HOW = """\
The service without a challenger is first asked over {connections} connections as fast as wrk can. Half load is half of
what it answers then: {half:,.0f} requests a second. Each connection waits a random time before it asks again. There are
{rounds} rounds of {seconds} seconds, and each turns the order around. Tables show medians over the rounds, with the
least and the most. Ratios are taken within a round. CPU is all that the service used, with its background writer,
divided by the answers.
"""

MEASURES = (
    ("answers a second", "requests_per_s", "{:,.0f}"),
    ("p50, ms", "p50_ms", "{:.2f}"),
    ("p99, ms", "p99_ms", "{:.2f}"),
    ("CPU an answer, µs", "cpu_us_per_request", "{:.0f}"),
    ("errors", "errors", "{:.0f}"),
)


def build_shadow_report(results: Results) -> str:
    """Build the whole page."""
    settings = results["settings"]
    sections = [HEAD, _describe_verdict(results)]
    for load, title in (("half", "At half load"), ("full", "As fast as it can")):
        sections += [
            f"## {title}\n",
            build_table(["", "without", "with a challenger", "with / without"], _build_rows(results, load)),
        ]
    how = HOW.format(
        connections=settings["connections"],
        half=results["half_per_s"],
        rounds=settings["rounds"],
        seconds=settings["seconds"],
    )
    return "\n".join([*sections, "## How it is measured\n", how, _describe_machine(results)])


def compute_ratio(results: Results, load: str, measure: str) -> float | None:
    """Return the figure with a challenger divided by the one without: the median over the rounds without an error."""
    rounds: dict[int, dict[str, Row]] = {}
    for row in results["load"]:
        if row["load"] == load:
            rounds.setdefault(row["round"], {})[row["system"]] = row
    ratios = [
        both["with"][measure] / both["without"][measure]
        for both in rounds.values()
        if both["without"][measure] and not (both["with"]["errors"] or both["without"]["errors"])
    ]
    return statistics.median(ratios) if ratios else None


def _describe_verdict(results: Results) -> str:
    ratio = compute_ratio(results, "half", "requests_per_s")
    counted = results["shadowed"]
    shadowed = (
        f"Over the whole run the challenger answered {counted['paired']:,} of {sum(counted.values()):,} times; "
        f"{counted['dropped']:,} answers were dropped, {counted['failed']:,} failed.\n"
    )
    if ratio is None:
        return f"**Not measured**: each round had an error.\n\n{shadowed}"
    verdict = "meets" if ratio >= AT_LEAST else "misses"
    return (
        f"At half load the service with a challenger answers **{ratio:.3f} times** what it answers without. The aim "
        f"is at least {AT_LEAST}: it **{verdict}** that.\n\n{shadowed}"
    )


def _describe_machine(results: Results) -> str:
    on = results["machine"]
    libraries = ", ".join(f"{name} {version}" for name, version in on["libraries"].items())
    return (
        f"Measured on {results['date']}: {on['cpu']}, {on['cores']} cores, load {on['load_before']} before; "
        f"{on['system']}, Python {on['python']}, wrk {on['wrk']}; {libraries}.\n"
    )


def _build_rows(results: Results, load: str) -> list[list[str]]:
    rows = []
    for name, measure, form in MEASURES:
        both = [_describe_spread(results, load, system, measure, form) for system in ("without", "with")]
        ratio = None if measure == "errors" else compute_ratio(results, load, measure)
        rows.append([name, *both, "" if ratio is None else f"{ratio:.3f}"])
    return rows


def _describe_spread(results: Results, load: str, system: str, measure: str, form: str) -> str:
    figures = [row[measure] for row in results["load"] if (row["load"], row["system"]) == (load, system)]
    ends = f"{form.format(min(figures))} to {form.format(max(figures))}"
    return f"{form.format(statistics.median(figures))} ({ends})"
