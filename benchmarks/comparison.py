"""Compare the service with its rivals: models, servers, the explanation alone, and the stages of an answer."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.plot import write_histograms, write_plot
from benchmarks.report import PLOT, STAGES_PLOT, build_report
from benchmarks.systems import SYSTEMS
from churn.files import write_bytes

MODELS = ("champion", "300x4", "300x6")
CONNECTIONS = (1, 8, 32)
PARTS = ("servers", "kernel", "stages")
FULL: dict[str, Any] = {"rounds": 3, "seconds": 3, "warm_up_s": 1, "one_row_s": 1.0, "bulk_s": 4.0, "answers": 50_000}
QUICK: dict[str, Any] = {"rounds": 1, "seconds": 1, "warm_up_s": 1, "one_row_s": 0.2, "bulk_s": 1.0, "answers": 2_000}
# What `--only` may name, beside what the other runs know.
NAMES = (*(system.name for system in SYSTEMS), *MODELS, *map(str, CONNECTIONS), *PARTS)

type Results = dict[str, Any]
type Say = Callable[[str], None]


def select[T](items: Sequence[T], only: Sequence[str], names: Sequence[str]) -> list[T]:
    """Return the items that `--only` names, all of them if it names none of this kind."""
    return [item for item, name in zip(items, names, strict=True) if name in only] or list(items)


def measure_comparison(asked: argparse.Namespace, say: Say) -> Results:
    """Measure what the options ask for."""
    with tempfile.TemporaryDirectory(prefix="churn-bench-") as work:
        return _measure(asked, Path(work), say)


def _measure(asked: argparse.Namespace, work: Path, say: Say) -> Results:
    # Where the report is made from a file, and where the tests run, the rivals are not installed.
    from benchmarks import kernel, machine, models, payloads, servers, stages  # noqa: PLC0415
    from benchmarks.systems.pred_contribs import explain, load_booster  # noqa: PLC0415
    from benchmarks.systems.wire import Subscriber  # noqa: PLC0415
    from churn.businesses import find_contract  # noqa: PLC0415

    settings = QUICK if asked.quick else FULL
    systems = select(SYSTEMS, asked.only, [system.name for system in SYSTEMS])
    connections = select(CONNECTIONS, asked.only, [str(count) for count in CONNECTIONS])
    parts = select(PARTS, asked.only, PARTS)
    results: Results = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine.describe_machine(),
        "settings": settings,
        "labels": {system.name: system.label for system in SYSTEMS},
        **{name: [] for name in ("starts", "load", "memory", "kernel", "stages")},
    }
    requests = payloads.draw_requests(find_contract(models.CONTRACT))
    for name in select(MODELS, asked.only, MODELS):
        say(f"{name} · training and exporting the model")
        bundle = models.make_bundle(name, work)
        if "servers" in parts:
            files = servers.prepare_files(bundle, work, mlflow=any(system.name == "mlflow" for system in systems))
            booster = load_booster(str(files.trees))
            expected = [
                explain(booster, Subscriber.model_validate(request)).model_dump()
                for request in requests[: servers.ASKED]
            ]
            measured = servers.measure_servers(
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
            for part, rows in measured.items():
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


def write_comparison(results: Results, folder: Path) -> None:
    """Write page and plots from nothing but the results."""
    write_bytes(folder / "README.md", build_report(results).encode())
    if results["load"]:
        write_plot(results, folder / PLOT)
    if results["stages"]:
        write_histograms(results, folder / STAGES_PLOT)
