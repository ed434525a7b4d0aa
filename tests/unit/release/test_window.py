"""When releases may be made."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from churn.errors import SettingsError
from churn.release.window import DAYS, ReleaseWindow, read_release_window
from churn.settings import Settings


def window(
    days: str = "tue,wed,thu", hours: str = "09:00-12:00", time_zone: str = "UTC", free: str = ""
) -> ReleaseWindow:
    settings = Settings(release_days=days, release_hours=hours, release_time_zone=time_zone, release_holidays=free)
    return read_release_window(settings)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("moment", ["2026-11-24T09:00", "2026-11-25T11:59:59", "2026-11-26T10:30"])
def test_it_is_open_on_the_mornings_of_its_days(moment: str) -> None:
    assert window().closed_because(at(moment)) is None


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        ("2026-11-24T08:59", "it is 08:59 in UTC"),
        ("2026-11-24T12:00", "it is 12:00 in UTC"),
        ("2026-11-23T10:00", "2026-11-23 is a Monday"),
        ("2026-11-27T10:00", "2026-11-27 is a Friday"),
        ("2026-11-29T10:00", "2026-11-29 is a Sunday"),
    ],
)
def test_at_other_times_it_says_why_it_is_closed(moment: str, why: str) -> None:
    assert window().closed_because(at(moment)) == why


def test_the_clocks_of_its_zone_count_also_where_summer_time_begins() -> None:
    berlin = window(time_zone="Europe/Berlin")
    assert berlin.closed_because(at("2026-03-26T08:30")) is None  # 09:30 there
    assert berlin.closed_because(at("2026-03-31T07:30")) is None  # 09:30 there, in summer time
    assert berlin.closed_because(at("2026-03-31T10:30")) == "it is 12:30 in Europe/Berlin"
    assert berlin.closed_because(at("2026-03-30T23:30")) == "it is 01:30 in Europe/Berlin"  # Tuesday there already


@pytest.mark.parametrize(
    ("free", "moment", "name"),
    [
        ("US", "2026-11-26T10:00", "Thanksgiving Day"),
        ("US-CA, 2026-12-24", "2026-12-24T10:00", "RELEASE_HOLIDAYS names it"),
        ("DE-BY,US", "2027-01-06T10:00", "Heilige Drei Könige"),
    ],
)
def test_nobody_releases_on_a_holiday_of_any_place_that_is_named(free: str, moment: str, name: str) -> None:
    assert window().closed_because(at(moment)) is None
    said = window(free=free).closed_because(at(moment))
    assert said is not None
    assert said.endswith(f"is a holiday: {name}")


def test_it_says_when_it_opens_next() -> None:
    assert window().find_opening(at("2026-11-24T08:00")) == at("2026-11-24T09:00")
    assert window().find_opening(at("2026-11-26T12:00")) == at("2026-12-01T09:00")
    assert window(free="2026-12-01").find_opening(at("2026-11-26T12:00")) == at("2026-12-02T09:00")


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.sampled_from(["UTC", "Asia/Kolkata", "US/Pacific"]))  # noqa: DTZ001
def test_whenever_it_is_asked_it_opens_within_a_week_and_is_open_then(moment: datetime, zone: str) -> None:
    asked, rule = moment.replace(tzinfo=UTC), window(time_zone=zone)
    opening = rule.find_opening(asked)
    assert opening is not None
    assert asked < opening <= asked + timedelta(days=7)
    assert rule.closed_because(opening) is None
    assert DAYS[opening.weekday()] in rule.days


def test_where_every_day_is_free_there_is_no_next_opening() -> None:
    days = ",".join(str((at("2026-11-24") + timedelta(days=ahead)).date()) for ahead in range(90))
    assert window(free=days).find_opening(at("2026-11-24T08:00")) is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"hours": "12:00-09:00"}, "RELEASE_HOURS cannot be used: 12:00-09:00: it ends before it begins"),
        ({"hours": "09:00-24:30"}, "RELEASE_HOURS cannot be used: 24:30: no time of day"),
        ({"free": "XX"}, "RELEASE_HOLIDAYS cannot be used: XX: no such country or part of one"),
        ({"free": "US-QQ"}, "RELEASE_HOLIDAYS cannot be used: US-QQ: no such country or part of one"),
        ({"free": "2026-02-30"}, "RELEASE_HOLIDAYS cannot be used: 2026-02-30: no such day"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence_that_names_the_setting(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        window(**wrong)
    assert caught.value.message == said
    assert caught.value.instead.startswith("write it like ")


@pytest.mark.parametrize("zone", ["Mars", "../etc"])
def test_a_zone_that_there_is_not_is_refused_with_the_settings(zone: str) -> None:
    with pytest.raises(ValidationError, match="no such zone; write it like Europe/Berlin"):
        window(time_zone=zone)
