"""Removes what is older than PORTAL_RETENTION_DAYS, once an hour. Counts of what is removed stay."""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from structlog.typing import FilteringBoundLogger

from churn.web.patience import Clock, Note, read_clock, wait_a_day
from portal.database import StoreError
from portal.store import Store

EVERY_S = 3600.0
LONGEST_COOLDOWN_DAYS = 3660  # that a policy can have: so long the service asks when the last offer was accepted
_NOTE = TypeAdapter(Note)


def remove_old(store: Store, days: int, clock: Clock) -> int:
    """Remove what is older, once that has been so for a day; return how many predictions that were.

    Raises:
        sqlite3.Error: the file cannot be written.
    """
    now = datetime.fromtimestamp(clock.wall_s, UTC)
    note, before_s = wait_a_day(_read_note(store), (now - timedelta(days=days)).timestamp(), clock)
    removed = 0
    if before_s is not None:
        before = datetime.fromtimestamp(before_s, UTC)
        longest = timedelta(days=max(0, LONGEST_COOLDOWN_DAYS - days))
        removed = store.remove_before(before, accepted_before=(before - longest).date())
    store.keep_note(_NOTE.dump_json(note).decode())
    return removed


async def keep_removing(
    store: Store, days: int, log: FilteringBoundLogger, clock: Callable[[], Clock] = read_clock
) -> None:
    """Remove what is old, at once and then every hour, until cancelled. Trouble is told in the log, and tried again."""
    while True:
        try:
            if removed := await run_in_threadpool(remove_old, store, days, clock()):
                log.info("old_rows_removed", predictions=removed)
        except (sqlite3.Error, StoreError) as error:
            log.warning("old_rows_not_removed", detail=str(error))
        await asyncio.sleep(EVERY_S)


def _read_note(store: Store) -> Note | None:
    try:
        return _NOTE.validate_json(store.read_note() or "")
    except ValidationError:  # the first pass, or a damaged note: as if it were the first
        return None
