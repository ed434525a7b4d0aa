"""The portal and its team's pages in process, and their browsers: each has its cookies, and sends the forms it sees."""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import httpx2
import structlog
from fastapi import FastAPI
from structlog.testing import LogCapture

from portal.app import create_app
from portal.business import load_business
from portal.settings import PortalSettings
from portal.team import create_team_app

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKEN = re.compile(r'name="form_token" value="(\w+)"')
BANNER = re.compile(r"/banners/([\w-]+)/dismissal")


class Portal:
    """A portal with a store in a folder, asking the service at an address; its clock stands until a test moves it."""

    def __init__(self, home: Path, service_url: str, **settings: Any) -> None:
        self.now = NOON
        self.capture = LogCapture()
        wrapper = structlog.make_filtering_bound_logger("info")
        log = structlog.wrap_logger(None, processors=[self.capture], wrapper_class=wrapper)
        self.settings = PortalSettings(churn_home=home, service_url=service_url, **settings)
        self.app = create_app(self.settings, now=lambda: self.now, log=log)
        self.team_app = create_team_app(self.settings, log)
        self.runner = asyncio.Runner()
        self._lifespans = [app.router.lifespan_context(app) for app in (self.app, self.team_app)]

    def __enter__(self) -> Self:
        for lifespan in self._lifespans:
            self.runner.run(lifespan.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        for lifespan in self._lifespans:
            self.runner.run(lifespan.__aexit__(None, None, None))
        self.runner.close()

    def visitor(self, number: int | None = None) -> "Visitor":
        """A browser; signed in as the demo's subscriber of that number."""
        visitor = Visitor(self)
        if number is not None:
            visitor.get("/sign-in")
            visitor.submit("/sign-in", subscriber=key_of(number))
        return visitor

    def team_visitor(self) -> "Visitor":
        """A browser at the team's pages."""
        return Visitor(self, self.team_app)

    def said(self, event: str) -> list[Any]:
        """The lines of the log of this event."""
        return [line for line in self.capture.entries if line["event"] == event]


class Visitor:
    """A browser without scripts. It follows no redirects by itself."""

    def __init__(self, portal: Portal, app: FastAPI | None = None) -> None:
        self.portal = portal
        transport = httpx2.ASGITransport(app or portal.app, raise_app_exceptions=False)
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://portal", trust_env=False)
        self.token = ""

    def request(self, method: str, path: str, **what: Any) -> httpx2.Response:
        response = self.portal.runner.run(self.client.request(method, path, **what))
        if found := TOKEN.search(response.text):
            self.token = found[1]
        return response

    def get(self, path: str = "/", **what: Any) -> httpx2.Response:
        return self.request("GET", path, **what)

    def submit(self, path: str, **fields: str) -> httpx2.Response:
        """Sends a form of the page seen last."""
        return self.request("POST", path, data={"form_token": self.token, **fields})

    def banner(self) -> str:
        """Opens the page, on which there is a banner, and gives the banner's prediction id."""
        found = BANNER.search(self.get().text)
        assert found is not None
        return found[1]


def key_of(number: int) -> str:
    return load_business("streamflow").subscribers[number - 1].key
