"""The pages of rollouts. None of them changes anything."""

import time
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from churn.dashboard.charts.rollout import draw_weights, report_rollout
from churn.dashboard.pages import build_page
from churn.dashboard.report import render_report
from churn.dashboard.rollouts import Rollouts, Snapshot
from churn.dashboard.summary import summarize_rollout
from churn.errors import RolloutError
from churn.web.visits import Visits

MINUTE_S = 60


def rollout_routes(rollouts: Rollouts, visits: Visits) -> APIRouter:
    """Return the routes of rollouts."""
    router = APIRouter()

    @router.get("/")
    def overview(request: Request) -> Response:
        now = _read_minute()
        listed = rollouts.list_all()
        live = [_show_live(rollouts, rollout.number, now) for rollout in listed if not rollout.is_over]
        past = [rollout for rollout in listed if rollout.is_over]
        return build_page(request, "overview.html", visit=visits.read(request), live=live, past=past, now=now)

    @router.get("/rollouts/{number:number}")
    def rollout_page(request: Request, number: int) -> Response:
        report = report_rollout(_find_snapshot(rollouts, number), _read_minute())
        return build_page(request, "rollout.html", visit=visits.read(request), report=report, **report.values)

    @router.get("/rollouts/{number:number}/report.html")
    def report_file(number: int) -> Response:
        now = _read_minute()
        text = render_report(report_rollout(_find_snapshot(rollouts, number), now), now)
        name = f'attachment; filename="rollout-{number}.html"'
        return HTMLResponse(text, headers={"Content-Disposition": name})

    return router


def _show_live(rollouts: Rollouts, number: int, now: float) -> dict[str, Any]:
    snapshot = rollouts.read_snapshot(number)
    return {
        "snapshot": snapshot,
        "rollout": snapshot.history.rollout,
        "summary": summarize_rollout(snapshot, now),
        "weights": draw_weights(snapshot.history, now),
        "findings": snapshot.history.last.findings if snapshot.history.last else (),
    }


def _find_snapshot(rollouts: Rollouts, number: int) -> Snapshot:
    try:
        return rollouts.read_snapshot(number)
    except RolloutError as error:
        raise HTTPException(404) from error


def _read_minute() -> float:
    """Return now, to the minute, so that a page that says the same is the same."""
    return time.time() // MINUTE_S * MINUTE_S
