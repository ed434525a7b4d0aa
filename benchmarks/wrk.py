"""One measurement of a server under load, by wrk."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

MARK = "RESULT "
THREADS = 2


def measure(address: str, script: Path, *, connections: int, seconds: int, threads: int = THREADS) -> dict[str, Any]:
    """Throughput, latency and errors over some seconds of as many requests as the server answers."""
    command = ["wrk", f"-t{min(threads, connections)}", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    done = subprocess.run([*command, "-s", str(script), address], capture_output=True, text=True, check=False)
    return parse(done.stdout + done.stderr)


def parse(output: str) -> dict[str, Any]:
    """What our script's last line says.

    `answered_p99_ms` is a bound: p99 of what was answered by a prediction is at most that.

    Raises:
        RuntimeError: there is no such line, since wrk itself failed.
    """
    line = next((line for line in output.splitlines() if line.startswith(MARK)), None)
    if line is None:
        raise RuntimeError(f"wrk gave no result: {output.strip() or 'no output'}")
    found = json.loads(line.removeprefix(MARK))
    return {
        "requests_per_s": round(found["requests"] / found["duration_us"] * 1e6, 1),
        "p50_ms": found["p50_us"] / 1e3,
        "p99_ms": found["p99_us"] / 1e3,
        "answered_p99_ms": found["answered_p99_us"] / 1e3,
        "errors": found["errors"],
    }
