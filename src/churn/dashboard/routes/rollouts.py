"""The pages that show; none of them changes anything."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from churn.dashboard.charts.rollout import draw_weights, report_rollout
from churn.dashboard.pages import build_page
from churn.dashboard.report import render_report
from churn.dashboard.rollouts import Rollouts, Snapshot
from churn.dashboard.summary import summarize_rollout
from churn.dashboard.visits import Visits
from churn.errors import RolloutError

MINUTE_S = 60


def rollout_routes(rollouts: Rollouts, visits: Visits) -> APIRouter:
    """The routes of rollouts."""
    router = APIRouter()

    @router.get("/")
    def overview(request: Request) -> Response:
        now = _read_minute()
        found = rollouts.all()
        live = [_show_live(rollouts, each.number, now) for each in found if not each.is_over]
        past = [each for each in found if each.is_over]
        return build_page(request, "overview.html", visit=visits.read(request), live=live, past=past, now=now)

    @router.get("/rollouts/{number:int}")
    def one(request: Request, number: int) -> Response:
        report = report_rollout(_find_snapshot(rollouts, number), _read_minute())
        return build_page(request, "rollout.html", visit=visits.read(request), report=report, **report.values)

    @router.get("/rollouts/{number:int}/report.html")
    def mailed(number: int) -> Response:
        now = _read_minute()
        text = render_report(report_rollout(_find_snapshot(rollouts, number), now), now)
        name = f'attachment; filename="rollout-{number}.html"'
        return HTMLResponse(text, headers={"Content-Disposition": name})

    return router


def _show_live(rollouts: Rollouts, number: int, now: float) -> dict[str, Any]:
    snapshot = rollouts.snapshot(number)
    return {
        "snapshot": snapshot,
        "rollout": snapshot.history.rollout,
        "summary": summarize_rollout(snapshot, now),
        "weights": draw_weights(snapshot.history, now),
        "findings": snapshot.history.last.findings if snapshot.history.last else (),
    }


def _find_snapshot(rollouts: Rollouts, number: int) -> Snapshot:
    try:
        return rollouts.snapshot(number)
    except RolloutError as error:
        raise HTTPException(404) from error


def _read_minute() -> float:
    """Now, to the minute: a page that says the same is the same."""
    return time.time() // MINUTE_S * MINUTE_S
