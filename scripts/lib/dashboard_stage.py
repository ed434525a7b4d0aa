"""A dashboard with something to show: simulated rollouts and outcomes, a service that was asked, one that is down.

The bundle beside the champion, if there is one, is its challenger.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from churn.businesses import find_contract
from churn.client import ChurnClient
from churn.contract.sampling import draw_demo_columns
from churn.model.shelf import CHAMPION, open_shelf
from churn.rollout.store import RolloutStore

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from support.dashboards import SERVICE, write_demo
from support.leaving import SALT, simulate
from support.processes import free_port, serving, succeed

SUBSCRIBERS = 3000
DEARER = 1.3  # so that there is some drift to see
LOGGED_S = 2.0
EFFECT = -0.12  # of the banner, on the share that leaves


@contextmanager
def dashboard(bundle: Path) -> Iterator[str]:
    """The address of a dashboard over a home of its own.

    Args:
        bundle: the champion; what lies beside it is shown among the models too.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shelf = open_shelf(home, "streamflow")
        shutil.copytree(bundle.parent, shelf.folder, symlinks=True)
        shelf.move_alias(CHAMPION, bundle.name)
        write_demo(home)
        left, _ = simulate(home, effect=EFFECT)
        succeed(home, "outcomes", "import", left, PREDICTION_LOG_SALT=SALT)
        others = [each for each in bundle.parent.iterdir() if not each.is_symlink() and each.name != bundle.name]
        with serving(home, "serve", **{"CHALLENGER_PATH": max(others)} if others else {}) as (service, _):
            _ask(service)
            port, nobody = free_port(), free_port()
            settings = {
                "DASHBOARD_PORT": port,
                "DASHBOARD_INSTANCES": f"{service},http://127.0.0.1:{nobody}",
                "DASHBOARD_MLFLOW_URL": "http://127.0.0.1:5000",
            }
            with closing(RolloutStore(home)) as store, store.lock(SERVICE), serving(home, "dashboard", **settings):
                yield f"http://127.0.0.1:{port}"


def _ask(service: str) -> None:
    contract = find_contract("streamflow")
    rows = contract.encode_columns(draw_demo_columns(contract, np.random.default_rng(3), SUBSCRIBERS))
    with ChurnClient(service, budget_s=10) as client:
        for row in rows:
            subscriber = {
                spec.name: spec.decode(float(value)) for spec, value in zip(contract.features, row, strict=True)
            }
            client.predict(subscriber | {"monthly_charges": round(subscriber["monthly_charges"] * DEARER, 2)})
    time.sleep(LOGGED_S)
