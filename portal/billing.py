"""When bills come: on the first of each month."""

from __future__ import annotations

from datetime import date

MONTHS_A_YEAR = 12


def find_bill_day(after: date, number: int) -> date:
    """Return the day of the `number`-th bill after a day, counted from 1."""
    return _first_of_month(after, number)


def find_first_month(today: date, months: int) -> date:
    """Return the first day of the month in which a subscription of so many months began."""
    return _first_of_month(today, -months)


def _first_of_month(day: date, later: int) -> date:
    months = day.year * MONTHS_A_YEAR + day.month - 1 + later
    return date(months // MONTHS_A_YEAR, months % MONTHS_A_YEAR + 1, 1)
