"""A real browser, a real service, and a portal of its own for each test."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from support.demo_bundle import write_demo_bundle
from support.processes import portal, serving, team_pages

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE_MS = 10_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of a module, not of the session: while it is open, no test of the same process could run an event loop."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service with a small model of the demo's process."""
    home = tmp_path_factory.mktemp("service")
    write_demo_bundle(home / "bundle")
    with serving(home, "serve", MODEL_PATH=home / "bundle") as (address, _):
        yield address


@pytest.fixture
def address(service: str, tmp_path: Path) -> Iterator[str]:
    """The address of a portal that has seen nobody yet. Its budget is wide: how fast it is, is not tested here."""
    with portal(tmp_path, SERVICE_URL=service, SERVICE_BUDGET_MS=5000) as running:
        yield running


@pytest.fixture
def team_address(service: str, tmp_path: Path) -> Iterator[str]:
    """The address of the pages for the team, beside the portal of the same test."""
    with team_pages(tmp_path, SERVICE_URL=service) as running:
        yield running


type Visit = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens the portal in a browser of its own, signed in as a demo subscriber; nothing may be wrong in its console."""
    contexts, complaints = [], []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def open_page(address: str, number: int | None = None, *, is_of_team: bool = False, **options: Any) -> Page:
        context = browser.new_context(locale="en-US", **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if is_of_team:
            return page
        page.goto(f"{address}/sign-in")
        if number is not None:
            page.get_by_role("button", name=f"Demo subscriber {number}:").click()
            page.wait_for_url(f"{address}/")  # a click does not wait for the page that it leads to
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
