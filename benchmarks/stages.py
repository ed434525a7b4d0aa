"""Measure where the time of an answer goes in our service, by its own histograms of each stage."""

from __future__ import annotations

import contextlib
import gc
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop
from fastapi import FastAPI

from churn.judging.metrics import STAGE_CELL_BOUNDS_S, STAGE_DURATION, STAGES, Stage
from churn.model.bundle import load_bundle
from churn.service.app import create_app
from churn.service.counting.counters import Counters
from churn.settings import Settings

WARM_UP = 500

type Row = dict[str, Any]


def measure_stages(bundle: Path, requests: Sequence[dict[str, Any]], *, count: int) -> list[Row]:
    """Count requests by stage and duration. The app is called as a server calls it, one request after the other.

    Args:
        bundle: the model.
        requests: what is sent, again and again.
        count: the number of answers to count.
    """
    bodies = [json.dumps(request).encode() for request in requests]
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        app, warm = (create_app(Settings.model_construct(), bundle=load_bundle(bundle)) for _ in range(2))
        uvloop.run(_send(warm, bodies, WARM_UP))
        gc.collect()
        gc.freeze()  # as the service does when it starts
        uvloop.run(_send(app, bodies, count))
    return [
        {"model": bundle.name, "stage": stage, "below_us": below_us, "requests": requests}
        for stage in STAGES
        for below_us, requests in _histogram(app.state.counters, stage)
    ]


def _histogram(counters: Counters, stage: Stage) -> list[tuple[float, int]]:
    """Return the buckets of a stage from the first to the last that anything fell into: bound and count."""
    first = counters.layout[STAGE_DURATION].first_cells()[stage,]
    counts = [int(count) for count in counters.cells[first : first + len(STAGE_CELL_BOUNDS_S)]]
    filled = [number for number, count in enumerate(counts) if count]
    if not filled:
        return []
    return [(2**number / 1000, counts[number]) for number in range(filled[0], filled[-1] + 1)]


async def _send(app: FastAPI, bodies: Sequence[bytes], count: int) -> None:
    for number in range(count):
        await _post(app, bodies[number % len(bodies)])


async def _post(app: FastAPI, body: bytes) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message.get("status", 200) != 200:  # noqa: PLR2004
            raise RuntimeError(f"the service answers {message['status']}")

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/predict",
        "raw_path": b"/predict",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)
