"""What needs the token: to leave a command to the controller of a rollout."""

from typing import Literal

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from structlog.typing import FilteringBoundLogger

from churn.dashboard.rollouts import Rollouts
from churn.errors import RolloutError
from churn.web.sessions import see_other
from churn.web.visits import Visits

MOST_LETTERS = 200


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
        who = visits.find_person(request)
        said = f"asked for on the dashboard{f' by {who}' if who else ''}: {reason}"
        try:
            over = (await run_in_threadpool(rollouts.read_snapshot, number)).history.rollout.is_over
            if not over:
                await run_in_threadpool(rollouts.leave_command, number, name, said, at_any_hour=at_any_hour)
        except RolloutError as error:
            raise HTTPException(404) from error
        if over:
            raise HTTPException(409)
        log.info("wish", rollout=number, what=name, reason=reason, who=who)
        return see_other(f"/rollouts/{number}")

    return router
