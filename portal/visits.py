"""What routes ask of a request: who is signed in, and whether a form is genuine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from portal.pages import page
from portal.records import Exposure, Subscriber
from portal.sessions import Session, Sessions
from portal.store import Store
from portal.words import phrases

FORM_TOKEN = "form_token"  # noqa: S105 - a field's name


class SignInNeededError(Exception):
    """A page that needs somebody signed in was opened by nobody."""


async def send_to_sign_in(_: Request, __: SignInNeededError) -> Response:
    """Where nobody is signed in, the list of those who could be is the answer."""
    return see_other("/sign-in")


def see_other(path: str) -> RedirectResponse:
    """After a form: the browser gets the page anew, and going back sends nothing twice."""
    return RedirectResponse(path, status_code=303)


class Visits:
    """Reads requests.

    Args:
        store: knows the subscribers.
        sessions: know who is signed in.
    """

    def __init__(self, store: Store, sessions: Sessions) -> None:
        self.store = store
        self.sessions = sessions

    def session(self, request: Request) -> Session:
        """The request's session, which may be nobody's."""
        return self.sessions.read(request)

    async def subscriber(self, request: Request) -> Subscriber:
        """Who is signed in.

        Raises:
            SignInNeededError: nobody is.
        """
        key = self.session(request).subscriber
        found = await run_in_threadpool(self.store.subscriber, key) if key else None
        if found is None:
            raise SignInNeededError
        return found

    async def form(self, request: Request) -> Mapping[str, str]:
        """The fields of a form that one of this session's own pages has sent.

        Raises:
            HTTPException: 403, it does not carry the session's token.
        """
        async with request.form(max_files=0, max_fields=10) as sent:
            fields = {name: value for name, value in sent.items() if isinstance(value, str)}
        if not self.sessions.is_genuine(self.session(request), fields.get(FORM_TOKEN, "")):
            raise HTTPException(403)
        return fields

    async def exposure(self, subscriber: Subscriber, prediction_id: str) -> Exposure:
        """The banner that this prediction put before this subscriber.

        Raises:
            HTTPException: 404, there was none.
        """
        found = await run_in_threadpool(self.store.exposure, prediction_id, subscriber.key)
        if found is None or found.kind != "exposure":
            raise HTTPException(404)
        return found

    def page(self, request: Request, template: str, **values: Any) -> HTMLResponse:
        """A page with forms of this session."""
        token = self.sessions.form_token(self.session(request))
        return page(template, form_token=token, phrases=phrases, **values)
