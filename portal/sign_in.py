"""Signs in as a demo subscriber, and out. There is no password: this is a demonstration."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from churn.web.sessions import see_other
from portal.pages import build_page
from portal.sessions import SubscriberSessions


def sign_in_routes(sessions: SubscriberSessions) -> APIRouter:
    """Return the routes of signing in and out."""
    router = APIRouter()
    store = sessions.store

    @router.get("/sign-in")
    async def choose(request: Request) -> Response:
        session = sessions.read(request)
        response = build_page(
            "sign_in.html",
            subscribers=await run_in_threadpool(store.list_subscribers),
            form_token=sessions.make_form_token(session),
            signed_in=session.user,
        )
        sessions.keep(request, response, session)
        return response

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        fields = await sessions.read_form(request)
        if await run_in_threadpool(store.find_subscriber, fields.get("subscriber", "")) is None:
            raise HTTPException(404)
        return start(request, fields["subscriber"], "/")

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        await sessions.read_form(request)
        return start(request, None, "/sign-in")

    def start(request: Request, subscriber: str | None, path: str) -> Response:
        response = see_other(path)
        sessions.start(request, response, subscriber)
        return response

    return router
