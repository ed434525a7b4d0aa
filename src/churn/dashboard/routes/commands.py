"""What needs the token: to sign in and out, and to leave a command to the controller of a rollout."""

import asyncio
import math
from typing import Literal

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from structlog.typing import FilteringBoundLogger

from churn.dashboard.pages import build_page
from churn.dashboard.rollouts import Rollouts
from churn.dashboard.visits import OPERATOR, Visits
from churn.errors import RolloutError
from churn.web.attempts import Attempts, find_source
from churn.web.sessions import read_form, see_other

MOST_LETTERS = 200
WRONG_TOKEN_S = 0.5  # by which a wrong token is answered later


def sign_in_routes(visits: Visits, log: FilteringBoundLogger, *, is_behind_proxy: bool) -> APIRouter:
    """Return the routes to sign in and out."""
    router, attempts = APIRouter(), Attempts()

    @router.get("/sign-in")
    def sign_in_page(request: Request) -> Response:
        return build_page(request, "sign_in.html", visit=visits.read(request), wrong=False)

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        fields = await read_form(request)
        source = find_source(request, is_behind_proxy=is_behind_proxy)
        if wait_s := attempts.take(source):
            log.warning("too_many_attempts", source=source)
            page = build_page(request, "sign_in.html", status=429, visit=visits.read(request), wrong="often")
            page.headers["Retry-After"] = str(math.ceil(wait_s))
            return page
        if not visits.is_token(fields.get("token", "")):
            log.warning("wrong_token", source=source)
            await asyncio.sleep(WRONG_TOKEN_S)
            return build_page(request, "sign_in.html", status=403, visit=visits.read(request), wrong=True)
        attempts.forget(source)
        answer = see_other("/")
        visits.sessions.start(request, answer, OPERATOR)
        return answer

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        await visits.sessions.read_form(request)
        answer = see_other("/")
        visits.sessions.start(request, answer, None)
        return answer

    return router


def command_routes(rollouts: Rollouts, visits: Visits, log: FilteringBoundLogger) -> APIRouter:
    """Return the routes that leave commands."""
    router = APIRouter()

    @router.post("/rollouts/{number:number}/abort")
    async def abort(request: Request, number: int) -> Response:
        return await leave_command(request, number, "abort")

    @router.post("/rollouts/{number:number}/promote")
    async def promote(request: Request, number: int) -> Response:
        return await leave_command(request, number, "promote")

    async def leave_command(request: Request, number: int, name: Literal["abort", "promote"]) -> Response:
        fields = await visits.sessions.read_form(request)
        reason = " ".join(fields.get("reason", "").split())[:MOST_LETTERS]
        if not reason:
            raise HTTPException(400)
        at_any_hour = fields.get("at_any_hour") == "yes"
        said = f"asked for on the dashboard: {reason}"
        try:
            over = (await run_in_threadpool(rollouts.read_snapshot, number)).history.rollout.is_over
            if not over:
                await run_in_threadpool(rollouts.leave_command, number, name, said, at_any_hour=at_any_hour)
        except RolloutError as error:
            raise HTTPException(404) from error
        if over:
            raise HTTPException(409)
        log.info("wish", rollout=number, what=name, reason=reason)
        return see_other(f"/rollouts/{number}")

    return router
