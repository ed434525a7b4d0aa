"""The run as a whole: models, servers, kernel, results, report. `scripts/bench` starts it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.instructions_report import instructions_report, instructions_table
from benchmarks.plot import write_histograms, write_plot
from benchmarks.report import PLOT, STAGES_PLOT, report
from benchmarks.samples import json_of_samples
from benchmarks.shadow_report import shadow_report
from benchmarks.systems import BARE, SYSTEMS
from benchmarks.task_plot import write_task_plot
from benchmarks.task_report import PLOT as TASK_PLOT
from benchmarks.task_report import task_report
from churn.errors import ChurnError
from churn.files import write_bytes
from churn.image.building import BASE_IMAGE

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "benchmarks"
MODELS = ("champion", "300x4", "300x6")
CONNECTIONS = (1, 8, 32)
PARTS = ("servers", "kernel", "stages")
FULL: dict[str, Any] = {"rounds": 3, "seconds": 3, "warm_up_s": 1, "one_row_s": 1.0, "bulk_s": 4.0, "answers": 50_000}
QUICK: dict[str, Any] = {"rounds": 1, "seconds": 1, "warm_up_s": 1, "one_row_s": 0.2, "bulk_s": 1.0, "answers": 2_000}


def chosen[T](among: Sequence[T], only: Sequence[str], names: Sequence[str]) -> list[T]:
    """Those that `--only` names, all of them if it names none of this kind."""
    return [each for each, name in zip(among, names, strict=True) if name in only] or list(among)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line asks for."""
    names = [*(system.name for system in SYSTEMS), BARE, *MODELS, *map(str, CONNECTIONS), *PARTS]
    parser = argparse.ArgumentParser(prog="scripts/bench", add_help=False)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], choices=names, metavar="NAME")
    parser.add_argument("--report", action="store_true")
    for run in RUNS:
        parser.add_argument(f"--{run.name}", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--base-image", default=BASE_IMAGE)
    parser.add_argument("--network")
    parser.add_argument("--ca-file", type=Path)
    return parser.parse_args(given)


def measure(asked: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Measures what is asked for; models, scripts and logs go to `work`."""
    # Where the report is made from a file, and where the tests run, the rivals are not installed.
    from benchmarks import kernel, machine, models, payloads, servers, stages  # noqa: PLC0415
    from benchmarks.systems.pred_contribs import explained, load  # noqa: PLC0415
    from benchmarks.systems.wire import Subscriber  # noqa: PLC0415
    from churn.businesses import find_contract  # noqa: PLC0415

    settings = QUICK if asked.quick else FULL
    systems = chosen(SYSTEMS, asked.only, [system.name for system in SYSTEMS])
    connections = chosen(CONNECTIONS, asked.only, [str(count) for count in CONNECTIONS])
    parts = chosen(PARTS, asked.only, PARTS)
    results: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine.machine(),
        "settings": settings,
        "labels": {system.name: system.label for system in SYSTEMS},
        **{name: [] for name in ("starts", "load", "memory", "kernel", "stages")},
    }
    requests = payloads.subscribers(find_contract(models.CONTRACT))
    for name in chosen(MODELS, asked.only, MODELS):
        say(f"{name} · training and exporting the model")
        bundle = models.make_bundle(name, work)
        if "servers" in parts:
            files = servers.files_of(bundle, work, mlflow=any(system.name == "mlflow" for system in systems))
            booster = load(str(files.trees))
            expected = [
                explained(booster, Subscriber.model_validate(request)).model_dump()
                for request in requests[: servers.ASKED]
            ]
            found = servers.measure_servers(
                systems,
                files,
                requests,
                expected,
                connections=connections,
                rounds=settings["rounds"],
                seconds=settings["seconds"],
                warm_up_s=settings["warm_up_s"],
                work=work,
                say=say,
            )
            for part, rows in found.items():
                results[part] += rows
        if "kernel" in parts:
            results["kernel"] += kernel.measure_kernel(
                bundle,
                rounds=settings["rounds"],
                one_row_s=settings["one_row_s"],
                bulk_s=settings["bulk_s"],
                say=say,
            )
        if "stages" in parts:
            say(f"{name} · {settings['answers']:,} answers, stage by stage")
            results["stages"] += stages.measure_stages(bundle, requests, count=settings["answers"])
    return results


def write_report(results: dict[str, Any], folder: Path) -> None:
    """Page and plot, from nothing but the results."""
    write_bytes(folder / "README.md", report(results).encode())
    if results["load"]:
        write_plot(results, folder / PLOT)
    if results["stages"]:
        write_histograms(results, folder / STAGES_PLOT)


def write_task(results: dict[str, Any], folder: Path) -> None:
    """Write page and plot of what one task can do."""
    write_bytes(folder / "task.md", task_report(results).encode())
    write_task_plot(results, folder / TASK_PLOT)


def write_shadow(results: dict[str, Any], folder: Path) -> None:
    """Write the page on what a challenger costs the caller."""
    write_bytes(folder / "shadow.md", shadow_report(results).encode())


def write_instructions(results: dict[str, Any], folder: Path) -> None:
    """Write the page on the instructions of an answer."""
    write_bytes(folder / "instructions.md", instructions_report(results).encode())


def _measure_servers(asked: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="churn-bench-") as work:
        return measure(asked, Path(work))


def _measure_task(asked: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.task import measure_task  # noqa: PLC0415 - as in `measure`

    return measure_task(
        quick=asked.quick, base_image=asked.base_image, network=asked.network, ca_file=asked.ca_file, say=say
    )


def _measure_shadow(asked: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.shadow import measure_shadow  # noqa: PLC0415 - as in `measure`

    return measure_shadow(quick=asked.quick, say=say)


def _measure_instructions(asked: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.instructions import COUNTED_SYSTEMS, measure_instructions  # noqa: PLC0415 - as in `measure`

    systems = chosen(COUNTED_SYSTEMS, asked.only, [system.name for system in COUNTED_SYSTEMS])
    results = measure_instructions(systems, quick=asked.quick, say=say)
    committed = DOCS / "instructions.json"
    before = json.loads(committed.read_bytes()) if committed.exists() else None
    sys.stdout.write(instructions_table(results, before))
    return results


@dataclass(frozen=True, slots=True)
class Run:
    """A kind of run: what it measures and what it writes.

    Args:
        name: of the file with the measurements, without its ending, and of the option that asks for it.
        page: the report that is made of them.
        measure: the options -> the measurements.
        write: writes the report and its plots to a folder.
    """

    name: str
    page: str
    measure: Callable[[argparse.Namespace], dict[str, Any]]
    write: Callable[[dict[str, Any], Path], None]


SERVERS = Run("results", "README.md", _measure_servers, write_report)
RUNS = (
    Run("task", "task.md", _measure_task, write_task),
    Run("shadow", "shadow.md", _measure_shadow, write_shadow),
    Run("instructions", "instructions.md", _measure_instructions, write_instructions),
)


def say(text: str) -> None:
    """Shows how far the run is."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


def main() -> None:
    """Measures and reports; a part of a run, or a quick one, does not replace the committed report."""
    asked = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that being told to stop stops the servers too
    usual = Path(os.environ["CHURN_HOME"]) / "bench" if asked.quick or asked.only else DOCS
    folder = asked.out or usual
    run = next((run for run in RUNS if getattr(asked, run.name)), SERVERS)
    measurements = folder / f"{run.name}.json"
    if not asked.report:
        write_bytes(measurements, json_of_samples(run.measure(asked)))
    run.write(json.loads(measurements.read_bytes()), folder)
    say(f"the report is {folder / run.page}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("stopped; all servers are stopped too, and nothing was written")
        sys.exit(130)
    except (RuntimeError, ChurnError) as error:
        sys.exit(f"error: {error}")
