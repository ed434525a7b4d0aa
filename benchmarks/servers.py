"""Measure the servers side by side: their start, their answers under load, and their memory."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import wrk
from benchmarks.payloads import build_wrk_script
from benchmarks.processes import Server, find_free_port
from benchmarks.rounds import order_for_round
from benchmarks.systems import FLOOR, WORKERS, Files, System
from churn.model.manifest import MODEL

ASKED = 20
TOLERANCE = 2e-4  # what is shown has four decimals

type Request = dict[str, Any]
type Row = dict[str, Any]
type Say = Callable[[str], None]


def prepare_files(bundle: Path, work: Path, *, mlflow: bool) -> Files:
    """Write the model in each form that a server takes."""
    folder = work / f"mlflow-{bundle.name}"
    if mlflow:
        command = [sys.executable, "-m", "benchmarks.systems.mlflow_serve", str(bundle / MODEL), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the MLflow model could not be saved: {done.stderr[-2000:]}")
    return Files(bundle, bundle / MODEL, folder)


def start_server(system: System, files: Files, work: Path) -> Server:
    """Start a server with two workers, each with one thread for numbers."""
    port = find_free_port()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
        "OMP_NUM_THREADS": "1",
        "BENCH_MODEL": str(files.trees),
        "CHURN_HOME": str(work),  # so that nothing of it comes into the log of the real service
        "MODEL_PATH": str(files.bundle),
        "WORKERS": str(WORKERS),
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "BENTOML_DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return Server(system.command(files, port), environment, port, work / f"{system.name}.log")


def check_answers(system: System, server: Server, requests: Iterable[Request], expected: Sequence[Any]) -> None:
    """Refuse to time a server whose answers are not those of pred_contribs.

    Raises:
        RuntimeError: names the server and both answers.
    """
    for request, right in zip(requests, expected, strict=False):
        status, body = server.post(system.path, system.wrap(request))
        if status != 200:  # noqa: PLR2004
            raise RuntimeError(f"{system.label} answers {status}: {body.decode(errors='replace')[:500]}")
        answer = system.unwrap(json.loads(body))
        if system.name != FLOOR and not is_same_answer(answer, right):
            raise RuntimeError(f"{system.label} answers {answer}, pred_contribs {right}")


def is_same_answer(answer: Any, right: Any) -> bool:
    """Return whether two answers show the same probability and contributions, but for the last decimal."""
    numbers = zip(take_numbers(answer), take_numbers(right), strict=True)
    return all(abs(shown - expected) <= TOLERANCE for shown, expected in numbers)


def take_numbers(answer: Any) -> list[float]:
    """Return the numbers of an answer that depend on the model."""
    return [answer["churn_probability"], *(reason["shap_contribution"] for reason in answer["top_reasons"])]


def measure_servers(
    systems: Sequence[System],
    files: Files,
    requests: Sequence[Request],
    expected: Sequence[Any],
    *,
    connections: Sequence[int],
    rounds: int,
    seconds: int,
    warm_up_s: int,
    work: Path,
    say: Say,
) -> dict[str, list[Row]]:
    """Measure the servers of one model.

    Args:
        systems: who takes part.
        files: the model.
        requests: what is sent.
        expected: the right answers to the first of them.
        connections: the numbers of connections to measure.
        rounds: how often each is measured.
        seconds: of load in each measurement.
        warm_up_s: of load before it, which are not counted.
        work: where scripts and logs go.
        say: told what is being done.

    Returns:
        `starts`, `load` and `memory`, one row for each measurement.
    """
    model = files.bundle.name
    measured: dict[str, list[Row]] = {"starts": [], "load": [], "memory": []}
    for system in systems:
        (work / f"{system.name}.lua").write_text(build_wrk_script(system.path, requests, system.wrap))
    for number in range(rounds):
        for system in order_for_round(systems, number):
            with start_server(system, files, work) as server:
                took = server.wait_for_answer(system.path, system.wrap(requests[0]))
            say(f"{model} · start {number + 1} of {rounds} · {system.label}: {took:.2f} s")
            measured["starts"].append(
                {"system": system.name, "model": model, "round": number, "seconds": round(took, 3)}
            )
    with contextlib.ExitStack() as stack:
        servers = {system.name: stack.enter_context(start_server(system, files, work)) for system in systems}
        for system in systems:
            servers[system.name].wait_for_answer(system.path, system.wrap(requests[0]))
            check_answers(system, servers[system.name], requests[:ASKED], expected)
        for number in range(rounds):
            for count in connections:
                for system in order_for_round(systems, number):
                    address = f"http://127.0.0.1:{servers[system.name].port}"
                    script = work / f"{system.name}.lua"
                    wrk.measure(address, script, connections=count, seconds=warm_up_s)
                    row = wrk.measure(address, script, connections=count, seconds=seconds)
                    where = {"system": system.name, "model": model, "connections": count, "round": number}
                    measured["load"].append(where | row)
                    say(
                        f"{model} · round {number + 1} of {rounds} · {count} connections · {system.label}: "
                        f"{row['requests_per_s']:,.0f}/s, p99 {row['p99_ms']:.1f} ms, {row['errors']} errors"
                    )
        for system in systems:
            memory = servers[system.name].measure_memory(WORKERS)
            measured["memory"].append({"system": system.name, "model": model} | memory)
    return measured
