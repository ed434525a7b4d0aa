"""The report on the shadow's cost as Markdown. Pure: the same results give the same page."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.report import table

AT_LEAST = 0.9

type Results = dict[str, Any]
type Row = dict[str, Any]

HEAD = """\
<!-- Made by scripts/bench --shadow from shadow.json; edit benchmarks/shadow_report.py instead. -->

# What the shadow costs

Two services with the same bundle and the prediction log, one of which has a challenger: the same bundle again, so that
the second answer costs what the first does. Each has one worker; the service under load has one CPU, wrk the other.
All figures on this page come from one run of `scripts/bench --shadow`; [shadow.json](shadow.json) has every measurement
of it.
"""

HOW = """\
Half load is half of what the service without a challenger answers when wrk asks as fast as it can over {connections}
connections: there each connection waits a random time before it asks again, {half:,.0f} requests a second together.
{rounds} rounds of {seconds} seconds; the order is turned around in every round. Tables show medians over the rounds,
with the least and the most; ratios are taken within a round. CPU is all that the service used, its background writer
included, divided by the answers.
"""

MEASURES = (
    ("answers a second", "requests_per_s", "{:,.0f}"),
    ("p50, ms", "p50_ms", "{:.2f}"),
    ("p99, ms", "p99_ms", "{:.2f}"),
    ("CPU an answer, µs", "cpu_us_per_request", "{:.0f}"),
    ("errors", "errors", "{:.0f}"),
)


def shadow_report(results: Results) -> str:
    """The whole page."""
    settings = results["settings"]
    sections = [HEAD, _verdict(results)]
    for load, title in (("half", "At half load"), ("full", "As fast as it can")):
        sections += [
            f"## {title}\n",
            table(["", "without", "with a challenger", "with / without"], _rows(results, load)),
        ]
    how = HOW.format(
        connections=settings["connections"],
        half=results["half_per_s"],
        rounds=settings["rounds"],
        seconds=settings["seconds"],
    )
    return "\n".join([*sections, "## How it is measured\n", how, _machine(results)])


def ratio(results: Results, load: str, measure: str) -> float | None:
    """With to without, the median over the rounds in which neither had an error."""
    rounds: dict[int, dict[str, Row]] = {}
    for row in results["load"]:
        if row["load"] == load:
            rounds.setdefault(row["round"], {})[row["system"]] = row
    found = [
        both["with"][measure] / both["without"][measure]
        for both in rounds.values()
        if both["without"][measure] and not (both["with"]["errors"] or both["without"]["errors"])
    ]
    return statistics.median(found) if found else None


def _verdict(results: Results) -> str:
    found = ratio(results, "half", "requests_per_s")
    counted = results["shadowed"]
    seen = (
        f"Over the whole run the challenger answered {counted['paired']:,} of {sum(counted.values()):,} times; "
        f"{counted['dropped']:,} answers were dropped, {counted['failed']:,} failed.\n"
    )
    if found is None:
        return f"**Not measured**: each round had an error.\n\n{seen}"
    verdict = "meets" if found >= AT_LEAST else "misses"
    return (
        f"At half load the service with a challenger answers **{found:.3f} times** what it answers without. Wanted is "
        f"at least {AT_LEAST}: it **{verdict}** that.\n\n{seen}"
    )


def _machine(results: Results) -> str:
    on = results["machine"]
    libraries = ", ".join(f"{name} {version}" for name, version in on["libraries"].items())
    return (
        f"Measured on {results['date']}: {on['cpu']}, {on['cores']} cores, load {on['load_before']} before; "
        f"{on['system']}, Python {on['python']}, wrk {on['wrk']}; {libraries}.\n"
    )


def _rows(results: Results, load: str) -> list[list[str]]:
    rows = []
    for name, measure, form in MEASURES:
        both = [_spread(results, load, system, measure, form) for system in ("without", "with")]
        found = None if measure == "errors" else ratio(results, load, measure)
        rows.append([name, *both, "" if found is None else f"{found:.3f}"])
    return rows


def _spread(results: Results, load: str, system: str, measure: str, form: str) -> str:
    found = [row[measure] for row in results["load"] if (row["load"], row["system"]) == (load, system)]
    ends = f"{form.format(min(found))} to {form.format(max(found))}"
    return f"{form.format(statistics.median(found))} ({ends})"
