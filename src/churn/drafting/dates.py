"""What a column of dates becomes: the days since then, counted to a stated day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from churn.contract.dates import day_from_text
from churn.drafting.figures import ColumnFigures

FEWEST_DAYS = 365  # of the upper limit, since days grow while a model serves


@dataclass(frozen=True, slots=True)
class DraftDate:
    """The date behind a field that counts the days since then.

    Args:
        name: the date's own; the column's, where that is valid.
        label: for people.
        example: one of the file's dates, in the middle.
        earliest, latest: over all rows.
        as_of: the day to which the days are counted.
    """

    name: str
    label: str
    example: date
    earliest: date
    latest: date
    as_of: date

    @property
    def most_days(self) -> int:
        """How long ago the earliest date is, a year at least."""
        return max((self.as_of - self.earliest).days, FEWEST_DAYS)


def choose_as_of(columns: Iterable[ColumnFigures], today: date) -> date | None:
    """Choose the day to which dates are counted: the latest that the last row of a column has, and is not to come."""
    return max((column.latest for column in columns if column.latest and column.latest <= today), default=None)


def find_middle_date(cells: Sequence[str]) -> date | None:
    """Return the date in the middle of those in cells, or None if there are none."""
    days = sorted(day for cell in cells if (day := day_from_text(cell)))
    return days[len(days) // 2] if days else None


def numbers_from_dates(cells: Sequence[str]) -> list[str]:
    """Write each date as a number of days, and leave blanks."""
    return [str(day.toordinal()) if (day := day_from_text(cell)) else "" for cell in cells]
