"""Dates, which no model sees: what is declared of one, how it is written, and the features that are derived from it.

A feature is derived to a day of reference. It is the UTC day of the request when the service answers, and a day that
somebody states when a file is read.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, get_args

Month = Literal[
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]  # fmt: skip
MONTHS: tuple[str, ...] = get_args(Month)

# A date of ISO 8601, alone or with a time and perhaps a zone, as databases and Arrow write them too.
WRITTEN = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(?P<zone> ?(Z|[+-]\d{2}(:?\d{2})?))?)?", re.ASCII
)
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Date:
    """A date that a request or a file has in place of the features derived from it.

    Args:
        name: of the field of a request, and of the column of a file.
        meaning: in a sentence.
        example: a date as ISO 8601 has it.
        label: the short name for people; by default the name in words.
        earlier_names: a request or a file may have one of these instead of the name.
    """

    name: str
    meaning: str
    example: str
    label: str = ""
    earlier_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DaysSince:
    """Counts the whole days from a date to the day of reference: a whole number."""

    source: Date

    def derive(self, day: date, as_of: date) -> int:
        """Return the days. The day after the day of reference counts as it: in the east it has begun."""
        return 0 if day - as_of == A_DAY else (as_of - day).days


@dataclass(frozen=True, slots=True)
class MonthOf:
    """Takes the month of a date: one of the categories of `Month`."""

    source: Date

    def derive(self, day: date, _as_of: date) -> str:
        """Return the month's name."""
        return MONTHS[day.month - 1]


type Derivation = DaysSince | MonthOf


def day_from_text(text: str) -> date | None:
    """Return the day that a text writes, or None if it writes none.

    A time of day is not looked at, unless it has a zone: then the day is that of UTC at this moment.
    """
    written = WRITTEN.fullmatch(text.strip())
    if written is None:
        return None
    try:
        if written["zone"] is None:
            day = date.fromisoformat(written["day"])
            datetime.fromisoformat(written[0].replace(" ", "T", 1))  # so that 25:00 is no time
            return day
        moment = datetime.fromisoformat(written[0].replace(" ", "T", 1).replace(" ", ""))
        return moment.astimezone(UTC).date()
    except (ValueError, OverflowError):
        return None
