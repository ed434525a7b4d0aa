"""*Manage Subscription*, the page."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from structlog.typing import FilteringBoundLogger

from churn.answers import RetentionAnswer
from portal.account import STREAMING_SLOTS, describe_account
from portal.advice import Adviser
from portal.banner import Display, decide_display
from portal.records import BannerHistory, DemoSubscriber
from portal.sessions import SubscriberSessions
from portal.words import choose_language


def subscription_routes(
    sessions: SubscriberSessions, adviser: Adviser, *, now: Callable[[], datetime], log: FilteringBoundLogger
) -> APIRouter:
    """Return the route of the page.

    Args:
        sessions: know who is signed in.
        adviser: knows what to show.
        now: the time, in UTC.
        log: told if what is shown cannot be recorded.
    """
    router = APIRouter()
    store = sessions.store

    @router.get("/")
    async def manage(request: Request) -> Response:
        subscriber = await sessions.require_subscriber(request)
        history = await run_in_threadpool(store.read_history, subscriber.key)
        answer = await ask(request, subscriber, history) if subscriber.wants_offers else None
        today = now().date()
        shown = await record(decide_display(answer, subscriber=subscriber.key, history=history, today=today))
        return sessions.build_page(
            request,
            "manage.html",
            subscriber=subscriber,
            account=describe_account(subscriber.facts, shown.active, today),
            slots=STREAMING_SLOTS,
            banner=shown.banner,
            active=shown.active,
        )

    async def ask(request: Request, subscriber: DemoSubscriber, history: BannerHistory) -> RetentionAnswer | None:
        return await adviser.advise(
            subscriber.facts,
            subscriber_key=subscriber.key,
            last_offer=history.accepted.accepted_on if history.accepted else None,
            language=choose_language(request.headers.get("accept-language", "")),
        )

    async def record(shown: Display) -> Display:
        """Record what is shown. A banner that cannot be recorded is not shown: nobody could accept its offer."""
        if shown.exposure:
            try:
                await run_in_threadpool(store.record_exposure, shown.exposure, now())
            except sqlite3.Error as error:
                log.error("exposure_not_recorded", detail=str(error))  # noqa: TRY400 - the traceback says no more
                return Display(active=shown.active)
        return shown

    return router
