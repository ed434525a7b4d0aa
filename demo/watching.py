"""What one can look at while the scenarios are played: the dashboard, and Prometheus where it is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from churn.errors import ChurnError
from demo.machine import ROOT, Machine, free_port

PATIENCE_S = 60
RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
SCRAPE = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: service
    static_configs:
      - {{targets: [{stable}], labels: {{track: stable}}}}
      - {{targets: [{canary}], labels: {{track: canary}}}}
"""


@contextmanager
def watching(machine: Machine, home: Path, folder: Path) -> Iterator[dict[str, str]]:
    """Runs both until it is left; gives the addresses of those that run.

    Args:
        machine: which runs already.
        home: CHURN_HOME of the rollouts.
        folder: where Prometheus keeps what it scrapes.

    Raises:
        ChurnError: one of them does not come up.
    """
    running: dict[str, tuple[subprocess.Popen[bytes], str]] = {}
    try:
        running["dashboard"] = _dashboard(machine, home)
        program = shutil.which("prometheus", path=f"{os.environ['PATH']}:/usr/sbin")
        if program:
            running["Prometheus"] = _prometheus(program, machine, folder)
        for part, (process, address) in running.items():
            _until_it_answers(part, process, f"{address}/{'-/ready' if part == 'Prometheus' else ''}")
        yield {part: address for part, (_, address) in running.items()}
    finally:
        for process, _ in running.values():
            process.terminate()
        for process, _ in running.values():
            process.wait(PATIENCE_S)


def _dashboard(machine: Machine, home: Path) -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    own = {
        "CHURN_HOME": str(home),
        "CHURN_CONTRACT": "streamflow",
        "DASHBOARD_PORT": str(port),
        "DASHBOARD_INSTANCES": f"http://{machine.stable},http://{machine.canary}",
    }
    return _started([sys.executable, "-m", "churn", "dashboard"], own), f"http://127.0.0.1:{port}"


def _prometheus(program: str, machine: Machine, folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    configuration, address = folder / "prometheus.yml", f"127.0.0.1:{free_port()}"
    quoted = {"rules": RULES, "stable": machine.stable, "canary": machine.canary}
    text = SCRAPE.format(**{name: json.dumps(str(value)) for name, value in quoted.items()})
    configuration.write_text(text, encoding="utf-8")
    options = {"config.file": configuration, "storage.tsdb.path": folder / "prometheus", "web.listen-address": address}
    return _started([program, *(f"--{name}={value}" for name, value in options.items())], {}), f"http://{address}"


def _started(command: list[str], own: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, env=os.environ | own, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _until_it_answers(part: str, process: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < until:
        try:
            if httpx2.get(url, trust_env=False).is_success:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise ChurnError(f"{part} does not answer at {url}", instead="run `churn dashboard` or `prometheus` to see why")
