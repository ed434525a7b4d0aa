"""Everything wired in one place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, Request
from fastapi.responses import Response
from structlog.typing import FilteringBoundLogger

from churn.dashboard.pages import PAGES
from churn.dashboard.rollouts import Rollouts
from churn.dashboard.routes.commands import command_routes
from churn.dashboard.routes.metrics import metrics_routes
from churn.dashboard.routes.rollouts import rollout_routes
from churn.dashboard.routes.service import DashboardConfig, service_routes
from churn.errors import ChurnError
from churn.web.app import create_page_app
from churn.web.entrance import Entrance
from churn.web.sessions import SignInNeededError, send_to_sign_in
from churn.web.sign_in import sign_in_routes


def create_app(config: DashboardConfig, log: FilteringBoundLogger) -> FastAPI:
    """Return the dashboard. What changes something is only there if people can sign in."""
    rollouts = Rollouts(config.home)
    entrance = Entrance(
        "dashboard",
        token=config.token,
        oidc=config.oidc,
        folder=config.home / "dashboard",
        public_url=config.public_url,
        log=log,
    )
    visits = entrance.visits

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        visits.close()

    app = create_page_app(
        PAGES,
        title="Churn dashboard",
        lifespan=lifespan,
        # Pages ask again every few seconds: their lines would fill the log.
        guard={"log": log, "page_cache": "no-cache", "quiet": {200, 304}, "is_https": entrance.is_https},
        exception_handlers={ChurnError: _show_error, SignInNeededError: send_to_sign_in},
    )
    for pages in (rollout_routes(rollouts, visits), service_routes(config, rollouts, visits)):
        app.include_router(pages, dependencies=[Depends(visits.require_reader)])
    app.include_router(metrics_routes(rollouts))
    if visits.possible:
        app.include_router(sign_in_routes(entrance, PAGES, "sign_in.html"))
        app.include_router(command_routes(rollouts, visits, log))
    return app


async def _show_error(_: Request, error: Exception) -> Response:
    return PAGES.build_problem_page(500, text=str(error))
