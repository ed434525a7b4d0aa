"""When a release may be made: when those who would have to mend it are at work, and will be tomorrow."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import holidays

from churn.errors import SettingsError
from churn.settings import Settings

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FARTHEST = timedelta(days=60)


class Holidays(Protocol):
    """What a day is free for."""

    def get(self, day: date, /) -> str | None:
        """Return the holiday's name; None on any other day."""


@dataclass(frozen=True, slots=True)
class ReleaseWindow:
    """The hours in which releases may be made."""

    days: frozenset[str]  # `mon` to `thu`
    opens: time  # the first moment of such a day, where `zone` is
    closes: time  # the first moment that is too late
    zone: ZoneInfo  # whose clocks are meant
    free: Holidays  # the days on which nobody is at work

    def closed_because(self, at: datetime) -> str | None:
        """Say why no release may be made at this moment (with a time zone); None if one may."""
        here = at.astimezone(self.zone)
        if holiday := self.free.get(here.date()):
            return f"{here:%Y-%m-%d} is a holiday: {holiday}"
        if DAYS[here.weekday()] not in self.days:
            return f"{here:%Y-%m-%d} is a {NAMES[here.weekday()]}"
        if not self.opens <= here.time() < self.closes:
            return f"it is {here:%H:%M} in {self.zone}"
        return None

    def find_opening(self, at: datetime) -> datetime | None:
        """Find the next moment at which it opens, in `zone`; None if there is none within 60 days."""
        here = at.astimezone(self.zone)
        openings = (
            datetime.combine(here.date() + timedelta(days=ahead), self.opens, self.zone)
            for ahead in range(FARTHEST.days)
        )
        return next((opening for opening in openings if opening > here and self.closed_because(opening) is None), None)

    def describe(self) -> str:
        """Describe it, such as `Tuesday, Wednesday, Thursday from 09:00 to 12:00, UTC`."""
        days = ", ".join(name for day, name in zip(DAYS, NAMES, strict=True) if day in self.days)
        return f"{days} from {self.opens:%H:%M} to {self.closes:%H:%M}, {self.zone}"


def read_release_window(settings: Settings) -> ReleaseWindow:
    """Read the window from RELEASE_DAYS, RELEASE_HOURS, RELEASE_TIME_ZONE and RELEASE_HOLIDAYS.

    Raises:
        SettingsError: there is no such country, or the hours end before they begin.
    """
    opens, closes = (_parse_time(text) for text in settings.release_hours.split("-"))
    if opens >= closes:
        raise _build_error("RELEASE_HOURS", settings.release_hours, "it ends before it begins", "09:00-12:00")
    zone = ZoneInfo(settings.release_time_zone)  # which the settings have found
    free = _collect_holidays(settings.release_holidays.split(","))
    return ReleaseWindow(frozenset(settings.release_days.split(",")), opens, closes, zone, free)


def _collect_holidays(words: Iterable[str]) -> Holidays:
    """Collect countries' holidays and single dates in one."""
    free = holidays.HolidayBase()
    for word in filter(None, map(str.strip, words)):
        if word[0].isdigit():
            try:
                free[date.fromisoformat(word)] = "RELEASE_HOLIDAYS names it"
            except ValueError as error:
                raise _build_error("RELEASE_HOLIDAYS", word, "no such day", "2026-12-24") from error
        else:
            country, _, part = word.partition("-")
            try:
                free += holidays.country_holidays(country, subdiv=part or None)
            except NotImplementedError as error:
                raise _build_error("RELEASE_HOLIDAYS", word, "no such country or part of one", "US-CA") from error
    return free


def _parse_time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise _build_error("RELEASE_HOURS", text, "no time of day", "09:00-12:00") from error


def _build_error(setting: str, value: str, why: str, example: str) -> SettingsError:
    return SettingsError(f"{setting} cannot be used: {value}: {why}", instead=f"write it like {example}")
