"""The decision of what is shown holds for every answer and every history."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.fake_service import HIGH, LOW, OFFER, held_out, with_retention

from portal.banner import decide_display
from portal.bills import find_first_of_month, find_last_bill, is_open
from portal.records import AcceptedOffer, BannerHistory

TODAY = date(2026, 11, 23)
days = st.dates(date(2020, 1, 1), date(2030, 1, 1))
answers = st.sampled_from([None, LOW, HIGH, held_out(), with_retention(headline=None), with_retention(headline="")])
accepted = st.builds(AcceptedOffer, st.just(OFFER), st.just("en"), days, days)
histories = st.builds(BannerHistory, st.none() | days, st.none() | days, st.none() | accepted)


@given(answers, histories, days)
def test_at_most_one_of_banner_and_accepted_offer_is_shown_and_a_banner_is_always_recorded(
    answer: Any, history: BannerHistory, today: date
) -> None:
    shown = decide_display(answer, subscriber="k", history=history, today=today)
    assert not (shown.banner and shown.active)
    assert (shown.banner is not None) == (shown.exposure is not None and shown.exposure.kind == "exposure")
    if shown.banner:
        assert shown.banner.headline
        assert len(shown.banner.reasons) <= 3
    if shown.exposure and shown.exposure.kind != "exposure":
        assert (shown.exposure.reason_codes, shown.exposure.offer) == ((), None)


@given(histories, days)
def test_the_holdout_never_sees_anything_new(history: BannerHistory, today: date) -> None:
    assert decide_display(with_retention(arm="holdout"), subscriber="k", history=history, today=today).banner is None


@given(days, st.integers(0, 30))
def test_a_dismissal_counts_for_thirty_days(dismissed: date, later: int) -> None:
    history = BannerHistory(dismissed_on=dismissed)
    shown = decide_display(HIGH, subscriber="k", history=history, today=dismissed + timedelta(days=later))
    assert (shown.banner is not None) == (later == 30)


@given(days, st.integers(1, 24))
def test_bills_come_on_the_first_of_each_month_and_after_the_day(day: date, number: int) -> None:
    bill = find_first_of_month(day, number)
    assert bill.day == 1
    assert bill > day
    assert find_first_of_month(bill, -number) == day.replace(day=1)


def test_an_offer_counts_for_as_many_bills_as_it_says() -> None:
    assert find_last_bill(OFFER, TODAY) == date(2027, 5, 1)
    assert find_last_bill({**OFFER, "months": 1}, TODAY) == date(2026, 12, 1)
    assert find_last_bill({**OFFER, "months": 0}, TODAY) > TODAY


def test_an_offer_can_be_accepted_on_its_last_day_and_not_after() -> None:
    offer = {**OFFER, "expires": "2026-11-23"}
    assert is_open(offer, TODAY)  # type: ignore[arg-type]  # mypy widens what is spread
    assert not is_open(offer, TODAY + timedelta(days=1))  # type: ignore[arg-type]  # as above
