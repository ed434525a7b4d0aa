"""How many requests may wait for an answer: a queue that grows without end answers everybody too late."""

from __future__ import annotations

from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from churn.service.counting import Counting
from churn.service.families import BUSY
from churn.service.problems import Problem

RETRY_AFTER_S = 1
# Asked by whoever decides where requests go, and whoever watches; refused, they would take a busy server for a broken
# one.
ALWAYS_ANSWERED = frozenset({"/health", "/readyz", "/livez", "/metrics"})


class Busy(Problem):
    """The answer to one request too many."""

    def __init__(self) -> None:
        super().__init__(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "more requests wait here than can be answered in time; send this one elsewhere, or again after the seconds "
            "that Retry-After says",
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )

    @property
    def kind(self) -> str:
        """Not the same as being out of order."""
        return BUSY


class WaitingRoom:
    """Counts the requests that one process has taken and not answered, and turns away those beyond `most`.

    uvicorn's `limit_concurrency` is not used: it counts idle connections too, and answers in plain text.
    """

    def __init__(self, most: int, counting: Counting) -> None:
        self.most = most
        self.counting = counting
        self.waiting = 0

    def admit(self, app: ASGIApp, scope: Scope) -> ASGIApp:
        """The app for a request that has just come: it counts while it waits, or finds the problem in its state."""
        if self.waiting >= self.most and scope["path"] not in ALWAYS_ANSWERED:
            scope["state"]["problem"] = Busy()
            return app
        self.waiting += 1
        self.counting.queued(self.waiting)

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            finally:
                self.waiting -= 1
                self.counting.queued(self.waiting)

        return counted
