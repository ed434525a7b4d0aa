"""Manage Subscription as subscribers meet it: by mouse and keyboard, by day and night, with and without scripts."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from support.processes import free_port, portal

from churn.client import ChurnClient
from portal.business import load_business
from portal.store import Store

pytestmark = pytest.mark.xdist_group("browser")

type Visit = Callable[..., Page]
HIGH, LOW, HELD_OUT = 1, 11, 9
PHONE = {"viewport": {"width": 320, "height": 640}}


def banner(page: Page) -> Any:
    return page.locator("[data-banner]")


def accept(page: Page) -> None:
    page.get_by_role("button", name="Accept offer").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes, accept").click()


type Events = Callable[[], dict[str, int]]


@pytest.fixture
def events(tmp_path: Path) -> Events:
    """How often each kind of event has happened."""

    def count_events() -> dict[str, int]:
        with closing(Store(tmp_path / "portal" / "portal.sqlite", ())) as store:
            return {count["kind"]: count["events"] for count in store.count_events()}

    return count_events


def test_at_high_risk_the_banner_shows_the_services_own_verified_reasons(
    visit: Visit, address: str, service: str
) -> None:
    page = visit(address, HIGH)
    subscriber = load_business("streamflow").subscribers[HIGH - 1]
    with ChurnClient(service, budget_s=5) as client:
        retention = client.predict(subscriber.facts, subscriber_key=subscriber.key)["retention"]
    assert retention is not None
    assert retention["offer"] is not None
    expect(banner(page).get_by_role("heading", level=2).first).to_have_text(retention["headline"] or "")
    expect(banner(page).locator(".reasons li")).to_have_text([reason["text"] for reason in retention["reasons"]])
    expect(banner(page).locator(".offer .offer-title")).to_have_text(retention["offer"]["title"])
    expect(banner(page)).to_contain_text("3 support tickets")
    assert "senior" not in banner(page).locator(".banner-main").inner_text().lower()


@pytest.mark.parametrize(("number", "recorded"), [(LOW, {}), (HELD_OUT, {"holdout": 1})], ids=["low risk", "holdout"])
def test_some_see_their_page_without_banner(
    visit: Visit, address: str, number: int, recorded: dict[str, int], events: Events
) -> None:
    page = visit(address, number)
    expect(page.get_by_role("heading", name="Your next bill")).to_be_visible()
    expect(banner(page)).to_have_count(0)
    assert events() == recorded


def test_accepting_in_two_tabs_is_recorded_once(visit: Visit, address: str, events: Events) -> None:
    first = visit(address, HIGH)
    second = first.context.new_page()
    second.goto(address)
    for page in (first, second):
        accept(page)
        expect(page.get_by_role("heading", name="Your offer is active")).to_be_visible()
    assert events()["acceptance"] == 1
    second.reload()
    expect(banner(second)).to_have_count(0)


def test_not_now_accepts_nothing(visit: Visit, address: str, events: Events) -> None:
    page = visit(address, HIGH)
    page.get_by_role("button", name="Accept offer").click()
    page.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(banner(page)).to_be_visible()
    assert "acceptance" not in events()


def test_a_dismissed_banner_goes_without_a_new_page_and_stays_away(visit: Visit, address: str, events: Events) -> None:
    page = visit(address, HIGH)
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_role("status")).to_have_text("Dismissed. It stays away for 30 days.")
    expect(banner(page)).to_have_count(0)
    page.reload()
    expect(banner(page)).to_have_count(0)
    assert events()["dismissal"] == 1


def test_an_opinion_is_thanked_for(visit: Visit, address: str, events: Events) -> None:
    page = visit(address, HIGH)
    page.get_by_role("button", name="Yes", exact=True).click()
    expect(page.get_by_text("Thank you, noted.")).to_be_focused()
    assert events()["helpful"] == 1


def test_without_scripts_all_of_it_works(visit: Visit, address: str) -> None:
    page = visit(address, HIGH, java_script_enabled=False)
    with page.expect_navigation():
        page.get_by_role("button", name="No", exact=True).click()
    expect(page.get_by_text("Was this helpful?")).to_have_count(0)
    page.get_by_role("button", name="Accept offer").click()
    expect(page.get_by_role("heading", name="Accept this offer?")).to_be_visible()
    page.get_by_role("button", name="Yes, accept").click()
    expect(page.get_by_role("heading", name="Your offer is active")).to_be_visible()
    other = visit(address, 4, java_script_enabled=False)
    other.get_by_text("Why am I seeing this?").click()
    other.get_by_role("button", name="Turn offers off").click()
    expect(other.get_by_text("Offers are turned off.")).to_be_visible()
    third = visit(address, 2, java_script_enabled=False)
    with third.expect_navigation():
        third.get_by_role("button", name="Dismiss").click()
    expect(banner(third)).to_have_count(0)


def test_with_the_service_down_the_page_comes_without_banner(visit: Visit, tmp_path: Path) -> None:
    with portal(tmp_path, SERVICE_URL=f"http://127.0.0.1:{free_port()}") as address:
        page = visit(address, HIGH)
        expect(page.get_by_role("heading", name="Your next bill")).to_be_visible()
        expect(banner(page)).to_have_count(0)


def test_with_the_keyboard_alone_an_offer_is_found_asked_about_and_accepted(visit: Visit, address: str) -> None:
    page = visit(address, HIGH)

    def tab_to(name: str) -> None:
        for _ in range(20):
            page.keyboard.press("Tab")
            focused = page.locator(":focus")
            if name in (focused.get_attribute("aria-label") or focused.inner_text()):
                outline = focused.evaluate("element => getComputedStyle(element).outlineStyle")
                assert outline == "solid", f"one does not see where {name} is"
                return
        raise AssertionError(name)

    tab_to("Skip to content")
    tab_to("Dismiss")
    tab_to("Accept offer")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Accept offer")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("button", name="Yes, accept")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your offer is active")).to_be_visible()


@pytest.mark.parametrize(
    "options",
    [{}, {"color_scheme": "dark"}, PHONE | {"color_scheme": "light"}],
    ids=["by day", "by night", "on a small phone"],
)
def test_every_state_is_accessible_and_fits_the_screen(visit: Visit, address: str, options: dict[str, Any]) -> None:
    page = visit(address, **options)

    def check(state: str, heading: str) -> None:
        page.get_by_role("heading", name=heading).first.wait_for()
        page.wait_for_load_state()
        results = Axe().run(page)
        assert results.violations_count == 0, f"{state}: {results.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{state} is {wide} pixels too wide"

    check("sign in", "Who would you like to be?")
    page.get_by_role("button", name=f"Demo subscriber {HIGH}:").click()
    check("banner", "Manage Subscription")
    page.get_by_text("Why am I seeing this?").click()
    check("why", "Manage Subscription")
    page.get_by_role("button", name="Yes", exact=True).click()
    page.get_by_text("Thank you, noted.").wait_for()
    page.get_by_role("button", name="Accept offer").click()
    check("dialog", "Accept this offer?")
    page.goto(address + (page.get_by_role("dialog").locator("form").first.get_attribute("action") or ""))
    check("confirmation", "Accept this offer?")
    page.get_by_role("button", name="Yes, accept").click()
    check("active offer", "Your offer is active")


def test_the_page_is_dark_by_night(visit: Visit, address: str) -> None:
    def brightness(scheme: str) -> int:
        page = visit(address, color_scheme=scheme)
        colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))

    assert brightness("dark") < 150
    assert brightness("light") > 600
