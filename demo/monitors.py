"""The dashboard, and Prometheus where it is installed, to look at while the scenarios are played."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from demo.machine import PATIENCE_S, ROOT, Machine, answers, find_program, free_port, start_process, wait_until

RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
SCRAPE = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: service
    static_configs:
      - {{targets: [{stable}], labels: {{track: stable}}}}
      - {{targets: [{canary}], labels: {{track: canary}}}}
  - job_name: rollouts
    static_configs:
      - {{targets: [{dashboard}]}}
"""


@contextmanager
def run_monitors(machine: Machine, home: Path, folder: Path) -> Iterator[dict[str, str]]:
    """Run both during the block. Yield their addresses by name.

    Args:
        machine: which runs already.
        home: CHURN_HOME of the rollouts.
        folder: where Prometheus stores what it scrapes.

    Raises:
        ChurnError: one of them does not come up.
    """
    running: dict[str, subprocess.Popen[bytes]] = {}
    addresses = {"dashboard": f"http://127.0.0.1:{free_port()}"}
    try:
        running["dashboard"] = _start_dashboard(machine, home, addresses["dashboard"])
        if program := find_program("prometheus"):
            addresses["Prometheus"] = f"http://127.0.0.1:{free_port()}"
            running["Prometheus"] = _start_prometheus(program, machine, folder, addresses)
        for name, address in addresses.items():
            ready = f"{address}/{'-/ready' if name == 'Prometheus' else ''}"
            wait_until(partial(answers, ready), f"{name} answers at {ready}", running)
        yield addresses
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait(PATIENCE_S)


def _start_dashboard(machine: Machine, home: Path, address: str) -> subprocess.Popen[bytes]:
    own = {
        "CHURN_HOME": str(home),
        "CHURN_CONTRACT": machine.pair.contract.contract_name,
        "DASHBOARD_PORT": address.rpartition(":")[2],
        "DASHBOARD_INSTANCES": f"http://{machine.stable},http://{machine.canary}",
    }
    return start_process([sys.executable, "-m", "churn", "dashboard"], own)


def _start_prometheus(
    program: str, machine: Machine, folder: Path, addresses: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    configuration = folder / "prometheus.yml"
    dashboard = addresses["dashboard"].removeprefix("http://")
    quoted = {"rules": RULES, "stable": machine.stable, "canary": machine.canary, "dashboard": dashboard}
    text = SCRAPE.format(**{name: json.dumps(str(value)) for name, value in quoted.items()})
    configuration.write_text(text, encoding="utf-8")
    options = {
        "config.file": configuration,
        "storage.tsdb.path": folder / "prometheus",
        "web.listen-address": addresses["Prometheus"].removeprefix("http://"),
    }
    return start_process([program, *(f"--{name}={value}" for name, value in options.items())], {})
