"""Everything wired in one place."""

from fastapi import FastAPI, Request
from fastapi.responses import Response
from structlog.typing import FilteringBoundLogger

from churn.dashboard.pages import PAGES
from churn.dashboard.rollouts import Rollouts
from churn.dashboard.routes.commands import command_routes, sign_in_routes
from churn.dashboard.routes.metrics import metrics_routes
from churn.dashboard.routes.rollouts import rollout_routes
from churn.dashboard.routes.service import DashboardConfig, service_routes
from churn.dashboard.visits import Visits
from churn.errors import ChurnError
from churn.web.app import create_page_app


def create_app(config: DashboardConfig, log: FilteringBoundLogger) -> FastAPI:
    """Return the dashboard. What changes something is only there if there is a token."""
    rollouts, visits = Rollouts(config.home), Visits(config.token)
    app = create_page_app(
        PAGES,
        title="Churn dashboard",
        # Pages ask again every few seconds: their lines would fill the log.
        guard={"log": log, "page_cache": "no-cache", "quiet": {200, 304}},
        exception_handlers={ChurnError: _show_error},
    )
    app.include_router(rollout_routes(rollouts, visits))
    app.include_router(metrics_routes(rollouts))
    app.include_router(service_routes(config, rollouts, visits))
    if visits.possible:
        app.include_router(sign_in_routes(visits, log))
        app.include_router(command_routes(rollouts, visits, log))
    return app


async def _show_error(_: Request, error: Exception) -> Response:
    return PAGES.build_problem_page(500, text=str(error))
