"""What routes ask of a request: who is signed in, and whether a form is genuine."""

from typing import Any

from fastapi import HTTPException, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from churn.web.ended import EndedSessions
from churn.web.pages import Pages
from churn.web.sessions import Sessions, SignInNeededError
from portal.records import DemoSubscriber, Exposure
from portal.store import Store


class SubscriberSessions(Sessions):
    """Sessions of subscribers; the key signs the cookie."""

    def __init__(self, key: str, store: Store, pages: Pages, ended: EndedSessions, *, secure: bool) -> None:
        super().__init__(key.encode(), name="portal", same_site="lax", ended=ended, secure=secure)
        self.store = store
        self.pages = pages

    async def require_subscriber(self, request: Request) -> DemoSubscriber:
        """Return the subscriber who is signed in; raise `SignInNeededError` if nobody is."""
        key = self.read(request).user
        subscriber = await run_in_threadpool(self.store.find_subscriber, key) if key else None
        if subscriber is None:
            raise SignInNeededError
        return subscriber

    async def require_exposure(self, subscriber: DemoSubscriber, prediction_id: str) -> Exposure:
        """Return the banner that this prediction put before this subscriber; raise 404 if there was none."""
        exposure = await run_in_threadpool(self.store.find_exposure, prediction_id, subscriber.key)
        if exposure is None or exposure.kind != "exposure":
            raise HTTPException(404)
        return exposure

    async def read_response(self, request: Request, prediction_id: str) -> tuple[Exposure, dict[str, str]]:
        """Return the banner that a form responds to, and the form's fields."""
        subscriber = await self.require_subscriber(request)
        form = await self.read_form(request)
        return await self.require_exposure(subscriber, prediction_id), form

    def build_page(self, request: Request, template: str, **values: Any) -> HTMLResponse:
        """Return a page with forms of this session."""
        return self.pages.build_page(template, form_token=self.make_form_token(self.read(request)), **values)
