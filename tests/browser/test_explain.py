"""*Explain this prediction* as the team uses it: with mouse, keyboard and phone, by day and night, without scripts."""

import re
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, Locator, Page, Route, expect
from support.processes import free_port, team_pages
from support.watching import TOKEN

from churn.businesses import find_contract
from churn.client import ChurnClient
from portal.business import load_business
from portal.records import Exposure
from portal.store import Store

pytestmark = pytest.mark.xdist_group("browser")

type Explain = Callable[..., Page]
CONTRACT = find_contract("streamflow")
PHONE = {"viewport": {"width": 320, "height": 640}}
DESK = {"viewport": {"width": 1280, "height": 900}}
CALM = "?tenure=72&contract_type=two-year&num_support_tickets=0"


@pytest.fixture
def explain(visit: Callable[..., Page], team_address: str) -> Explain:
    """Opens the page with a form's values."""

    def open_page(query: str = "", **options: Any) -> Page:
        page = visit(team_address, is_of_team=True, **options)
        page.goto(f"{team_address}/explain{query}")
        return page

    return open_page


def percent(service: str, **changes: Any) -> str:
    """What the service says of the example with these changes."""
    with ChurnClient(service, budget_s=5) as client:
        probability = client.predict(CONTRACT.example() | changes)["churn_probability"]
    return f"{100 * probability:.2f} %"


def verdict(page: Page) -> Locator:
    return page.locator(".verdict")


def slider(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=name)


def number(page: Page, name: str) -> Locator:
    return page.get_by_role("spinbutton", name=name)


def test_a_slider_changes_the_answer_and_what_changed_is_told(explain: Explain, service: str) -> None:
    page = explain()
    expect(verdict(page)).to_contain_text(percent(service))
    slider(page, "Tenure").fill("72")
    expect(verdict(page)).to_contain_text(percent(service, tenure=72))
    expect(number(page, "Tenure")).to_have_value("72")
    expect(page.get_by_role("table", name=re.compile("What changed"))).to_contain_text("14 → 72")
    expect(page.get_by_role("status")).to_contain_text(percent(service, tenure=72))
    assert "tenure=72" in page.url
    page.reload()
    expect(verdict(page)).to_contain_text(percent(service, tenure=72))


def test_everything_can_be_done_with_the_keyboard(explain: Explain, service: str) -> None:
    page = explain()
    number(page, "Tenure").focus()
    page.keyboard.press("Tab")
    expect(slider(page, "Tenure")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(number(page, "Tenure")).to_have_value("119")
    page.get_by_role("combobox", name="Contract type").press("ArrowDown")
    page.get_by_role("switch", name="Senior citizen").press("Space")
    now = percent(service, tenure=119, contract_type="one-year", senior_citizen=True)
    expect(verdict(page)).to_contain_text(now)
    page.get_by_role("link", name="Start afresh").press("Enter")
    expect(number(page, "Tenure")).to_have_value("14")


def test_of_many_quick_changes_the_last_is_answered(explain: Explain, service: str) -> None:
    page = explain()
    slider(page, "Tenure").focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    expect(verdict(page)).to_contain_text(percent(service, tenure=44))


def test_an_older_answer_that_comes_late_is_dropped(explain: Explain, service: str) -> None:
    page, held = explain(), list[Route]()

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/explain/answer*", hold_the_first)
    with page.expect_request("**/explain/answer*"):
        number(page, "Tenure").fill("1")
    number(page, "Tenure").fill("72")
    expect(verdict(page)).to_contain_text(percent(service, tenure=72))
    with suppress(Error):  # the browser has given it up
        held[0].continue_()
    page.wait_for_timeout(100)
    expect(verdict(page)).to_contain_text(percent(service, tenure=72))


def test_what_is_wrong_is_told_at_its_field_until_it_is_right(explain: Explain, service: str) -> None:
    page = explain()
    tenure = number(page, "Tenure")
    tenure.fill("900")
    expect(tenure).to_have_attribute("aria-invalid", "true")
    expect(tenure).to_have_accessible_description(re.compile("tenure must be at most 120, got 900"))
    expect(page.get_by_role("heading", name="The service does not take this")).to_be_visible()
    assert Axe().run(page).violations_count == 0
    tenure.fill("20")
    expect(verdict(page)).to_contain_text(percent(service, tenure=20))
    expect(tenure).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("[data-error-of=tenure]")).to_be_empty()


def test_the_chart_reads_as_a_table_of_every_contribution(explain: Explain, service: str) -> None:
    page = explain()
    with ChurnClient(service, budget_s=5) as client:
        reasons = client.predict(CONTRACT.example(), reasons=len(CONTRACT.features))["top_reasons"]
    table = page.get_by_role("table", name=re.compile("moves the log-odds"))
    headers = table.get_by_role("rowheader")
    expect(headers).to_have_count(len(reasons) + 2)
    for row, reason in enumerate(reasons, start=1):
        expect(headers.nth(row)).to_contain_text(reason["plain_language"])


