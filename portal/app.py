"""Everything wired in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles
from structlog.typing import FilteringBoundLogger

from churn.client import AsyncChurnClient
from portal.advice import Advice
from portal.demo import demo_subscribers
from portal.events import events
from portal.explain import explaining
from portal.guard import Guard
from portal.logging import open_log
from portal.pages import problem_page
from portal.responses import banner_responses, offer_responses
from portal.sessions import Sessions
from portal.settings import PortalSettings, read_settings
from portal.signing_in import signing_in
from portal.store import Store
from portal.subscription import subscription
from portal.visits import SignInNeededError, Visits, send_to_sign_in

TEAM_BUDGET_S = 3.0  # the team can wait longer than a subscriber
STATIC = Path(__file__).with_name("static")


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def create_app(
    settings: PortalSettings | None = None,
    *,
    now: Callable[[], datetime] = utc_now,
    log: FilteringBoundLogger | None = None,
) -> FastAPI:
    """The portal: `uvicorn --factory portal.app:create_app`.

    Args:
        settings: by default those of the environment.
        now: the time, in UTC.
        log: by default one on standard output.

    Raises:
        SettingsError: a setting cannot be used.
        StoreError: the store cannot be used.
    """
    settings, log = settings or read_settings(), log or open_log()
    client = AsyncChurnClient(settings.service_url, budget_s=settings.service_budget_s)
    team_client = AsyncChurnClient(settings.service_url, budget_s=TEAM_BUDGET_S)
    store = Store(settings.store_path, demo_subscribers())
    visits = Visits(store, Sessions(settings.signing_key()))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with client, team_client:
            yield
        store.close()

    app = FastAPI(
        title="StreamFlow portal",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        middleware=[Middleware(Guard, log=log)],
        exception_handlers={SignInNeededError: send_to_sign_in, HTTPException: _problem},
    )
    app.include_router(subscription(visits, Advice(client, log), now=now, log=log))
    app.include_router(offer_responses(visits, now))
    app.include_router(banner_responses(visits, now))
    app.include_router(signing_in(visits))
    app.include_router(events(store))
    app.include_router(explaining(team_client))
    app.mount("/static", StaticFiles(directory=STATIC))
    return app


async def _problem(_: Request, error: HTTPException) -> Response:
    return problem_page(error.status_code)
