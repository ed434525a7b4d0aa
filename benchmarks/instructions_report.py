"""The report on the instructions of an answer, as Markdown. Pure: the same results give the same page."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from benchmarks.report import build_table

MIX, PLAIN, BANNER, IDLE = "mix", "without a banner", "with a banner", "idle"

type Results = Mapping[str, Any]

HEAD = """\
<!-- Made by scripts/bench --instructions from instructions.json; edit benchmarks/instructions_report.py instead. -->

# Instructions of an answer

How many instructions one worker executes for one answer of `POST /predict`, outside the kernel, in all its threads.
Unlike seconds they are the same on a busy machine, so two versions of the code can be compared by them. All figures on
this page come from one run of `scripts/bench --instructions`; [instructions.json](instructions.json) has every sample.

To compare a change, run `scripts/bench --instructions --out FOLDER`: it shows its figures beside those of this page.
"""

HOW = """\
## How they are counted

The worker runs in Valgrind's callgrind. One client sends {warm_up:,} requests over one kept-alive connection. Then it
sends {answers:,} more, and their instructions are counted: this is one sample. The number of samples of each kind is
{rounds}; the table shows their median, with the least and the most.

The requests are the {warm_up:,} of `benchmarks/payloads.py`, drawn from the contract. None has an `X-Subscriber-Key`.
This service answers them as in production: prediction log, counters and request line are on. The kinds
*{plain}* and *{banner}* repeat those of the {warm_up:,} that are answered so.

A worker also works when nobody asks: the log's thread looks at its queue, and uvicorn renews the date. An answer takes
some 20 times as long in callgrind, and longer on a busy machine, so this work would weigh too much in each answer. Two
things keep it out. The log's thread waits 20 times as long as usual between two looks. And the work is counted in
{idle_s} seconds without requests and taken off: the column *idle, a second* shows how much it is.

The figures belong to this machine's Python and libraries. A Python that was built with optimisations executes fewer.
"""


def build_instructions_report(results: Results) -> str:
    """Return the whole page."""
    how = HOW.format(**results["settings"], plain=PLAIN, banner=BANNER)
    return "\n".join([HEAD, build_instructions_table(results), how, _describe_machine(results)])


def build_instructions_table(results: Results, before: Results | None = None) -> str:
    """Return a row for each system and kind of requests; with what was measured before, also the difference."""
    kinds = dict.fromkeys((row["system"], row["requests"]) for row in results["samples"] if row["requests"] != IDLE)
    head = ["server", "requests", "instructions of an answer", "least to most", "idle, a second"]
    rows = [
        [
            results["labels"][system],
            kind,
            _format_count(take_median_instructions(results, system, kind)),
            _describe_spread(results, system, kind),
            _format_count(compute_idle_rate(results, system)),
        ]
        for system, kind in kinds
    ]
    if before:
        head += ["before", "change"]
        rows = [row + _compare_with(results, before, *kind) for row, kind in zip(rows, kinds, strict=True)]
    return build_table(head, rows)


def take_median_instructions(results: Results, system: str, kind: str) -> float | None:
    """Return the median over the samples, without what the worker does when idle; None if there is no sample."""
    counts = _count_per_answer(results, system, kind)
    return statistics.median(counts) if counts else None


def compute_idle_rate(results: Results, system: str) -> float:
    """Return what a worker executes in a second without requests."""
    rows = [row for row in results["samples"] if (row["system"], row["requests"]) == (system, IDLE)]
    return float(sum(row["instructions"] for row in rows) / sum(row["seconds"] for row in rows))


def _count_per_answer(results: Results, system: str, kind: str) -> list[float]:
    rows = [row for row in results["samples"] if (row["system"], row["requests"]) == (system, kind)]
    idle = compute_idle_rate(results, system) if rows else 0.0
    return [(row["instructions"] - idle * row["seconds"]) / row["answers"] for row in rows]


def _describe_spread(results: Results, system: str, kind: str) -> str:
    counts = _count_per_answer(results, system, kind)
    return f"{min(counts):,.0f} to {max(counts):,.0f}"


def _compare_with(results: Results, before: Results, system: str, kind: str) -> list[str]:
    now, then = (take_median_instructions(run, system, kind) for run in (results, before))
    return [_format_count(then), f"{now / then - 1:+.1%}" if now and then else ""]


def _format_count(count: float | None) -> str:
    return "" if count is None else f"{count:,.0f}"


def _describe_machine(results: Results) -> str:
    on = results["machine"]
    libraries = ", ".join(f"{name} {version}" for name, version in on["libraries"].items())
    build = "with" if on["python_is_optimised"] else "without"
    return (
        "## This run\n\n"
        f"- {results['date']}, {on['cpu']}, {on['system']}\n"
        f"- Valgrind {on['valgrind']}, Python {on['python']}, built {build} optimisations\n"
        f"- {libraries}\n"
    )
