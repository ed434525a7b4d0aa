"""What an app decides before a request reaches it, and the limits of what comes on a connection."""

import logging
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import ASGIApp, Scope

# Of the request line and the headers; as many again of what frames a body, and of its trailers.
MOST_HEAD_BYTES = 32_768
MOST_HEADERS = 100
# For a head, for the rest of a body that is answered already, and for the other side to take any part of an answer.
ARRIVAL_S = 10.0
# What the app needs for its own files while connections take all others.
KEPT_DESCRIPTORS = 64
COMPLAIN_S = 60.0

log = logging.getLogger(__name__)


def count_usable_descriptors() -> int:
    """Return how many descriptors this process may have before it refuses connections."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return limit - min(KEPT_DESCRIPTORS, limit // 4) if limit != resource.RLIM_INFINITY else 2**31


@dataclass
class Edge:
    """What an app decides before a request reaches it. The app keeps it in `app.state.edge`.

    `refuse` builds the answer to what never becomes a request: 400 is not HTTP/1.1, 408 too slow, 431 too large, and
    503 a connection too many. `admit` returns the app that answers a request; None if its body is not even kept, since
    the app refuses it anyway. Once it `is_stopping`, each answer is the last on its connection.
    """

    refuse: Callable[[HTTPStatus], Response]
    admit: Callable[[ASGIApp, Scope], ASGIApp | None] = lambda app, _: app
    arrival_s: float = ARRIVAL_S
    most_descriptors: int = field(default_factory=count_usable_descriptors)
    complained_s: float = -COMPLAIN_S
    is_stopping: bool = False

    def complain(self, message: str) -> None:
        """Log a warning, but only once a minute: under load the same trouble comes a thousand times a second."""
        now_s = time.monotonic()
        if now_s - self.complained_s >= COMPLAIN_S:
            self.complained_s = now_s
            log.warning(message)
