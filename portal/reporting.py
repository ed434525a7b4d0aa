"""Reports to the service what became of banners, behind the page: nothing of it can keep a subscriber waiting."""

import asyncio
from collections import deque
from datetime import datetime
from typing import NamedTuple

import anyio
from structlog.typing import FilteringBoundLogger

from churn.answers import BannerEventName
from churn.client import AsyncChurnClient
from churn.errors import ClientError, Unavailable
from portal.records import Exposure

MOST_WAITING = 1000  # some 1 MB
BUDGET_S = 5.0  # of one report
PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0  # before a service that does not answer is asked again
LAST_S = 2.0  # for what waits when the portal stops
QUIET_S = 60.0  # between two lines of the log, each of which tells how many were lost


class Reported(NamedTuple):
    """What happened to a banner, and when."""

    exposure: Exposure
    event: BannerEventName
    at: datetime


class EventReporter:
    """Send events in their order, one at a time. `lost` counts those that the service did not take.

    The service counts an event once, so it is sent again until it is taken or refused.
    """

    def __init__(self, client: AsyncChurnClient, log: FilteringBoundLogger) -> None:
        self.lost = 0
        self._client, self._log = client, log
        self._waiting: deque[Reported] = deque()
        self._has_some = asyncio.Event()
        self._told_s = float("-inf")

    @property
    def waiting(self) -> int:
        """The number of events that wait."""
        return len(self._waiting)

    def report(self, exposure: Exposure, event: BannerEventName, at: datetime) -> None:
        """Have an event sent soon. Never wait."""
        if len(self._waiting) >= MOST_WAITING:
            self._lose(1, f"{MOST_WAITING} others wait already")
            return
        self._waiting.append(Reported(exposure, event, at))
        self._has_some.set()

    async def keep_sending(self) -> None:
        """Send what waits, until cancelled. While the service does not answer, pause for longer each time."""
        pause_s = PAUSE_S
        while True:
            await self._has_some.wait()
            if await self._send_first():
                pause_s = PAUSE_S
            else:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def close(self) -> None:
        """Send the rest, but not for long."""
        with anyio.move_on_after(LAST_S):
            while self._waiting and await self._send_first():
                pass
        if self._waiting:
            self._lose(len(self._waiting), "the portal stops, and the service did not answer", always=True)

    async def _send_first(self) -> bool:
        """Send the first that waits. Return False if it waits on."""
        exposure, event, at = self._waiting[0]
        try:
            await self._client.report_event(
                exposure.prediction_id,
                event,
                time=at,
                model_version=exposure.model_version,
                subscriber_key=exposure.subscriber,
            )
        except Unavailable:
            return False
        except ClientError as error:  # sent again it would be refused again
            self._lose(1, error.message)
        self._waiting.popleft()
        if not self._waiting:
            self._has_some.clear()
        return True

    def _lose(self, events: int, reason: str, *, always: bool = False) -> None:
        self.lost += events
        now_s = anyio.current_time()
        if always or now_s - self._told_s >= QUIET_S:
            self._told_s = now_s
            self._log.warning("banner_events_not_reported", detail=reason, lost=self.lost)