def test_bars_go_where_their_numbers_say(explain: Explain) -> None:
    page = explain(**DESK)
    before = page.locator(".waterfall tr.end .point").first.bounding_box()
    first = page.locator(".waterfall .bar").first.bounding_box()
    text = page.locator(".waterfall tr:has(.bar) .number").first.inner_text()
    assert before is not None
    assert first is not None
    start = before["x"] + before["width"] / 2
    edge = first["x"] if text.startswith("+") else first["x"] + first["width"]
    assert edge == pytest.approx(start, abs=2)


def test_the_banner_is_shown_as_subscribers_see_it_and_does_nothing(explain: Explain) -> None:
    page = explain()
    expect(page.locator(".preview .banner")).to_be_visible()
    accept = page.locator(".preview .button").first
    assert not accept.evaluate("button => { button.focus(); return button === document.activeElement }")
    accept.click(force=True)
    assert page.url.endswith("/explain")


def test_without_a_banner_the_page_says_why(explain: Explain) -> None:
    page = explain(CALM)
    expect(page.locator(".preview")).to_have_count(0)
    expect(page.get_by_text("No banner: the probability is not above 60 %.")).to_be_visible()


def test_an_opened_answer_stays_open(explain: Explain, service: str) -> None:
    page = explain()
    page.get_by_text("The service's answer as JSON").first.click()
    slider(page, "Tenure").fill("72")
    expect(verdict(page)).to_contain_text(percent(service, tenure=72))
    expect(page.locator("#raw pre")).to_be_visible()
    expect(page.locator("#raw pre")).to_contain_text('"churn_probability"')


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("query", ["", CALM], ids=["banner", "none"])
def test_axe_finds_nothing_and_nothing_runs_over_the_edge(
    explain: Explain, scheme: str, size: dict[str, Any], query: str
) -> None:
    page = explain(query, color_scheme=scheme, **size)
    page.locator("#raw summary").click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_on_a_phone_the_answer_stays_in_sight_while_a_slider_moves(explain: Explain, service: str) -> None:
    page = explain(**PHONE)
    slider(page, "Tenure").fill("72")
    summary = page.locator("[data-shows-summary]")
    expect(summary).to_contain_text(percent(service, tenure=72))
    expect(summary).to_be_in_viewport()


def test_without_scripts_the_form_has_a_button(explain: Explain, service: str) -> None:
    page = explain(java_script_enabled=False)
    expect(page.get_by_role("slider")).to_have_count(0)
    number(page, "Tenure").fill("72")
    page.get_by_role("switch", name="Paperless billing").uncheck()
    page.get_by_role("button", name="Explain").click()
    expect(verdict(page)).to_contain_text(percent(service, tenure=72, paperless_billing=False))
    expect(page.get_by_role("switch", name="Paperless billing")).not_to_be_checked()


def test_a_service_that_is_down_is_told_with_what_to_do(browser: Browser, tmp_path: Path) -> None:
    with team_pages(tmp_path, SERVICE_URL=f"http://127.0.0.1:{free_port()}") as address:
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{address}/explain")
        expect(page.get_by_role("heading", name="No answer from the service")).to_be_visible()
        expect(page.get_by_text("see whether it runs")).to_be_visible()
        assert Axe().run(page).violations_count == 0
        context.close()


def test_who_has_the_token_signs_in_sees_the_counts_and_signs_out(browser: Browser, tmp_path: Path) -> None:
    key = load_business("streamflow").subscribers[0].key
    shown = Exposure("p1", key, "exposure", "treatment", "v1", "v2.3.1", ("tenure.short",), "en", None)
    with closing(Store(tmp_path / "portal" / "portal.sqlite", load_business("streamflow").subscribers)) as store:
        store.record_exposure(shown, datetime.now(UTC))
    own = {"SERVICE_URL": f"http://127.0.0.1:{free_port()}", "PORTAL_TEAM_TOKEN": TOKEN}
    with team_pages(tmp_path, **own) as address, closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(address)
        assert Axe().run(page).violations_count == 0
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Does the banner work?")).to_be_visible()
        expect(page.get_by_role("cell", name="Banner shown")).to_be_visible()
        assert Axe().run(page).violations_count == 0
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_form_whose_session_is_over_leads_to_the_sign_in_page(browser: Browser, service: str, tmp_path: Path) -> None:
    own = {"SERVICE_URL": service, "PORTAL_TEAM_TOKEN": TOKEN}
    with team_pages(tmp_path, **own) as address, closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Explain a prediction").click()
        expect(verdict(page)).to_contain_text(percent(service))
        context.clear_cookies()
        slider(page, "Tenure").fill("72")
        expect(page.get_by_label("Token")).to_be_visible()
