"""Measure what one task can do: the image as in production, with one CPU and 2 GB, under more and more load.

The first version runs with the same limits and under the same load. `scripts/bench --task` starts it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import machine, models, payloads, wrk
from benchmarks.processes import find_free_port
from benchmarks.systems import FIRST, OURS
from churn.businesses import find_contract
from churn.image.building import build_image
from churn.image.container import HARDENED
from churn.image.docker import docker
from churn.loadtest.plan import LoadPlan, OpenLoop, draw_bodies
from churn.loadtest.report import summarise
from churn.loadtest.run import run_load
from churn.model.manifest import MODEL

CONNECTIONS = (1, 2, 4, 8, 16, 32, 64, 96, 128, 192, 256)
RATES = (100, 200, 300, 400, 500, 750, 1000, 1500, 2000, 3000, 4000)
FULL: dict[str, Any] = {"rounds": 3, "seconds": 4, "warm_up_s": 1, "rate_s": 8, "overloads": 5}
QUICK: dict[str, Any] = {"rounds": 1, "seconds": 1, "warm_up_s": 1, "rate_s": 2, "overloads": 1}
# Beyond this an open loop measures nothing but its own duration.
SATURATED_MS = 1000
MOST_CONNECTIONS = 256
PROBE_PER_S, OVERLOAD_S, AFTER_S = 50, 4, 3
START_S = 120
LABELS = {OURS: "this service", FIRST: "the first version"}
FIRST_VERSION = "churn-bench/first-version:bench"

type Row = dict[str, Any]
type Say = Callable[[str], None]


def measure_task(*, quick: bool, base_image: str, network: str | None, ca_file: Path | None, say: Say) -> Row:
    """Build both images and measure both; remove the containers and the images at the end."""
    settings = QUICK if quick else FULL
    results: Row = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine.describe_machine() | {"docker": docker("version", "--format", "{{.Server.Version}}")},
        "settings": settings,
        "base": base_image,
        "labels": LABELS,
        **{name: [] for name in ("starts", "thousand", "steps", "rates", "overloads")},
    }
    with tempfile.TemporaryDirectory(prefix="churn-task-") as name:
        work = Path(name)
        bundle = models.make_bundle(models.CHAMPION, work)
        say("building the images")
        ours = build_image(
            bundle, repository="churn-bench/ours", base_image=base_image, network=network, ca_file=ca_file
        )
        _build_first_version(work, bundle / MODEL, base_image, network, ca_file)
        references = {OURS: ours.reference, FIRST: FIRST_VERSION}
        script = work / "load.lua"
        requests = payloads.draw_requests(find_contract(models.CONTRACT))
        script.write_text(payloads.build_wrk_script("/predict", requests, lambda subscriber: subscriber))
        with contextlib.ExitStack() as stack:
            addresses = {}
            for system, reference in references.items():
                addresses[system], seconds = stack.enter_context(_run_task(reference, requests[0]))
                results["starts"].append({"system": system, "seconds": round(seconds, 2)})
            for number in range(settings["rounds"]):
                for system, address in addresses.items():
                    say(
                        f"round {number + 1} of {settings['rounds']} · {LABELS[system]} · 1,000 requests, 8 connections"
                    )
                    where = {"system": system, "round": number}
                    results["thousand"].append(where | _measure_thousand(address))
                    results["steps"] += _measure_steps(address, script, where, settings, say)
            for system, address in addresses.items():
                results["rates"] += _measure_rates(system, address, settings, say)
            for number in range(settings["overloads"]):
                say(f"overload {number + 1} of {settings['overloads']} · {MOST_CONNECTIONS} connections")
                for system, address in addresses.items():
                    results["overloads"].append(
                        {"system": system, "round": number} | _measure_overload(address, script)
                    )
        docker("image", "rm", FIRST_VERSION, ours.reference)
    return results


def _build_first_version(work: Path, model: Path, base_image: str, network: str | None, ca_file: Path | None) -> None:
    """Build the first version with the libraries of the benchmarks' lock file."""
    context = work / "first-version"
    shutil.copytree("benchmarks/systems", context / "benchmarks/systems")
    shutil.copyfile(model, context / "model.ubj")
    locked = ["--project", "benchmarks", "--frozen", "--no-hashes", "--no-emit-package", "streamflow-churn", "--quiet"]
    exported = subprocess.run([os.environ["UV"], "export", *locked], capture_output=True, text=True, check=True)
    (context / "locked.txt").write_text(exported.stdout)
    options = [
        *(["--network", network] if network else []),
        *(["--secret", f"id=ca,src={ca_file}"] if ca_file else []),
    ]
    file = ["--file", "benchmarks/first_version.Dockerfile", "--build-arg", f"BASE_IMAGE={base_image}"]
    docker("build", "--tag", FIRST_VERSION, *file, *options, str(context))


