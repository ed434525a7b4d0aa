"""Signing in as a demo subscriber, and out. There is no password: this is a demonstration."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from portal.pages import page
from portal.visits import Visits, see_other


def signing_in(visits: Visits) -> APIRouter:
    """The routes for it."""
    router = APIRouter()
    sessions, store = visits.sessions, visits.store

    @router.get("/sign-in")
    async def choose(request: Request) -> Response:
        session = visits.session(request)
        subscribers = await run_in_threadpool(store.subscribers)
        response = page(
            "sign_in.html",
            subscribers=subscribers,
            form_token=sessions.form_token(session),
            signed_in=session.subscriber,
        )
        sessions.keep(response, session, secure=_secure(request))
        return response

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        fields = await visits.form(request)
        if await run_in_threadpool(store.subscriber, fields.get("subscriber", "")) is None:
            raise HTTPException(404)
        return _begin(request, fields["subscriber"], "/")

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        await visits.form(request)
        return _begin(request, None, "/sign-in")

    def _begin(request: Request, subscriber: str | None, path: str) -> Response:
        response = see_other(path)
        sessions.start(response, subscriber, secure=_secure(request))
        return response

    return router


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"
