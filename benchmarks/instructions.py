"""Count the instructions that one answer costs, with a single worker in Valgrind's callgrind.

`scripts/bench --instructions` starts it. Seconds depend on what else the machine does; instructions do not.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks import machine, models
from benchmarks.callgrind import Callgrind
from benchmarks.instructions_report import BANNER, IDLE, MIX, PLAIN
from benchmarks.payloads import draw_requests
from benchmarks.processes import find_free_port
from benchmarks.systems import BARE, FLOOR, OURS
from churn.businesses import find_contract

# All requests are sent once before anything is counted: Python's interpreter is as fast as it gets after that.
FULL: dict[str, Any] = {"rounds": 3, "answers": 2_000, "idle_s": 5}
QUICK: dict[str, Any] = {"rounds": 1, "answers": 200, "idle_s": 2}
LIBRARIES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "numpy")
# What the environment may hold otherwise, such as a salt or a tracer, would be counted too.
KEPT_VARIABLES = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")

type Row = dict[str, Any]
type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CountedSystem:
    """A server whose instructions are counted.

    Args:
        name: as `--only` takes it.
        label: as the report shows it.
        module: what Python runs, with its arguments; `{port}` stands for the port.
    """

    name: str
    label: str
    module: tuple[str, ...]


def _uvicorn(app: str) -> tuple[str, ...]:
    # An idle connection stays as long as it does in our service.
    return ("uvicorn", app, "--port", "{port}", "--no-access-log", "--timeout-keep-alive", "75")


COUNTED_SYSTEMS = (
    CountedSystem(OURS, "this service", ("benchmarks.systems.slow_clock",)),
    CountedSystem(FLOOR, "FastAPI, constant answer", _uvicorn("benchmarks.systems.floor:app")),
    CountedSystem(BARE, "uvicorn, constant answer", _uvicorn("benchmarks.systems.bare:app")),
)


def measure_instructions(systems: Sequence[CountedSystem], *, quick: bool, say: Say) -> Row:
    """Count the instructions of each system in turn.

    Returns:
        machine, settings and `samples`. A sample has the instructions of so many answers, and the seconds that they
        took in callgrind. Samples of the kind `idle` have no answers.
    """
    settings = QUICK if quick else FULL
    bodies = [
        json.dumps(subscriber, separators=(",", ":")).encode()
        for subscriber in draw_requests(find_contract(models.CONTRACT))
    ]
    samples: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="churn-instructions-") as name:
        work = Path(name)
        say("training and exporting the model")
        bundle = models.make_bundle(models.CHAMPION, work)
        for system in systems:
            say(f"{system.label}: starting it in callgrind")
            with start_counted(system, bundle, json.loads(bodies[0])) as callgrind:
                samples += [{"system": system.name} | row for row in count_samples(callgrind, bodies, settings, say)]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine.describe_machine(LIBRARIES, "valgrind") | {"python_is_optimised": is_python_optimised()},
        "settings": settings | {"warm_up": len(bodies)},
        "labels": {system.name: system.label for system in systems},
        "samples": samples,
    }


def is_python_optimised() -> bool:
    """Return whether this Python was built with profiles of its own runs; one that was not executes more."""
    return "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")


def count_samples(callgrind: Callgrind, bodies: Sequence[bytes], settings: Row, say: Say) -> Iterator[Row]:
    """Send requests and yield a sample for each round and kind of request; with `idle` at the end of each round.

    Args:
        callgrind: the server, which has counted nothing so far.
        bodies: of the requests; all are sent once before anything is counted.
        settings: `rounds`, `answers` of a sample, `idle_s`.
        say: told how far it is.
    """
    with contextlib.closing(_Connection(callgrind.server.port)) as connection:
        has_banner = [json.loads(connection.post(body))["show_retention_banner"] for body in bodies]
        kinds = {MIX: bodies}
        if any(has_banner):
            kinds[PLAIN] = [body for body, has in zip(bodies, has_banner, strict=True) if not has]
            kinds[BANNER] = [body for body, has in zip(bodies, has_banner, strict=True) if has]
        callgrind.tell("instrumentation", "on")
        for number in range(settings["rounds"]):
            for kind, chosen in kinds.items():
                with callgrind.counting() as count:
                    for body in islice(cycle(chosen), settings["answers"]):
                        connection.post(body)
                say(f"  round {number + 1} of {settings['rounds']}, {kind}: {count['instructions']:,} instructions")
                yield {"requests": kind, "round": number, "answers": settings["answers"]} | count
            with callgrind.counting() as count:
                time.sleep(settings["idle_s"])
            yield {"requests": IDLE, "round": number, "answers": 0} | count


@contextlib.contextmanager
def start_counted(system: CountedSystem, bundle: Path, request: Row) -> Iterator[Callgrind]:
    """Yield a server with one worker in callgrind, once it has answered the request."""
    port = find_free_port()
    with tempfile.TemporaryDirectory(prefix=f"churn-instructions-{system.name}-") as name:
        work = Path(name)
        environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ} | {
            "PYTHONHASHSEED": "0",
            "OMP_NUM_THREADS": "1",
            "CHURN_HOME": str(work),
            "MODEL_PATH": str(bundle),
            "PORT": str(port),
            "WORKERS": "1",
            "PREDICTION_LOG": str(work / "log"),
            "PREDICTION_LOG_SEGMENT_SECONDS": "86400",  # else a segment may be closed meanwhile
        }
        callgrind = Callgrind(system.module, environment, port, work)
        with callgrind.server as server:
            server.wait_for_answer("/predict", request)
            yield callgrind


class _Connection:
    """One kept-alive connection. A request is a single piece, as wrk sends it, so that the server reads it at once."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))

    def post(self, body: bytes) -> bytes:
        """Send a prediction's request and return the answer's body.

        Raises:
            RuntimeError: the answer is no prediction.
        """
        head = f"POST /predict HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self.socket.sendall(f"{head}\r\n\r\n".encode() + body)
        response = http.client.HTTPResponse(self.socket, method="POST")
        response.begin()
        answer = response.read()
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(f"the server answers {response.status}: {answer.decode(errors='replace')[:500]}")
        return answer

    def close(self) -> None:
        """Hang up."""
        self.socket.close()
