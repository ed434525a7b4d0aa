"""Manage Subscription: who sees a banner, what it says, and what is recorded of it."""

from datetime import timedelta
from typing import Any

import pytest
from support.fake_service import LOW, OFFER, FakeService, held_out, with_retention
from support.visiting import Portal, key_of

HEADLINE = "A better price for you"


def events(portal: Portal) -> list[tuple[str, int]]:
    response = portal.team_visitor().get("/team/events.json")
    return sorted((each["kind"], each["events"]) for each in response.json())


def test_nobody_signed_in_is_sent_to_sign_in(portal: Portal) -> None:
    response = portal.visitor().get()
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in")


def test_everybody_of_the_demo_sees_their_page(portal: Portal, service: FakeService) -> None:
    service.answer = LOW
    for number in range(1, 13):
        assert "Your next bill" in portal.visitor(number).get().text


def test_at_high_risk_the_banner_says_what_the_service_says(portal: Portal) -> None:
    page = portal.visitor(1).get().text
    for text in (HEADLINE, "You renew every month.", OFFER["title"], *OFFER["disclosures"]):
        assert text in page
    assert "$15.00 off each of your next 6 bills: $90.00 in all." in page
    assert "Accept by December 31, 2099." in page
    assert events(portal) == [("exposure", 1)]


def test_the_service_is_asked_with_the_facts_the_key_and_the_language(portal: Portal, service: FakeService) -> None:
    portal.visitor(1).get(headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.8"})
    asked = service.asked[0]
    assert asked.headers["x-subscriber-key"] == key_of(1)
    assert asked.headers["accept-language"] == "de"
    assert "x-last-offer" not in asked.headers
    assert asked.facts["tenure"] == 14


def test_a_german_banner_is_german_all_through(portal: Portal, service: FakeService) -> None:
    service.answer = with_retention(language="de", headline="Ein besserer Preis")
    page = portal.visitor(1).get().text
    assert 'lang="de"' in page
    assert "Angebot annehmen" in page
    assert "Annehmen bis 31. Dezember 2099." in page


def test_a_banner_in_a_language_the_portal_does_not_speak_has_english_buttons(
    portal: Portal, service: FakeService
) -> None:
    service.answer = with_retention(language="fi")
    assert "Accept offer" in portal.visitor(1).get().text


@pytest.mark.parametrize(
    ("answer", "recorded"),
    [
        (LOW, []),
        (held_out(), [("holdout", 1)]),
        (with_retention(headline=None), [("nothing_to_show", 1)]),
    ],
    ids=["low risk", "holdout", "no reason that holds"],
)
def test_some_see_no_banner(portal: Portal, service: FakeService, answer: Any, recorded: list[Any]) -> None:
    service.answer = answer
    assert "data-banner" not in portal.visitor(1).get().text
    assert events(portal) == recorded


def test_what_a_holdout_would_have_seen_is_not_shown_even_if_the_service_sends_it(
    portal: Portal, service: FakeService
) -> None:
    service.answer = with_retention(arm="holdout")
    page = portal.visitor(1).get().text
    assert HEADLINE not in page
    assert OFFER["title"] not in page
    assert events(portal) == [("holdout", 1)]


def test_the_disclosures_are_not_repeated_by_the_last_day(portal: Portal, service: FakeService) -> None:
    service.answer = with_retention(offer={**OFFER, "disclosures": ["You can accept until December 31, 2099."]})
    assert "Accept by" not in portal.visitor(1).get().text


def test_a_banner_without_an_offer_has_nothing_to_accept(portal: Portal, service: FakeService) -> None:
    service.answer = with_retention(offer=None)
    visitor = portal.visitor(1)
    banner = visitor.banner()
    assert "Accept offer" not in visitor.get().text
    assert visitor.get(f"/offers/{banner}").status_code == 404
    assert visitor.submit(f"/offers/{banner}").status_code == 404


def test_a_dismissed_banner_stays_away_for_thirty_days(portal: Portal) -> None:
    visitor = portal.visitor(1)
    response = visitor.submit(f"/banners/{visitor.banner()}/dismissal")
    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert HEADLINE not in visitor.get().text
    portal.now += timedelta(days=29)
    assert HEADLINE not in portal.visitor(1).get().text
    portal.now += timedelta(days=1)
    assert HEADLINE in portal.visitor(1).get().text
    assert events(portal) == [("dismissal", 1), ("exposure", 2)]


def test_a_script_that_dismisses_gets_no_page(portal: Portal) -> None:
    visitor = portal.visitor(1)
    path = f"/banners/{visitor.banner()}/dismissal"
    form = {"form_token": visitor.token}
    assert visitor.request("POST", path, data=form, headers={"Accept": "application/json"}).status_code == 204
    assert HEADLINE not in visitor.get().text


@pytest.mark.parametrize(("answer", "kind"), [("yes", "helpful"), ("no", "not_helpful")])
def test_an_opinion_is_recorded_once_and_not_asked_for_again(portal: Portal, answer: str, kind: str) -> None:
    visitor = portal.visitor(1)
    banner = visitor.banner()
    for each in (answer, "yes", "no"):
        visitor.submit(f"/banners/{banner}/opinion", helpful=each)
    page = visitor.get().text
    assert HEADLINE in page
    assert "Was this helpful?" not in page
    assert (kind, 1) in events(portal)
    assert len(events(portal)) == 2


def test_who_turns_offers_off_is_not_looked_at_until_they_turn_them_on(portal: Portal, service: FakeService) -> None:
    visitor = portal.visitor(1)
    visitor.submit(f"/banners/{visitor.banner()}/opt-out")
    asked = len(service.asked)
    assert "Offers are turned off" in visitor.get().text
    assert len(service.asked) == asked
    assert ("opt_out", 1) in events(portal)
    visitor.submit("/offers-wanted")
    assert HEADLINE in visitor.get().text


def test_facts_are_worded_for_the_subscriber(portal: Portal, service: FakeService) -> None:
    service.answer = LOW
    page = portal.visitor(1).get().text
    for text in ("StreamFlow Fiber", "Month to month", "September 2025, 14 months", "Electronic check", "$1,253.00"):
        assert text in page
    assert "December 1, 2026" in page
    assert "risk" not in page.lower()
    assert "churn" not in page.lower()
