"""Everything wired in one place."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles
from structlog.typing import FilteringBoundLogger

from churn.dashboard.acting import acting, signing
from churn.dashboard.guard import Guard
from churn.dashboard.looking import looking
from churn.dashboard.pages import FOLDER, problem_page
from churn.dashboard.rollouts import Rollouts
from churn.dashboard.visits import Visits
from churn.dashboard.watching import Watched, watching
from churn.errors import ChurnError


def create_app(watched: Watched, log: FilteringBoundLogger) -> FastAPI:
    """The dashboard; what changes something is only there if there is a token."""
    rollouts, visits = Rollouts(watched.home), Visits(watched.token)
    app = FastAPI(
        title="Churn dashboard",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[Middleware(Guard, log=log)],
        exception_handlers={HTTPException: _problem, ChurnError: _trouble},
    )
    app.include_router(looking(rollouts, visits))
    app.include_router(watching(watched, rollouts, visits))
    if visits.possible:
        app.include_router(signing(visits, log))
        app.include_router(acting(rollouts, visits, log))
    app.mount("/static", StaticFiles(directory=FOLDER / "static"))
    return app


async def _problem(_: Request, error: Exception) -> Response:
    return problem_page(error.status_code if isinstance(error, HTTPException) else 500)


async def _trouble(_: Request, error: Exception) -> Response:
    return problem_page(500, text=str(error))
