"""Counts what happened by arm, for the product manager: does the banner work?"""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from churn.web.pages import Pages
from churn.web.visits import Visits
from portal.store import Store

# In the order in which they happen.
KINDS = {
    "exposure": "Banner shown",
    "nothing_to_show": "Nothing to show",
    "holdout": "Held out, shown nothing",
    "helpful": "Found it helpful",
    "not_helpful": "Found it not helpful",
    "dismissal": "Dismissed it",
    "opt_out": "Turned offers off",
    "acceptance": "Accepted the offer",
}


def event_routes(store: Store, visits: Visits, pages: Pages) -> APIRouter:
    """Return the page of counts, and the counts themselves."""
    router = APIRouter()

    @router.get("/team/events")
    async def show(request: Request) -> Response:
        counts = await run_in_threadpool(store.count_events)
        order = list(KINDS)
        counts.sort(key=lambda count: (count["policy_version"], count["arm"], order.index(count["kind"])))
        return pages.build_page("events.html", visit=visits.read(request), counts=counts, kinds=KINDS)

    @router.get("/team/events.json")
    async def counts() -> Response:
        return JSONResponse(await run_in_threadpool(store.count_events))

    return router


def add_event_counts(machines: APIRouter, store: Store) -> None:
    """Let machines read the counts."""

    @machines.get("/events")
    async def counts() -> Response:
        return JSONResponse(await run_in_threadpool(store.count_events))
