"""The service with something wrong in its model, as a file says at each prediction. For demonstrations and tests only.

The fault sits where a bad model would: below all that answers, measures and counts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import uvicorn

from churn.bundle import load_bundle
from churn.contract import Contract, Rows
from churn.explain import Explainer
from churn.service.app import create_app
from churn.settings import read_settings

FAULT_FILE = "DEMO_FAULT_FILE"
ONE_IN = 8
SLOWER_S = 0.01
MORE_LOG_ODDS = 1.5

type Explained = npt.NDArray[np.floating[Any]]


def failing(rows: Rows, explained: Explained) -> Explained:
    """One subscriber in eight gets an error, always the same ones."""
    if int(np.abs(rows).sum() * 100) % ONE_IN == 0:
        raise RuntimeError("this demonstration's model fails for some subscribers")
    return explained


def slow(_: Rows, explained: Explained) -> Explained:
    """Each prediction takes some milliseconds longer."""
    time.sleep(SLOWER_S)
    return explained


def shifted(_: Rows, explained: Explained) -> Explained:
    """Everybody's risk is higher."""
    moved = explained.copy()
    moved[:, -1] += MORE_LOG_ODDS
    return moved


def disagreeing(_: Rows, explained: Explained) -> Explained:
    """The same probabilities for other reasons: each feature has the contribution of another."""
    turned = explained.copy()
    turned[:, :-1] = turned[:, -2::-1]
    return turned


FAULTS: Mapping[str, Callable[[Rows, Explained], Explained]] = {
    "failing": failing,
    "slow": slow,
    "shifted": shifted,
    "disagreeing": disagreeing,
}


def with_fault(explain: Explainer, contract: type[Contract], file: Path) -> Explainer:
    """The explainer with the fault that the file names; without for the contract's example, which health asks for."""
    example = np.array([contract.model_validate(contract.example()).encode()], dtype=np.float32)

    def faulty(rows: Rows) -> Explained:
        explained = explain(rows)
        fault = FAULTS.get(file.read_text(encoding="utf-8"))
        return explained if fault is None or np.array_equal(rows, example) else fault(rows, explained)

    return faulty


def main() -> None:
    """Serves the bundle of the settings, in one process."""
    settings = read_settings()
    bundle = load_bundle(settings.bundle_path)
    explain = with_fault(bundle.model.explain, bundle.model.contract, Path(os.environ[FAULT_FILE]))
    faulty = replace(bundle, model=replace(bundle.model, explain=explain))
    uvicorn.run(
        create_app(settings, bundle=faulty),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="churn.service.protocol:Protocol",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_config=None,
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    main()
