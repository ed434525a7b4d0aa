"""The service with a fault, which a file names at each prediction. For demonstrations and tests only.

The fault sits where a bad version's would: below all that measures and counts.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from churn.contract.declaration import Contract, Rows
from churn.explain import Explainer
from churn.model.bundle import load_bundle
from churn.service.app import create_app
from churn.settings import read_settings
from churn.web.server import listen, serve_pages

FAULT_FILE = "DEMO_FAULT_FILE"
STABLE_BUNDLE = "DEMO_STABLE_BUNDLE"
ONE_IN = 8
SLOW = "slow"
SAME = "same"
SLOW_MACHINE = "slow machine"  # whatever runs on it
SLOWER_S = {SLOW: 0.25, SLOW_MACHINE: 0.03}  # the former is over the objective
MORE_LOG_ODDS = 1.5

type Explained = npt.NDArray[np.floating[Any]]


def fail_some(rows: Rows, explained: Explained) -> Explained:
    """Fail for one subscriber in eight, always the same ones."""
    if int(np.abs(rows).sum() * 100) % ONE_IN == 0:
        raise RuntimeError("this demonstration's model fails for some subscribers")
    return explained


def raise_risk(_: Rows, explained: Explained) -> Explained:
    """Raise the risk of all subscribers."""
    moved = explained.copy()
    moved[:, -1] += MORE_LOG_ODDS
    return moved


def swap_reasons(_: Rows, explained: Explained) -> Explained:
    """Give each feature the contribution of another: the same probabilities for other reasons."""
    turned = explained.copy()
    turned[:, :-1] = turned[:, -2::-1]
    return turned


FAULTS: Mapping[str, Callable[[Rows, Explained], Explained]] = {
    "failing": fail_some,
    "shifted": raise_risk,
    "disagreeing": swap_reasons,
}


def add_fault(explain: Explainer, stable: Explainer, contract: type[Contract], file: Path) -> Explainer:
    """Return the explainer with the fault that the file names. The contract's example, which /health asks, has none.

    With `same`, and on a slow machine, it has none either, but is the stable version's.
    """
    example = np.array([contract.model_validate(contract.example()).encode()], dtype=np.float32)

    def explain_with_fault(rows: Rows) -> Explained:
        name = file.read_text(encoding="utf-8")
        explained, fault = (stable if name in {SAME, SLOW_MACHINE} else explain)(rows), FAULTS.get(name)
        return explained if fault is None or np.array_equal(rows, example) else fault(rows, explained)

    return explain_with_fault


class SlowDown:
    """Make a prediction slow if the file says so: around all that answers, within all that measures."""

    def __init__(self, app: ASGIApp, file: Path) -> None:
        self.app = app
        self.file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait without blocking other requests."""
        if scope.get("path") == "/predict" and (slower_s := SLOWER_S.get(self.file.read_text(encoding="utf-8"))):
            await asyncio.sleep(slower_s)
        await self.app(scope, receive, send)


def main() -> None:
    """Serve the bundle of the settings, in one process."""
    settings = read_settings()
    bundle = load_bundle(settings.bundle_path)
    file = Path(os.environ[FAULT_FILE])
    stable = load_bundle(Path(os.environ[STABLE_BUNDLE]))
    explain = add_fault(bundle.model.explain, stable.model.explain, bundle.model.contract, file)
    faulty = replace(bundle, model=replace(bundle.model, explain=explain))
    app = create_app(settings, bundle=faulty)
    app.user_middleware.append(Middleware(SlowDown, file=file))  # the innermost
    with listen(settings.host, settings.port, app="service") as listener:
        serve_pages(app, listener, log_level=settings.log_level, announce=lambda: None)


if __name__ == "__main__":
    main()
