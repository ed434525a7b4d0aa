"""How many requests may wait for an answer: in a queue that grows without end every answer is too late."""

from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from churn.judging.metrics import BUSY
from churn.service.counting.counters import Counters
from churn.service.edge.problems import Problem

RETRY_AFTER_S = 1
# Load balancers and monitors ask these. Refused, they would take a busy server for a broken one.
ALWAYS_ANSWERED = frozenset({"/", "/health", "/readyz", "/livez", "/metrics"})
BATCHES = "/predict/batch"
# Batches in one process, from before their body is read until their answer is taken. Others are refused unread. One of
# them is parsed and answered at a time: so memory is bounded by their bodies and the values of one.
MOST_BATCHES = 8


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

    Of batches it turns away those beyond `MOST_BATCHES`.

    uvicorn's `limit_concurrency` is not used: it counts idle connections too, and answers in plain text.
    """

    def __init__(self, most: int, counters: Counters) -> None:
        self.most = most
        self.counters = counters
        self.waiting = self.batches = 0

    def admit(self, app: ASGIApp, scope: Scope) -> ASGIApp | None:
        """Count a request that has just come for as long as it waits; or note why it is refused, and return None."""
        path = scope["path"]
        if (self.waiting >= self.most and path not in ALWAYS_ANSWERED) or (
            path == BATCHES and self.batches >= MOST_BATCHES
        ):
            scope["state"]["problem"] = Busy()
            return None
        if path == BATCHES:
            app = self._count_batch(app)
        self.waiting += 1
        self.counters.set_queue(self.waiting)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            finally:
                self.waiting -= 1
                self.counters.set_queue(self.waiting)

        return answer

    def _count_batch(self, app: ASGIApp) -> ASGIApp:
        self.batches += 1

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            finally:
                self.batches -= 1

        return answer
