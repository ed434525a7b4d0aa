"""The pages that show; none of them changes anything."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from churn.dashboard.charts.rollout import rollout_report, weights_chart
from churn.dashboard.pages import page
from churn.dashboard.report import render_report
from churn.dashboard.rollouts import Rollouts, Snapshot
from churn.dashboard.summary import summarize
from churn.dashboard.visits import Visits
from churn.errors import RolloutError

MINUTE_S = 60


def rollout_routes(rollouts: Rollouts, visits: Visits) -> APIRouter:
    """The routes of rollouts."""
    router = APIRouter()

    @router.get("/")
    def overview(request: Request) -> Response:
        now = _minute()
        found = rollouts.all()
        live = [_live(rollouts, each.number, now) for each in found if not each.is_over]
        past = [each for each in found if each.is_over]
        return page(request, "overview.html", visit=visits.read(request), live=live, past=past, now=now)

    @router.get("/rollouts/{number:int}")
    def one(request: Request, number: int) -> Response:
        report = rollout_report(_snapshot(rollouts, number), _minute())
        return page(request, "rollout.html", visit=visits.read(request), report=report, **report.values)

    @router.get("/rollouts/{number:int}/report.html")
    def mailed(number: int) -> Response:
        now = _minute()
        text = render_report(rollout_report(_snapshot(rollouts, number), now), now)
        name = f'attachment; filename="rollout-{number}.html"'
        return HTMLResponse(text, headers={"Content-Disposition": name})

    return router


def _live(rollouts: Rollouts, number: int, now: float) -> dict[str, Any]:
    snapshot = rollouts.snapshot(number)
    return {
        "snapshot": snapshot,
        "rollout": snapshot.history.rollout,
        "summary": summarize(snapshot, now),
        "weights": weights_chart(snapshot.history, now),
        "findings": snapshot.history.last.findings if snapshot.history.last else (),
    }


def _snapshot(rollouts: Rollouts, number: int) -> Snapshot:
    try:
        return rollouts.snapshot(number)
    except RolloutError as error:
        raise HTTPException(404) from error


def _minute() -> float:
    """Now, to the minute: a page that says the same is the same."""
    return time.time() // MINUTE_S * MINUTE_S
