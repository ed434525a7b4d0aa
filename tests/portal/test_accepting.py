"""Accepting an offer: confirmed, recorded once however often it is clicked, and of the offer that was shown."""

from datetime import timedelta

from support.fake_service import OFFER, FakeService, held_out, with_retention
from support.visiting import NOON, Portal, key_of


def count_of(portal: Portal, kind: str) -> int:
    return sum(each["events"] for each in portal.team_visitor().get("/team/events.json").json() if each["kind"] == kind)


def test_accepting_is_confirmed_and_shows_what_holds_until_when(portal: Portal) -> None:
    visitor = portal.visitor(1)
    banner = visitor.banner()
    asked = visitor.get(f"/offers/{banner}").text
    assert "Accept this offer?" in asked
    assert OFFER["disclosures"][0] in asked
    response = visitor.submit(f"/offers/{banner}")
    assert (response.status_code, response.headers["location"]) == (303, "/")
    page = visitor.get().text
    assert f"Your offer is active: {OFFER['title']}" in page
    assert "It counts for your bills up to May 1, 2027." in page
    assert "$74.50" in page
    assert "data-banner" not in page


def test_opening_the_confirmation_accepts_nothing(portal: Portal) -> None:
    visitor = portal.visitor(1)
    visitor.get(f"/offers/{visitor.banner()}")
    assert count_of(portal, "acceptance") == 0
    assert "data-banner" in visitor.get().text


def test_accepting_twice_and_in_two_tabs_is_recorded_once(portal: Portal) -> None:
    visitor = portal.visitor(1)
    first, second = visitor.banner(), visitor.banner()
    for banner in (first, first, second, second):
        assert visitor.submit(f"/offers/{banner}").status_code == 303
    assert count_of(portal, "exposure") == 2
    assert count_of(portal, "acceptance") == 1


def test_from_then_on_the_service_is_told_when(portal: Portal, service: FakeService) -> None:
    visitor = portal.visitor(1)
    visitor.submit(f"/offers/{visitor.banner()}")
    portal.now += timedelta(days=300)
    portal.visitor(1).get()
    assert service.asked[-1].headers["x-last-offer"] == f"{NOON:%Y-%m-%d}"


def test_when_an_offer_is_over_the_next_one_can_be_accepted(portal: Portal) -> None:
    visitor = portal.visitor(1)
    first = visitor.banner()
    visitor.submit(f"/offers/{first}")
    portal.now += timedelta(days=300)
    visitor = portal.visitor(1)
    visitor.submit(f"/offers/{visitor.banner()}")
    visitor.submit(f"/offers/{first}")
    assert count_of(portal, "acceptance") == 2
    assert "Accepted on September 19, 2027" in visitor.get().text


def test_what_was_shown_is_accepted_whatever_the_form_or_the_service_say_later(
    portal: Portal, service: FakeService
) -> None:
    visitor = portal.visitor(1)
    banner = visitor.banner()
    service.answer = with_retention(offer={**OFFER, "title": "Another", "discount_dollars": 1.0})
    visitor.submit(f"/offers/{banner}", discount_dollars="80", title="Everything free", months="99")
    page = visitor.get().text
    assert OFFER["title"] in page
    assert "$74.50" in page


def test_an_offer_past_its_last_day_is_over(portal: Portal, service: FakeService) -> None:
    service.answer = with_retention(offer={**OFFER, "expires": "2026-11-23"})
    visitor = portal.visitor(1)
    banner = visitor.banner()
    portal.now += timedelta(hours=12)
    visitor = portal.visitor(1)
    visitor.get()
    response = visitor.submit(f"/offers/{banner}")
    assert response.status_code == 410
    assert "This offer is over" in response.text
    assert count_of(portal, "acceptance") == 0


def test_nobody_accepts_what_another_was_shown(portal: Portal) -> None:
    banner = portal.visitor(1).banner()
    other = portal.visitor(2)
    other.get()
    for path in (f"/offers/{banner}", f"/banners/{banner}/dismissal", f"/banners/{banner}/opinion"):
        assert other.submit(path).status_code == 404
    assert other.get(f"/offers/{banner}").status_code == 404
    assert count_of(portal, "acceptance") == 0


def test_nobody_accepts_what_was_not_shown(portal: Portal, service: FakeService) -> None:
    service.answer = held_out()
    visitor = portal.visitor(1)
    visitor.get()
    for prediction in ("one-1", "one-9", key_of(1)):
        assert visitor.submit(f"/offers/{prediction}").status_code == 404


def test_an_offer_that_takes_nothing_off_a_bill_says_itself_when_it_ends(portal: Portal, service: FakeService) -> None:
    service.answer = with_retention(offer={**OFFER, "title": "Support for free", "discount_dollars": 0.0, "months": 0})
    visitor = portal.visitor(1)
    banner = visitor.banner()
    assert "saving" not in visitor.get(f"/offers/{banner}").text
    visitor.submit(f"/offers/{banner}")
    page = visitor.get().text
    assert "Your offer is active: Support for free" in page
    assert "It counts for your bills" not in page
    assert "instead of" not in page
