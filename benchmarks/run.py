"""Run the measurement that the options ask for, and write its report. `scripts/bench` starts it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.comparison import MODELS, NAMES, measure_comparison, select, write_comparison
from benchmarks.explainers_report import build_explainers_report
from benchmarks.instructions_report import build_instructions_report, build_instructions_table
from benchmarks.judge.plot import write_judge_plot
from benchmarks.judge.report import build_judge_report, build_judge_tables
from benchmarks.learning.plot import write_learning_plot
from benchmarks.learning.report import build_learning_report, build_learning_tables
from benchmarks.outcomes.plot import write_outcomes_plot
from benchmarks.outcomes.report import build_outcomes_report, build_outcomes_tables
from benchmarks.shadow_report import build_shadow_report
from benchmarks.systems import BARE
from benchmarks.task_plot import write_task_plot
from benchmarks.task_report import PLOT as TASK_PLOT
from benchmarks.task_report import build_task_report
from churn.errors import ChurnError
from churn.files import encode_samples, write_bytes
from churn.image.building import BASE_IMAGE
from churn.settings import Settings

DOCS = Path(__file__).resolve().parent.parent / "docs"
INSTRUCTIONS = DOCS / "benchmarks/instructions.json"

# ruff: noqa: PLC0415 - where a report is made from a file, and where the tests run, the rivals are not installed

type Results = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """A kind of run: what it measures, and what it writes.

    Args:
        option: asks for it; the comparison with the rivals needs none.
        measurements: the committed file with everything that was measured. The report stands beside it.
        measure: the options -> the measurements.
        write: writes the report and its plots to a folder.
        describe: the measurements -> a table for the terminal; without it there is none.
    """

    option: str
    measurements: Path
    measure: Callable[[argparse.Namespace], Results]
    write: Callable[[Results, Path], None]
    describe: Callable[[Results], str] = lambda _: ""


def parse_arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", add_help=False)
    for run in RUNS:
        parser.add_argument(f"--{run.option}", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], choices=[*NAMES, BARE], metavar="NAME")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--base-image", default=BASE_IMAGE)
    parser.add_argument("--network")
    parser.add_argument("--ca-file", type=Path)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--requests", type=int)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(given)


def _measure_comparison(asked: argparse.Namespace) -> Results:
    return measure_comparison(asked, say)


def _measure_task(asked: argparse.Namespace) -> Results:
    from benchmarks.task import measure_task

    return measure_task(
        quick=asked.quick, base_image=asked.base_image, network=asked.network, ca_file=asked.ca_file, say=say
    )


def _write_task(results: Results, folder: Path) -> None:
    write_bytes(folder / "task.md", build_task_report(results).encode())
    write_task_plot(results, folder / TASK_PLOT)


def _measure_shadow(asked: argparse.Namespace) -> Results:
    from benchmarks.shadow import measure_shadow

    return measure_shadow(quick=asked.quick, say=say)


def _write_shadow(results: Results, folder: Path) -> None:
    write_bytes(folder / "shadow.md", build_shadow_report(results).encode())


def _measure_instructions(asked: argparse.Namespace) -> Results:
    from benchmarks.instructions import COUNTED_SYSTEMS, measure_instructions

    systems = select(COUNTED_SYSTEMS, asked.only, [system.name for system in COUNTED_SYSTEMS])
    return measure_instructions(systems, quick=asked.quick, say=say)


def _compare_instructions(results: Results) -> str:
    return build_instructions_table(results, json.loads(INSTRUCTIONS.read_bytes()) if INSTRUCTIONS.exists() else None)


def _write_instructions(results: Results, folder: Path) -> None:
    write_bytes(folder / "instructions.md", build_instructions_report(results).encode())


def _measure_explainers(asked: argparse.Namespace) -> Results:
    from benchmarks.explainers import measure_explainers

    return measure_explainers(select(MODELS, asked.only, MODELS), quick=asked.quick, say=say)


def _write_explainers(results: Results, folder: Path) -> None:
    write_bytes(folder / "explainers.md", build_explainers_report(results).encode())


def _measure_judge(asked: argparse.Namespace) -> Results:
    from benchmarks.judge.figures import measure_judge

    return measure_judge(quick=asked.quick, runs=asked.runs, requests=asked.requests, seed=asked.seed, say=say)


def _describe_judge(results: Results) -> str:
    return "\n".join(build_judge_tables(results))


def _write_judge(results: Results, folder: Path) -> None:
    write_bytes(folder / "simulation.md", build_judge_report(results).encode())
    write_judge_plot(results, folder / "simulation.svg")


def _measure_outcomes(asked: argparse.Namespace) -> Results:
    from benchmarks.outcomes.figures import measure_outcomes
    from churn.cli.show import show_progress

    with show_progress("runs", calm=True) as move:
        return measure_outcomes(quick=asked.quick, runs=asked.runs, seed=asked.seed, move=move)


def _describe_outcomes(results: Results) -> str:
    return "\n".join(build_outcomes_tables(results))


def _write_outcomes(results: Results, folder: Path) -> None:
    write_bytes(folder / "simulation.md", build_outcomes_report(results).encode())
    write_outcomes_plot(results, folder / "simulation.svg")


def _measure_learning(asked: argparse.Namespace) -> Results:
    from benchmarks.learning.figures import measure_learning
    from churn.cli.show import show_progress

    home = Path(os.environ.get("CHURN_HOME", "var")) / "learning"
    with show_progress("worlds", calm=True) as move:
        return measure_learning(
            home=home, quick=asked.quick, full=asked.full, runs=asked.runs, seed=asked.seed, move=move
        )


def _describe_learning(results: Results) -> str:
    return "\n".join(build_learning_tables(results))


def _write_learning(results: Results, folder: Path) -> None:
    write_bytes(folder / "simulation.md", build_learning_report(results).encode())
    write_learning_plot(results, folder / "simulation.svg")


COMPARISON = Run("comparison", DOCS / "benchmarks/results.json", _measure_comparison, write_comparison)
RUNS = (
    Run("task", DOCS / "benchmarks/task.json", _measure_task, _write_task),
    Run("shadow", DOCS / "benchmarks/shadow.json", _measure_shadow, _write_shadow),
    Run("instructions", INSTRUCTIONS, _measure_instructions, _write_instructions, _compare_instructions),
    Run("explainers", DOCS / "benchmarks/explainers.json", _measure_explainers, _write_explainers),
    Run("judge", DOCS / "judge/simulation.json", _measure_judge, _write_judge, _describe_judge),
    Run("outcomes", DOCS / "outcomes/simulation.json", _measure_outcomes, _write_outcomes, _describe_outcomes),
    Run("learning", DOCS / "learning/simulation.json", _measure_learning, _write_learning, _describe_learning),
)


def say(text: str) -> None:
    """Show how far the run is."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


def main() -> None:
    """Measure and report; a part of a run, or a quick one, does not replace the committed report."""
    asked = parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that being told to stop stops the servers too
    run = next((run for run in RUNS if getattr(asked, run.option)), COMPARISON)
    is_other = (
        Settings().churn_contract != Settings.model_fields["churn_contract"].default
    )  # the committed figures are StreamFlow's
    is_part = run.option == "learning" and not asked.full
    is_whole = not (asked.quick or asked.only or asked.runs or asked.requests or asked.seed or is_other or is_part)
    folder = asked.out or (run.measurements.parent if is_whole else Path(os.environ["CHURN_HOME"]) / "bench")
    measurements = folder / run.measurements.name
    if not asked.report:
        results = run.measure(asked)
        sys.stdout.write(encode_samples(results).decode() if asked.json else run.describe(results))
        write_bytes(measurements, encode_samples(results))
    run.write(json.loads(measurements.read_bytes()), folder)
    say(f"the report is in {folder}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("stopped; all servers are stopped too, and nothing was written")
        sys.exit(130)
    except (RuntimeError, ChurnError) as error:
        sys.exit(f"error: {error}")
