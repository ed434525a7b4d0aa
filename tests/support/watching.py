"""The dashboard in process, and browsers without scripts that look at it."""

import asyncio
import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import structlog
from structlog.testing import LogCapture

from churn.dashboard.app import create_app
from churn.dashboard.routes.service import DashboardConfig

TOKEN = "a token that nobody guesses"  # noqa: S105 - a test's own
FORM_TOKEN = re.compile(r'name="form_token" value="(\w+)"')


class Dashboard:
    """A dashboard of a home, asked as a browser without scripts would; it follows no redirects."""

    def __init__(self, home: Path, *, token: str | None = None, **watched: Any) -> None:
        self.capture = LogCapture()
        log = structlog.wrap_logger(
            None, processors=[self.capture], wrapper_class=structlog.make_filtering_bound_logger("info")
        )
        champion = home / "bundles" / "streamflow" / "champion"
        self.app = create_app(
            DashboardConfig(home=home, contract="streamflow", champion=champion, token=token, **watched), log
        )
        self.runner = asyncio.Runner()
        self._lifespan = self.app.router.lifespan_context(self.app)
        self.runner.run(self._lifespan.__aenter__())
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://dashboard", trust_env=False)

    def close(self) -> None:
        self.runner.run(self._lifespan.__aexit__(None, None, None))
        self.runner.close()

    def request(self, method: str, path: str, **what: Any) -> httpx2.Response:
        return self.runner.run(self.client.request(method, path, **what))

    def get(self, path: str = "/", **what: Any) -> httpx2.Response:
        return self.request("GET", path, **what)

    def page(self, path: str = "/") -> str:
        """A page that is there."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def sign_in(self, token: str = TOKEN) -> httpx2.Response:
        return self.request("POST", "/sign-in", data={"token": token})

    def submit(self, path: str, *, of: str, **fields: str) -> httpx2.Response:
        """Sends a form of a page."""
        found = FORM_TOKEN.search(self.page(of))
        assert found is not None, f"{of} has no form"
        return self.request("POST", path, data={"form_token": found[1], **fields})


type Open = Callable[..., Dashboard]


def words(page: str) -> str:
    """What can be read on a page."""
    page = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())