@contextlib.contextmanager
def _run_task(reference: str, example: Any) -> Iterator[tuple[str, float]]:
    """Start a hardened container. Yield its address, and the seconds that its first answer took."""
    port = find_free_port()
    command = ["run", "--detach", *HARDENED, "--network", "host", "--env", f"PORT={port}", reference]
    if reference == FIRST_VERSION:
        command += ["/venv/bin/python", "-m", "uvicorn", "benchmarks.systems.first_version:app"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
    started = time.monotonic()
    container = docker(*command)
    try:
        while not _is_answering(port, example):
            if time.monotonic() - started > START_S:
                raise RuntimeError(f"{reference} does not answer: {docker('logs', '--tail', '20', container)}")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}", time.monotonic() - started
    finally:
        docker("rm", "--force", container)


def _is_answering(port: int, example: Any) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_S)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("POST", "/predict", json.dumps(example), {"Content-Type": "application/json"})
        return connection.getresponse().status == http.HTTPStatus.OK
    return False


def _measure_thousand(address: str) -> Row:
    """Run the specification's test after a deployment, with its own command."""
    command = [sys.executable, "-m", "churn", "loadtest", address, "--json"]
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    return {name: report[name] for name in ("mean_ms", "median_ms", "p95_ms", "p99_ms", "errors", "passed")}


def _measure_steps(address: str, script: Path, where: Row, settings: Row, say: Say) -> list[Row]:
    """Run a closed loop over more and more connections."""
    rows = []
    for count in CONNECTIONS:
        wrk.measure(address, script, connections=count, seconds=settings["warm_up_s"], threads=1)
        row = wrk.measure(address, script, connections=count, seconds=settings["seconds"], threads=1)
        say(
            f"  {count} connections: {row['requests_per_s']:,.0f}/s, p99 {row['p99_ms']:.1f} ms, {row['errors']} errors"
        )
        rows.append(where | {"connections": count} | row | _split_answers(row, settings["seconds"]))
    return rows


def _measure_rates(system: str, address: str, settings: Row, say: Say) -> list[Row]:
    """Run an open loop at higher and higher rates, until the task or the client cannot follow."""
    rows: list[Row] = []
    for rate in RATES:
        plan = _plan_open_loop(address, rate, settings["rate_s"])
        report = summarise(run_load(plan, draw_bodies(find_contract(models.CONTRACT), 0)), plan)
        row = {
            "system": system,
            "rate": rate,
            "answered_per_s": round(report.throughput_per_s, 1),
            **(asdict(report.latency) if report.latency else {}),
            "errors": dict(report.errors),
            "client_kept_up": not report.client_limits,
        }
        p99_ms = report.latency.p99_ms if report.latency else float("inf")
        say(f"{LABELS[system]} · {rate:,} a second: p99 {p99_ms:.1f} ms, {sum(report.errors.values())} errors")
        rows.append(row)
        if p99_ms > SATURATED_MS or report.client_limits:
            break
    return rows


def _plan_open_loop(address: str, rate: float, seconds: float) -> LoadPlan:
    return LoadPlan(
        url=f"{address}/predict",
        contract=models.CONTRACT,
        loop=OpenLoop(rate, "poisson", drain_s=10),
        requests=None,
        duration_s=seconds,
        warmup=0,
        timeout_s=10,
        seed=0,
        slo_p99_ms=200,
        max_error_share=0,
    )


def _measure_overload(address: str, script: Path) -> Row:
    """Ask 50 times a second while others ask over 256 connections, and after they stopped. Return what both saw."""
    command = [
        "wrk",
        "-t1",
        f"-c{MOST_CONNECTIONS}",
        f"-d{OVERLOAD_S}s",
        "--timeout",
        "10s",
        "-s",
        str(script),
        address,
    ]
    plan = _plan_open_loop(address, PROBE_PER_S, OVERLOAD_S + AFTER_S)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
        samples = run_load(plan, draw_bodies(find_contract(models.CONTRACT), 0)).samples
        others = wrk.parse(load.communicate()[0])
    probes = [[round(sample.intended_s, 3), round(sample.latency_ms, 2), sample.error] for sample in samples]
    return {"others": others | _split_answers(others, OVERLOAD_S), "probes": sorted(probes)}


def _split_answers(row: Row, seconds: float) -> Row:
    """Separate answers and refusals a second, which wrk counts together."""
    refused = row["errors"] / seconds
    return {"answered_per_s": round(row["requests_per_s"] - refused, 1), "refused_per_s": round(refused, 1)}
