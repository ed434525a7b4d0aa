"""Measure what the shadow costs the caller: a service with a challenger and one without, under the same load in turn.

`scripts/bench --shadow` starts it. Each service has one worker. The service under load has one CPU, as a task has, and
wrk has another.
"""

from __future__ import annotations

import contextlib
import os
import re
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import machine, models, wrk
from benchmarks.payloads import build_wrk_script, draw_requests
from benchmarks.processes import Server, find_free_port, read_cpu_ticks
from benchmarks.rounds import order_for_round
from churn.businesses import find_contract
from churn.judging.metrics import SHADOW

WITHOUT, WITH = "without", "with"
FULL: dict[str, Any] = {"rounds": 7, "seconds": 8, "warm_up_s": 2, "connections": 32}
QUICK: dict[str, Any] = {"rounds": 2, "seconds": 2, "warm_up_s": 1, "connections": 32}
LOADS = ("half", "full")
LIBRARIES = ("fastapi", "uvicorn", "pydantic", "numpy")
# wrk waits so many milliseconds before each request: at random, so that the connections do not keep step.
DELAY = """
function delay()
  return math.random({least}, {most})
end
"""

type Row = dict[str, Any]
type Say = Callable[[str], None]


def measure_shadow(*, quick: bool, say: Say) -> Row:
    """Measure both at full load, and at half of what the service without a challenger can answer."""
    settings = QUICK if quick else FULL
    on = machine.describe_machine(LIBRARIES)
    with tempfile.TemporaryDirectory(prefix="churn-shadow-") as name, contextlib.ExitStack() as stack:
        work = Path(name)
        say("training and exporting the model")
        bundle = models.make_bundle(models.CHAMPION, work)
        requests = draw_requests(find_contract(models.CONTRACT))
        full = work / "full.lua"
        full.write_text(build_wrk_script("/predict", requests, lambda subscriber: subscriber))
        servers = {name: stack.enter_context(_start_service(name, bundle, work)) for name in (WITHOUT, WITH)}
        with _use_cpu(-1):
            for server in servers.values():
                server.wait_for_answer("/predict", requests[0])
            alone = [_measure_load(servers[WITHOUT], full, settings, say) for _ in range(settings["rounds"])]
            rate = statistics.median(row["requests_per_s"] for row in alone) / 2
            half = work / "half.lua"
            half.write_text(full.read_text() + _build_delay(rate, settings["connections"]))
            rows = []
            for load, script in zip(LOADS, (half, full), strict=True):
                for number in range(settings["rounds"]):
                    for system in order_for_round([WITHOUT, WITH], number):
                        say(f"{load} load · round {number + 1} of {settings['rounds']} · {system} a challenger")
                        where = {"load": load, "system": system, "round": number}
                        rows.append(where | _measure_load(servers[system], script, settings, say))
            shadowed = _read_outcomes(servers[WITH])
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": on,
        "settings": settings,
        "half_per_s": round(rate, 1),
        "load": rows,
        "shadowed": shadowed,
    }


def _start_service(system: str, bundle: Path, work: Path) -> Server:
    """Start a service. Its challenger is the same bundle, so that it costs what the champion does."""
    port = find_free_port()
    environment = os.environ | {
        "MODEL_PATH": str(bundle),
        "WORKERS": "1",
        "PORT": str(port),
        "PREDICTION_LOG": str(work / system),
        **({"CHALLENGER_PATH": str(bundle)} if system == WITH else {}),
    }
    with _use_cpu(0):
        return Server([sys.executable, "-m", "churn", "serve"], environment, port, work / f"{system}.log")


@contextlib.contextmanager
def _use_cpu(which: int) -> Any:
    """Keep this process, and what it starts meanwhile, on the first or the last CPU that it may use."""
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(usable)[which]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, usable)


def _build_delay(rate: float, connections: int) -> str:
    """Return the wait of each connection as Lua: what is left of its turn, give or take a half."""
    wait_ms = 1000 * connections / rate
    return DELAY.format(least=max(round(wait_ms / 2), 1), most=max(round(wait_ms * 3 / 2), 1))


def _measure_load(server: Server, script: Path, settings: Row, say: Say) -> Row:
    """Measure the load, and the CPU that the service used meanwhile, with its log's thread."""
    address = f"http://127.0.0.1:{server.port}"
    count = settings["connections"]
    wrk.measure(address, script, connections=count, seconds=settings["warm_up_s"], threads=1)
    before = read_cpu_ticks(server.process.pid)
    row = wrk.measure(address, script, connections=count, seconds=settings["seconds"], threads=1)
    used_s = (read_cpu_ticks(server.process.pid) - before) / os.sysconf("SC_CLK_TCK")
    row["cpu_us_per_request"] = round(1e6 * used_s / (row["requests_per_s"] * settings["seconds"]), 1)
    say(f"  {row['requests_per_s']:,.0f}/s, p99 {row['p99_ms']:.2f} ms, {row['errors']} errors")
    return row


def _read_outcomes(server: Server) -> dict[str, int]:
    """Return how many answers the challenger gave, missed or failed, as the service counted it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as response:
        text = response.read().decode()
    return {
        match[1]: int(float(match[2]))
        for match in re.finditer(rf'^{SHADOW.name}{{outcome="(\w+)"}} (\S+)$', text, re.MULTILINE)
    }
