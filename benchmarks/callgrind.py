"""Run a server in Valgrind's callgrind and count the instructions of what it does meanwhile."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.processes import Server

type Row = dict[str, Any]


class Callgrind:
    """A server in callgrind, which counts the instructions of all its threads together, when it is asked to.

    Args:
        module: what Python runs, with its arguments; `{port}` stands for the port.
        environment: of the server.
        port: where it listens.
        work: where its log and its counts go.
    """

    def __init__(self, module: Sequence[str], environment: dict[str, str], port: int, work: Path) -> None:
        self.environment = environment
        self.pipes = f"--vgdb-prefix={work / 'vgdb'}"
        self.counts = work / "counts"
        self.dumps = 0
        # Without instrumentation a start takes seconds instead of a minute.
        valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={self.counts}"]
        command = [*valgrind, self.pipes, sys.executable, "-m", *(part.format(port=port) for part in module)]
        self.server = Server(command, environment, port, work / "server.log")

    def tell(self, *command: str) -> None:
        """Give callgrind a command, through the program that belongs to Valgrind.

        Raises:
            RuntimeError: callgrind does not answer.
        """
        # The names of its pipes hold the user and the host as the environment has them, so it must be the same one.
        completed = subprocess.run(
            ["vgdb", f"--pid={self.server.process.pid}", self.pipes, *command],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if completed.returncode:
            raise RuntimeError(f"callgrind does not take the command {' '.join(command)}: {completed.stderr[-2000:]}")

    @contextlib.contextmanager
    def counting(self) -> Iterator[Row]:
        """Yield what is filled with `instructions` and `seconds` of the block when it ends."""
        count: Row = {}
        self.tell("zero")
        started = time.perf_counter()
        yield count
        seconds = time.perf_counter() - started
        self.tell("dump")
        self.dumps += 1
        count["instructions"] = read_total(self.counts.with_name(f"{self.counts.name}.{self.dumps}").read_text())
        count["seconds"] = round(seconds, 2)


def read_total(dump: str) -> int:
    """Return the instructions of one of callgrind's files.

    Raises:
        RuntimeError: the file has no total.
    """
    total = re.search(r"^totals: (\d+)$", dump, re.MULTILINE)
    if total is None:
        raise RuntimeError("callgrind wrote a file without a total")
    return int(total[1])
