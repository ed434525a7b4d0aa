"""Recording what was shown, behind the page: a file that another process locks must not keep a subscriber waiting."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from structlog.typing import FilteringBoundLogger

from portal.records import Exposure
from portal.store import Store

WAIT_S = 0.05  # the page's budget for it
MOST_WAITING = 1000  # some 1 MB
LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class ExposureRecorder:
    """Write exposures in their order, in one thread. `lost` counts those that could not be written."""

    def __init__(self, store: Store, log: FilteringBoundLogger) -> None:
        self.lost = 0
        self._store, self._log = store, log
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="exposures")
        self._is_stopping = False

    async def record(self, exposure: Exposure, at: datetime) -> bool:
        """Record what is shown, now or soon after; wait for it no longer than `WAIT_S`.

        Return False if it cannot be recorded. Then nobody could accept the offer, so the banner is not to be shown.
        """
        if len(self._store.unwritten) >= MOST_WAITING:
            self._lose(f"{MOST_WAITING} others wait already")
            return False
        self._store.unwritten[exposure.prediction_id] = exposure, at
        writing = asyncio.wrap_future(self._executor.submit(self._write, exposure, at))
        done, _ = await asyncio.wait([writing], timeout=WAIT_S)
        return writing.result() if done else True

    def close(self) -> None:
        """Write the rest, each for as long as the file is not locked."""
        self._is_stopping = True
        self._executor.shutdown()

    def _write(self, exposure: Exposure, at: datetime) -> bool:
        """Write one, again and again while another process holds the file. Return whether it is written."""
        try:
            while True:
                try:
                    self._store.record_exposure(exposure, at)
                except sqlite3.OperationalError as error:
                    if self._is_stopping or error.sqlite_errorcode not in LOCKED:
                        raise
                else:
                    return True
        except sqlite3.Error as error:
            self._lose(str(error))
            return False
        finally:
            self._store.unwritten.pop(exposure.prediction_id, None)

    def _lose(self, reason: str) -> None:
        self.lost += 1
        self._log.error("exposure_not_recorded", detail=reason, lost=self.lost)
