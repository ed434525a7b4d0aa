"""What the shadow costs the caller: one service with a challenger beside one without, under the same load in turn.

`scripts/bench --shadow` starts it. Each service has one worker and one CPU for itself, as a task has; wrk has another.
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
from benchmarks.payloads import subscribers, wrk_script
from benchmarks.processes import Server, cpu_ticks, free_port
from benchmarks.rounds import in_turn
from churn.businesses import find_contract
from churn.judging.metrics import SHADOW

WITHOUT, WITH = "without", "with"
FULL: dict[str, Any] = {"rounds": 7, "seconds": 8, "warm_up_s": 2, "connections": 32}
QUICK: dict[str, Any] = {"rounds": 2, "seconds": 2, "warm_up_s": 1, "connections": 32}
LOADS = ("half", "full")
LIBRARIES = ("fastapi", "uvicorn", "pydantic", "numpy")
# wrk waits so long before each request: at random, so that the connections do not come in step.
DELAY = """
function delay()
  return math.random({least}, {most})
end
"""

type Row = dict[str, Any]
type Say = Callable[[str], None]


def measure_shadow(*, quick: bool, say: Say) -> Row:
    """Measures both, at half of what the one without can do, and at all of it."""
    settings = QUICK if quick else FULL
    on = machine.machine(LIBRARIES)
    with tempfile.TemporaryDirectory(prefix="churn-shadow-") as name, contextlib.ExitStack() as stack:
        work = Path(name)
        say("training and exporting the model")
        bundle = models.make_bundle(models.CHAMPION, work)
        requests = subscribers(find_contract(models.CONTRACT))
        full = work / "full.lua"
        full.write_text(wrk_script("/predict", requests, lambda subscriber: subscriber))
        servers = {each: stack.enter_context(_start(each, bundle, work)) for each in (WITHOUT, WITH)}
        with _on_cpu(-1):
            for server in servers.values():
                server.first_answer("/predict", requests[0])
            alone = [_load(servers[WITHOUT], full, settings, say)["requests_per_s"] for _ in range(settings["rounds"])]
            rate = statistics.median(alone) / 2
            half = work / "half.lua"
            half.write_text(full.read_text() + _delay(rate, settings["connections"]))
            rows = []
            for load, script in zip(LOADS, (half, full), strict=True):
                for number in range(settings["rounds"]):
                    for each in in_turn([WITHOUT, WITH], number):
                        say(f"{load} load · round {number + 1} of {settings['rounds']} · {each} a challenger")
                        where = {"load": load, "system": each, "round": number}
                        rows.append(where | _load(servers[each], script, settings, say))
            shadowed = _outcomes(servers[WITH])
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": on,
        "settings": settings,
        "half_per_s": round(rate, 1),
        "load": rows,
        "shadowed": shadowed,
    }


def _start(system: str, bundle: Path, work: Path) -> Server:
    """The same bundle twice, so that the challenger costs what the champion does."""
    port = free_port()
    environment = os.environ | {
        "MODEL_PATH": str(bundle),
        "WORKERS": "1",
        "PORT": str(port),
        "PREDICTION_LOG": str(work / system),
        **({"CHALLENGER_PATH": str(bundle)} if system == WITH else {}),
    }
    with _on_cpu(0):
        return Server([sys.executable, "-m", "churn", "serve"], environment, port, work / f"{system}.log")


@contextlib.contextmanager
def _on_cpu(which: int) -> Any:
    """This process, and what it starts meanwhile, have the first CPU that may be used or the last."""
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(usable)[which]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, usable)


def _delay(rate: float, connections: int) -> str:
    """Each connection waits for as long as is left of its turn, give or take a half; in milliseconds."""
    wait_ms = 1000 * connections / rate
    return DELAY.format(least=max(round(wait_ms / 2), 1), most=max(round(wait_ms * 3 / 2), 1))


def _load(server: Server, script: Path, settings: Row, say: Say) -> Row:
    """One measurement, and what of its CPU the service used meanwhile, its writer's thread included."""
    address = f"http://127.0.0.1:{server.port}"
    count = settings["connections"]
    wrk.measure(address, script, connections=count, seconds=settings["warm_up_s"], threads=1)
    before = cpu_ticks(server.process.pid)
    row = wrk.measure(address, script, connections=count, seconds=settings["seconds"], threads=1)
    used_s = (cpu_ticks(server.process.pid) - before) / os.sysconf("SC_CLK_TCK")
    row["cpu_us_per_request"] = round(1e6 * used_s / (row["requests_per_s"] * settings["seconds"]), 1)
    say(f"  {row['requests_per_s']:,.0f}/s, p99 {row['p99_ms']:.2f} ms, {row['errors']} errors")
    return row


def _outcomes(server: Server) -> dict[str, int]:
    """What became of the answers, as the service counted it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as response:
        text = response.read().decode()
    return {
        found[1]: int(float(found[2]))
        for found in re.finditer(rf'^{SHADOW.name}{{outcome="(\w+)"}} (\S+)$', text, re.MULTILINE)
    }
