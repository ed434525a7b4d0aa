"""When a prediction counts, by its age and by how long somebody was watched, and whether they left in time."""

from datetime import date, datetime, timedelta

from churn.outcomes.file import Outcome

DAY_US = 24 * 3600 * 10**6
EPOCH_DAY = date(1970, 1, 1).toordinal()


def find_last_counted(now: datetime, horizon_days: int | None) -> int | None:
    """Return the last moment whose predictions count, in microseconds since 1970; None if all do."""
    return round((now - timedelta(days=horizon_days)).timestamp() * 1e6) if horizon_days else None


def is_watched(outcome: Outcome, time: int, horizon_days: int | None) -> bool:
    """Tell whether somebody was watched until the horizon after a prediction, as far as the outcome says it.

    It counts for those who left, too. Else early leavers would count, and those who stayed as long would not.
    """
    if outcome.watched_until is None or horizon_days is None:
        return True
    return outcome.watched_until.toordinal() - EPOCH_DAY - time // DAY_US >= horizon_days


def find_label(outcome: Outcome, time: int, horizon_days: int | None) -> bool | None:
    """Say whether somebody left within the horizon after a prediction; None if they had left before its day."""
    if outcome.left_on is None:
        return outcome.left
    after_days = outcome.left_on.toordinal() - EPOCH_DAY - time // DAY_US
    if after_days < 0:
        return None
    return horizon_days is None or after_days <= horizon_days
