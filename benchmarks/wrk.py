"""Measure a server under load with wrk."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

MARK = "RESULT "
THREADS = 2


def measure(address: str, script: Path, *, connections: int, seconds: int, threads: int = THREADS) -> dict[str, Any]:
    """Send as many requests as the server answers. Return throughput, latency and errors."""
    command = ["wrk", f"-t{min(threads, connections)}", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    done = subprocess.run([*command, "-s", str(script), address], capture_output=True, text=True, check=False)
    return parse(done.stdout + done.stderr)


def parse(output: str) -> dict[str, Any]:
    """Read the last line of our script.

    `answered_p99_ms` is a bound: the p99 of the requests that a prediction answered is at most that.

    Raises:
        RuntimeError: wrk failed, so there is no such line.
    """
    line = next((line for line in output.splitlines() if line.startswith(MARK)), None)
    if line is None:
        raise RuntimeError(f"wrk gave no result: {output.strip() or 'no output'}")
    result = json.loads(line.removeprefix(MARK))
    return {
        "requests_per_s": round(result["requests"] / result["duration_us"] * 1e6, 1),
        "p50_ms": result["p50_us"] / 1e3,
        "p99_ms": result["p99_us"] / 1e3,
        "answered_p99_ms": result["answered_p99_us"] / 1e3,
        "errors": result["errors"],
    }
