"""Everything of the subscribers' pages wired in one place."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from structlog.typing import FilteringBoundLogger

from churn.client import AsyncChurnClient
from churn.web.app import create_page_app
from churn.web.ended import EndedSessions
from churn.web.logging import open_log
from churn.web.sessions import SignInNeededError, send_to_sign_in
from portal.advice import Adviser
from portal.business import load_business
from portal.exposures import ExposureRecorder
from portal.pages import build_pages
from portal.reporting import BUDGET_S, EventReporter
from portal.retention import keep_removing
from portal.routes import banner_routes, offer_routes, sign_in_routes, subscription_routes
from portal.sessions import SubscriberSessions
from portal.settings import PortalSettings, read_settings
from portal.store import Store


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def create_app(
    settings: PortalSettings | None = None,
    *,
    now: Callable[[], datetime] = utc_now,
    log: FilteringBoundLogger | None = None,
) -> FastAPI:
    """Return the portal: `uvicorn --factory portal.app:create_app`.

    The settings are by default those of the environment, and the log goes to standard output. `now` is in UTC.

    Raises:
        SettingsError: a setting cannot be used.
        ContractError: there is no such contract, or a file beside it cannot be used.
        StoreError: the store cannot be used.
    """
    settings, log = settings or read_settings(), log or open_log("info")
    client = AsyncChurnClient(settings.service_url, budget_s=settings.service_budget_s, api_key=settings.api_key)
    business = load_business(settings.churn_contract, settings.portal_subscribers)
    pages = build_pages(business)
    store = Store(settings.store_path, business.subscribers)
    recorder = ExposureRecorder(store, log)
    # With connections of its own, so that no page waits for one.
    reporting = AsyncChurnClient(settings.service_url, budget_s=BUDGET_S, api_key=settings.api_key)
    reporter = EventReporter(reporting, log)
    ended = EndedSessions(settings.folder / "sessions.sqlite")
    sessions = SubscriberSessions(settings.load_signing_key(), store, pages, ended, secure=settings.is_https)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        removing = asyncio.create_task(keep_removing(store, settings.portal_retention_days, log))
        sending = asyncio.create_task(reporter.keep_sending())
        async with client, reporting:
            yield
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await reporter.close()
        removing.cancel()
        await asyncio.gather(removing, return_exceptions=True)
        await run_in_threadpool(recorder.close)
        store.close()
        ended.close()

    app = create_page_app(
        pages,
        title=f"{business.name} portal",
        lifespan=lifespan,
        guard={"log": log, "page_cache": "no-store", "is_https": settings.is_https},
        exception_handlers={SignInNeededError: send_to_sign_in},
    )
    app.include_router(subscription_routes(business, sessions, Adviser(client, log), recorder, reporter, now=now))
    app.include_router(offer_routes(business, sessions, reporter, now))
    app.include_router(banner_routes(sessions, reporter, now))
    app.include_router(sign_in_routes(business, sessions))
    return app
