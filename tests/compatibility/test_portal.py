"""The portal remembers what its subscribers did while an earlier version ran."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from support.earlier import earlier_json
from support.fake_service import OFFER, fake_service
from support.visiting import NOON, Portal, key_of

from portal.business import load_business
from portal.store import Store


@pytest.fixture
def portal(own_home: Path) -> Iterator[Portal]:
    with fake_service() as service, Portal(own_home, service.address, service_budget_ms=5000) as made:
        made.now = NOON + timedelta(days=10)
        yield made


def test_the_counts_of_all_events_are_as_they_were(portal: Portal) -> None:
    assert portal.team_visitor().get("/team/events.json").json() == earlier_json("expected/portal_counts.json")


def test_an_accepted_offer_is_still_active(portal: Portal) -> None:
    page = portal.visitor(1).get().text
    assert f"Your offer is active: {OFFER['title']}" in page
    assert "data-banner" not in page


def test_who_turned_offers_off_is_shown_none(portal: Portal) -> None:
    assert "data-banner" not in portal.visitor(3).get().text


def test_somebody_else_is_shown_a_banner(portal: Portal) -> None:
    assert "data-banner" in portal.visitor(7).get().text


def test_the_history_of_each_subscriber_is_read(own_home: Path) -> None:
    with closing(Store(own_home / "portal" / "portal.sqlite", load_business("streamflow").subscribers)) as store:
        first, second, sixth = (store.read_history(key_of(number)) for number in (1, 2, 6))
    assert (first.opinion_on, first.dismissed_on) == (date(2026, 11, 23), None)
    assert first.accepted is not None
    assert (first.accepted.offer, first.accepted.language) == (OFFER, "en")
    assert (first.accepted.accepted_on, first.accepted.active_until) == (date(2026, 11, 24), date(2027, 5, 1))
    assert (second.dismissed_on, second.accepted) == (date(2026, 11, 25), None)
    assert (sixth.opinion_on, sixth.accepted) == (date(2026, 11, 30), None)
