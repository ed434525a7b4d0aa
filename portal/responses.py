"""What a subscriber may do about a banner: accept its offer, dismiss it, rate it, turn offers off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from churn.web.sessions import see_other
from portal.bills import find_last_bill, is_open
from portal.records import ResponseKind
from portal.sessions import SubscriberSessions


def offer_routes(sessions: SubscriberSessions, now: Callable[[], datetime]) -> APIRouter:
    """Return the routes of accepting. The record says what was offered; a request only says which."""
    router = APIRouter()

    @router.get("/offers/{prediction_id}")
    async def confirm(request: Request, prediction_id: str) -> Response:
        subscriber = await sessions.require_subscriber(request)
        exposure = await sessions.require_exposure(subscriber, prediction_id)
        if exposure.offer is None:
            raise HTTPException(404)
        return sessions.build_page(
            request, "confirm.html", subscriber=subscriber, exposure=exposure, offer=exposure.offer
        )

    @router.post("/offers/{prediction_id}")
    async def accept(request: Request, prediction_id: str) -> Response:
        subscriber = await sessions.require_subscriber(request)
        await sessions.read_form(request)
        exposure = await sessions.require_exposure(subscriber, prediction_id)
        if exposure.offer is None:
            raise HTTPException(404)
        if not is_open(exposure.offer, now().date()):
            raise HTTPException(410)
        last_bill = find_last_bill(exposure.offer, now().date())
        await run_in_threadpool(sessions.store.accept_offer, exposure, now(), active_until=last_bill)
        return see_other("/")

    return router


def banner_routes(sessions: SubscriberSessions, now: Callable[[], datetime]) -> APIRouter:
    """Return the routes of everything else."""
    router = APIRouter()
    store = sessions.store

    @router.post("/banners/{prediction_id}/dismissal")
    async def dismiss(request: Request, prediction_id: str) -> Response:
        subscriber = await sessions.require_subscriber(request)
        await sessions.read_form(request)
        exposure = await sessions.require_exposure(subscriber, prediction_id)
        await run_in_threadpool(store.record_response, exposure, "dismissal", now())
        return _finish(request)

    @router.post("/banners/{prediction_id}/opinion")
    async def opine(request: Request, prediction_id: str) -> Response:
        subscriber = await sessions.require_subscriber(request)
        form = await sessions.read_form(request)
        exposure = await sessions.require_exposure(subscriber, prediction_id)
        opinion: ResponseKind = "helpful" if form.get("helpful") == "yes" else "not_helpful"
        await run_in_threadpool(store.record_response, exposure, opinion, now())
        return _finish(request)

    @router.post("/banners/{prediction_id}/opt-out")
    async def opt_out(request: Request, prediction_id: str) -> Response:
        subscriber = await sessions.require_subscriber(request)
        await sessions.read_form(request)
        exposure = await sessions.require_exposure(subscriber, prediction_id)
        await run_in_threadpool(store.record_response, exposure, "opt_out", now())
        await run_in_threadpool(store.set_wants_offers, subscriber.key, wants=False)
        return see_other("/")

    @router.post("/offers-wanted")
    async def turn_offers_on(request: Request) -> Response:
        subscriber = await sessions.require_subscriber(request)
        await sessions.read_form(request)
        await run_in_threadpool(store.set_wants_offers, subscriber.key, wants=True)
        return see_other("/")

    return router


def _finish(request: Request) -> Response:
    # A script that has changed the page itself needs no new one.
    from_script = request.headers.get("accept") == "application/json"
    return Response(status_code=204) if from_script else see_other("/")
