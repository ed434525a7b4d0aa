"""A dashboard with something to show: simulated rollouts and outcomes, a service that was asked, one that is down.

The bundle beside the champion, if there is one, is its challenger.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from churn.businesses import find_contract
from churn.client import ChurnClient
from churn.contract.features import FeatureSpec
from churn.contract.phrases import Value
from churn.contract.sampling import draw_demo_columns
from churn.model.shelf import CHAMPION, open_shelf
from churn.rollout.store import RolloutStore
from churn.settings import read_settings

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.leaving import SALT, simulate
from demo.machine import free_port
from demo.simulated_rollouts import SERVICE, write_demo

CHURN = [sys.executable, "-m", "churn"]
SUBSCRIBERS = 3000
HIGHER = 1.3  # so that there is some drift to see
LOGGED_S = 2.0
EFFECT = -0.12  # of the banner, on the share that leaves


@contextmanager
def dashboard(bundle: Path) -> Iterator[list[str]]:
    """The one address of a dashboard over a home of its own.

    Args:
        bundle: the champion; what lies beside it is shown among the models too.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shelf = open_shelf(home, read_settings().churn_contract)
        shutil.copytree(bundle.parent, shelf.folder, symlinks=True)
        shelf.move_alias(CHAMPION, bundle.name)
        write_demo(home)
        left, _ = simulate(home, effect=EFFECT)
        import_outcomes = [*CHURN, "outcomes", "import", str(left)]
        subprocess.run(import_outcomes, env=_environment(home, PREDICTION_LOG_SALT=SALT), check=True)  # noqa: S603 - our own command
        others = [path for path in bundle.parent.iterdir() if not path.is_symlink() and path.name != bundle.name]
        with _serving(home, "serve", **{"CHALLENGER_PATH": max(others)} if others else {}) as service:
            _ask(service)
            port, nobody = free_port(), free_port()
            settings = {
                "DASHBOARD_PORT": port,
                "DASHBOARD_INSTANCES": f"{service},http://127.0.0.1:{nobody}",
                "DASHBOARD_MLFLOW_URL": "http://127.0.0.1:5000",
            }
            with closing(RolloutStore(home)) as store, store.lock(SERVICE), _serving(home, "dashboard", **settings):
                if live := store.find_live(SERVICE):  # as if it was looked at just now
                    store.save(replace(live, looked_at=time.time()))
                yield [f"http://127.0.0.1:{port}"]


@contextmanager
def _serving(home: Path, command: str, **settings: object) -> Iterator[str]:
    """Run a command that serves, and yield the address of `churn serve` once it listens."""
    port = free_port()
    environment = _environment(home, PORT=port, **settings)
    process = subprocess.Popen([*CHURN, command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # noqa: S603 - likewise
    try:
        if process.stderr is None or not any(b"Stop with Ctrl+C" in line for line in process.stderr):
            raise RuntimeError(f"churn {command} ended before it served")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate()


def _environment(home: Path, **settings: object) -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if name not in {"MODEL_PATH", "MODEL_VERSION"}}
    return known | {"CHURN_HOME": str(home), "WORKERS": "1"} | {name: str(value) for name, value in settings.items()}


def _ask(service: str) -> None:
    contract = find_contract(read_settings().churn_contract)
    raised = next(spec for spec in contract.features if spec.kind in {"number", "integer"})
    rows = contract.encode_columns(draw_demo_columns(contract, np.random.default_rng(3), SUBSCRIBERS))
    with ChurnClient(service, budget_s=10) as client:
        for row in rows:
            subscriber = {
                spec.name: spec.decode(float(value)) for spec, value in zip(contract.features, row, strict=True)
            }
            client.predict(subscriber | {raised.name: _raise(raised, subscriber[raised.name])})
    time.sleep(LOGGED_S)


def _raise(spec: FeatureSpec, value: Value | None) -> Value | None:
    """Return a number that is higher, within its limits; None of one that is not known."""
    if value is None:
        return None
    higher = min(float(value) * HIGHER, spec.upper or 0.0)
    return spec.decode(int(higher) if spec.kind == "integer" else round(higher, 2))
