"""Everything of the team's pages wired in one place. They have a port and a process of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import Response
from structlog.typing import FilteringBoundLogger

from churn.client import AsyncChurnClient
from churn.web.app import create_page_app
from churn.web.entrance import Entrance
from churn.web.machines import build_machine_router
from churn.web.sessions import SignInNeededError, see_other, send_to_sign_in
from churn.web.sign_in import sign_in_routes
from portal.business import load_business
from portal.events import add_event_counts, event_routes
from portal.explain import explain_routes
from portal.pages import build_team_pages
from portal.people import add_people
from portal.settings import PortalSettings
from portal.store import Store

BUDGET_S = 3.0  # the team can wait longer than a subscriber


def create_team_app(settings: PortalSettings, log: FilteringBoundLogger) -> FastAPI:
    """Return the team's pages. With a token or a provider people sign in before they see any.

    Raises:
        SettingsError: a setting cannot be used, or the pages would be open to other machines.
        ContractError: there is no such contract, or a file beside it cannot be used.
        StoreError: the store cannot be used.
    """
    settings.require_closed_team_door()
    token = settings.portal_team_token.get_secret_value() if settings.portal_team_token else None
    entrance = Entrance(
        "team",
        token=token,
        oidc=settings.read_team_oidc(),
        folder=settings.churn_home / "team",
        public_url=settings.portal_team_public_url,
        log=log,
    )
    visits = entrance.visits
    business = load_business(settings.churn_contract, settings.portal_subscribers)
    pages = build_team_pages(business)
    client = AsyncChurnClient(settings.service_url, budget_s=BUDGET_S, api_key=settings.api_key)
    store = Store(settings.store_path, ())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with client:
            yield
        store.close()
        visits.close()

    app = create_page_app(
        pages,
        title=f"{business.name} team",
        lifespan=lifespan,
        guard={"log": log, "page_cache": "no-store", "is_https": entrance.is_https},
        exception_handlers={SignInNeededError: send_to_sign_in},
    )
    reading = APIRouter(dependencies=[Depends(visits.require_reader)])
    reading.include_router(event_routes(store, visits, pages))
    reading.include_router(explain_routes(client, visits, pages, business.phrases.languages))
    reading.add_api_route("/", _start)
    app.include_router(reading)
    machines = build_machine_router(entrance.tokens, "PORTAL_TEAM_TOKEN")
    add_event_counts(machines, store)
    add_people(machines, store)
    app.include_router(machines)
    if visits.possible:
        app.include_router(sign_in_routes(entrance, pages, "team_sign_in.html"))
    return app


async def _start() -> Response:
    return see_other("/team/events")
