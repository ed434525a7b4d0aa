"""What the portal kept too long goes, and neither an offer nor the experiment is broken by that."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from support.fake_service import OFFER

from churn.retention.offers.document import Cooldown
from churn.web.patience import Clock
from portal.business import load_business
from portal.records import Exposure
from portal.retention import LONGEST_COOLDOWN_DAYS, remove_old
from portal.store import Store

ANN, BOB = (who.key for who in load_business("streamflow").subscribers[:2])
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "portal.sqlite", load_business("streamflow").subscribers)) as made:
        yield made


def show(store: Store, number: int, subscriber: str, day: int) -> Exposure:
    shown = Exposure(f"p{number}", subscriber, "exposure", "treatment", "v1", "v2", ("tenure.short",), "en", OFFER)
    store.record_exposure(shown, BEGIN + timedelta(days=day))
    return shown


def remove(store: Store, day: int) -> int:
    return store.remove_before(BEGIN + timedelta(days=day), accepted_before=date(2026, 1, 1))


def test_counts_stay_when_rows_go(store: Store) -> None:
    for number, (subscriber, day) in enumerate([(ANN, 0), (ANN, 1), (BOB, 0), (ANN, 50), (BOB, 60)]):
        show(store, number, subscriber, day)
    store.record_response(show(store, 9, BOB, 2), "dismissal", BEGIN + timedelta(days=3))
    before = store.count_events()
    for day, removed in [(1, 2), (10, 2), (10, 0), (55, 1), (90, 1)]:
        assert remove(store, day) == removed
        assert store.count_events() == before
    assert store.export_subscriber(BOB)["exposures"] == store.export_subscriber(ANN)["responses"] == []


def test_the_last_acceptance_stays_for_the_longest_cooldown_that_a_policy_can_have(store: Store) -> None:
    store.accept_offer(show(store, 1, ANN, 0), BEGIN, active_until=date(2026, 6, 1))
    show(store, 2, ANN, 0)
    assert remove(store, 900) == 1
    accepted = store.read_history(ANN).accepted
    assert accepted is not None
    assert accepted.accepted_on == BEGIN.date()
    assert any(getattr(rule, "le", 0) == LONGEST_COOLDOWN_DAYS for rule in Cooldown.model_fields["days"].metadata)
    assert store.remove_before(BEGIN + timedelta(days=900), accepted_before=date(2026, 6, 2)) == 1
    assert store.read_history(ANN).accepted is None


def test_what_somebody_did_lately_keeps_what_they_were_shown(store: Store) -> None:
    store.record_response(show(store, 1, ANN, 0), "dismissal", BEGIN + timedelta(days=80))
    assert remove(store, 70) == 0
    assert store.read_history(ANN).dismissed_on == (BEGIN + timedelta(days=80)).date()


def test_nothing_goes_before_it_has_been_old_for_a_day(store: Store, tmp_path: Path) -> None:
    show(store, 1, ANN, 0)
    after = (BEGIN + timedelta(days=500)).timestamp()
    clock = Clock(after, 0.0, "this start")
    assert remove_old(store, 400, clock) == 0
    assert remove_old(store, 400, replace(clock, running_s=3600.0)) == 0
    assert b"tenure.short" in read_all(tmp_path)
    assert remove_old(store, 400, replace(clock, running_s=86_400.0)) == 1
    assert b"tenure.short" not in read_all(tmp_path)


def read_all(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())
