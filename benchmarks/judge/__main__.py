"""Runs the laboratory; `scripts/bench --judge` starts it."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.judge.plot import simulation_plot, svg
from benchmarks.judge.report import page, summary, tables
from benchmarks.judge.simulation import SCENARIOS, simulate
from churn.cli.show import print_json, print_table, say, show_progress
from churn.files import encode_json, write_bytes

RUNS, QUICK_RUNS = 1000, 100
REQUESTS, QUICK_REQUESTS = 200_000, 40_000


def read_arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; what is left out is filled in."""
    parser = argparse.ArgumentParser(prog="scripts/bench --judge", description=__doc__)
    parser.add_argument("--judge", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help="also write simulation.md, .json and .svg to this folder")
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK_RUNS} runs of {QUICK_REQUESTS:,} requests")
    parser.add_argument("--runs", type=int, help=f"runs of each scenario; {RUNS:,} if not given")
    parser.add_argument("--requests", type=int, help=f"requests of each run; {REQUESTS:,} if not given")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same figures")
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    asked = parser.parse_args(given)
    asked.runs = asked.runs or (QUICK_RUNS if asked.quick else RUNS)
    asked.requests = asked.requests or (QUICK_REQUESTS if asked.quick else REQUESTS)
    if asked.runs < 1 or asked.requests < 1 or asked.seed < 0:
        parser.error("--runs and --requests must be at least 1, and --seed at least 0")
    return asked


def main() -> None:
    """Simulate all scenarios, and show or write what came of them."""
    asked = read_arguments()
    say(f"{len(SCENARIOS)} scenarios, {asked.runs:,} runs of each, up to {asked.requests:,} requests")
    courses = []
    with show_progress("requests") as move:
        for number, scenario in enumerate(SCENARIOS):
            progress = functools.partial(_move, move, number * asked.requests, asked.requests, scenario.name)
            courses.append(
                simulate(
                    scenario, runs=asked.runs, requests=asked.requests, seed=asked.seed + number, progress=progress
                )
            )
    figures = summary(courses, seed=asked.seed)
    if asked.json:
        print_json(figures)
    else:
        for shown in tables(figures):
            print_table(*shown)
    if asked.out is not None:
        write_bytes(asked.out / "simulation.svg", svg(simulation_plot(figures)))
        write_bytes(asked.out / "simulation.json", encode_json({**figures, "courses": None}))
        write_bytes(asked.out / "simulation.md", page(figures).encode())
        say(f"written to {asked.out}")


def _move(move: Any, before: int, requests: int, name: str, done: int) -> None:
    move(before + done, len(SCENARIOS) * requests, name)


if __name__ == "__main__":
    main()
