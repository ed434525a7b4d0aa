"""The dashboard in a real browser: by day and night, on a phone, without scripts, by keyboard, and while it changes."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect
from support.processes import free_port, serving, succeed
from support.shadowed import answers, write_shadowed
from support.watching import TOKEN

from churn.model.bundle import Bundle
from churn.prediction_log.places import locate_log
from churn.rollout.state import Event
from churn.rollout.store import RolloutStore
from demo.leaving import SALT, simulate
from demo.simulated_rollouts import SERVICE, write_demo

pytestmark = pytest.mark.xdist_group("browser")

DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 320, "height": 640}}
PAGES = ["/", "/rollouts/2", "/shadow", "/service", "/drift", "/outcomes", "/models"]

type Open = Callable[..., Page]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Bundle]) -> Path:
    home = tmp_path_factory.mktemp("dashboard")
    write_demo(home, every_s=4 * 3600)
    path, _ = simulate(home, effect=-0.2, subscribers=8000)
    write_shadowed(locate_log(None, "streamflow", home=home), bundles["streamflow"], answers(bundles["streamflow"]))
    succeed(home, "outcomes", "import", path, PREDICTION_LOG_SALT=SALT)
    return home


@pytest.fixture(scope="module")
def dashboard(home: Path) -> Iterator[str]:
    """The address of a dashboard whose service does not run."""
    port = free_port()
    settings = {"DASHBOARD_PORT": port, "DASHBOARD_TOKEN": TOKEN, "PORT": free_port()}
    with serving(home, "dashboard", **settings):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def session(dashboard: str) -> str:
    """The cookie of somebody who has signed in."""
    answer = httpx2.post(f"{dashboard}/sign-in", data={"token": TOKEN}, trust_env=False)
    return answer.cookies["dashboard_session"]


@pytest.fixture
def look(browser: Browser, dashboard: str, session: str) -> Iterator[Open]:
    """Opens a page, signed in by default; nothing may be wrong in its console, and nobody else may be asked."""
    contexts, complaints = [], []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def require_own(request: Request) -> None:
        if not request.url.startswith((dashboard, "data:", "file:")):
            complaints.append(f"asked {request.url}")

    def open_page(path: str = "/", *, signed_in: bool = True, **options: Any) -> Page:
        context = browser.new_context(locale="en-US", **{**DESK, **options})
        if signed_in:
            context.add_cookies([{"name": "dashboard_session", "value": session, "url": dashboard}])
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", require_own)
        page.goto(path if path.startswith("file:") else dashboard + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_accessible(look: Open, path: str) -> None:
    assert violations(look(path)) == []


@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_a_narrow_phone_by_night(look: Open, path: str) -> None:
    page = look(path, color_scheme="dark", **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert violations(page) == []


def test_a_chart_is_drawn_in_the_colours_of_the_scheme(look: Open) -> None:
    colours = set()
    for scheme in ("light", "dark"):
        drawing = look("/rollouts/2", color_scheme=scheme).locator("#check-1 svg")
        expect(drawing).to_be_visible()
        box = drawing.bounding_box()
        assert box is not None
        assert box["height"] > 100
        band = drawing.locator("path[fill='var(--band)']").first
        colours.add(band.evaluate("mark => getComputedStyle(mark).fill"))
    assert len(colours) == 2


def test_a_chart_says_what_it_shows_and_is_a_table_too_by_keyboard_alone(look: Open) -> None:
    page = look("/rollouts/2")
    expect(page.get_by_role("img", name="Error share.")).to_be_visible()
    summary = page.locator("#check-1 summary")
    summary.focus()
    page.keyboard.press("Enter")
    table = page.get_by_role("table", name="Error share")
    expect(table).to_be_visible()
    expect(table.get_by_role("columnheader")).to_have_text(["Look (UTC)", "Share", "From", "To", "Observed"])


def test_the_pointer_is_told_what_a_mark_means(look: Open) -> None:
    page = look("/rollouts/2")
    page.locator("#scores [data-tip]:visible").first.hover()
    expect(page.locator(".tip")).to_contain_text("stable:")


def test_without_scripts_everything_can_be_read(look: Open) -> None:
    page = look("/rollouts/2", java_script_enabled=False)
    expect(page.get_by_role("heading", name="Checks")).to_be_visible()
    page.locator("#check-1 summary").click()
    expect(page.locator("#check-1 table")).to_be_visible()


def test_what_happens_appears_by_itself_and_leaves_an_open_table_open(look: Open, home: Path) -> None:
    page = look("/rollouts/3")
    page.locator("#check-2 summary").click()
    page.locator("h1").click()  # away from what is to be renewed
    page.evaluate("document.activeElement.blur()")
    with closing(RolloutStore(home)) as store:
        live = store.find_live(SERVICE)
        assert live is not None
        at = store.list_events(live.number)[-1].at
        store.save(live, Event(at, "routing", live.state, live.step, live.weight_percent, "the router was restarted"))
    expect(page.get_by_text("the router was restarted")).to_be_visible(timeout=15_000)
    expect(page.locator("#check-2 table")).to_be_visible()


def test_updates_can_be_paused(look: Open) -> None:
    page = look("/")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_have_text("Paused")
    expect(page.get_by_role("button", name="Go on")).to_be_visible()


def test_whoever_has_the_token_may_abort_and_the_page_says_that_it_was_asked_for(look: Open, home: Path) -> None:
    page = look("/", signed_in=False)
    assert violations(page) == []
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.locator("h2.title a").click()
    page.get_by_text("Abort", exact=True).click()
    assert violations(page) == []
    page.get_by_label("Why").last.fill("calls are rising")
    page.get_by_role("button", name="Send everything back").click()
    expect(page.get_by_text("calls are rising")).to_be_visible()
    with closing(RolloutStore(home)) as store:
        command = store.find_command(3)
    assert command is not None
    assert command.what == "abort"


def test_a_mailed_report_opens_from_a_file_and_looks_like_the_page(look: Open, dashboard: str, tmp_path: Path) -> None:
    page = look("/rollouts/2")
    with page.expect_download() as download:
        page.get_by_role("link", name="Report to mail").click()
    path = tmp_path / "report.html"
    download.value.save_as(path)
    report = look(path.as_uri(), color_scheme="dark")
    expect(report.locator("#check-1 svg")).to_be_visible()
    assert violations(report) == []
    assert dashboard not in path.read_text(encoding="utf-8")


def test_a_page_whose_session_is_over_leads_to_the_sign_in_page_and_is_not_called_live(look: Open) -> None:
    page = look("/")
    page.context.clear_cookies()
    expect(page.get_by_label("Token")).to_be_visible(timeout=20_000)  # it looks every five seconds
