"""What is to be run, against what, and what it must hold."""

from __future__ import annotations

from dataclasses import dataclass

from churn.errors import SettingsError
from churn.loadtest.schedule import Arrivals

MOST_IN_FLIGHT = 10_000
MOST_REQUESTS = 10_000_000


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """Each connection sends its next request when its last one is answered."""

    connections: int


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Requests are sent when they are due, however slow the answers are.

    Args:
        rate_per_s: requests in a second.
        arrivals: how they are spread.
        drain_s: how long after the last request is sent to wait for answers.
        most_in_flight: a request that is due while so many are unanswered is not sent, and counts as an error.
    """

    rate_per_s: float
    arrivals: Arrivals
    drain_s: float
    most_in_flight: int = MOST_IN_FLIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """A load test.

    Args:
        url: where each request is posted to.
        contract: the name of the contract the payloads are drawn from.
        loop: what decides when a request is sent.
        requests: how many to count; None if `duration_s` decides.
        duration_s: for how long to send; without limit if `requests` decides.
        warmup: requests sent before, which are not counted.
        timeout_s: an answer that takes longer is an error.
        seed: of payloads and Poisson arrivals.
        slo_p99_ms: the 99th percentile of latency must be under it.
        max_error_share: the share of requests, 0..1, that may fail.
    """

    url: str
    contract: str
    loop: ClosedLoop | OpenLoop
    requests: int | None
    duration_s: float
    warmup: int
    timeout_s: float
    seed: int
    slo_p99_ms: float
    max_error_share: float

    def __post_init__(self) -> None:
        """Refuses what would not fit into memory before anything is made of it."""
        planned = self.requests or 0
        if self.requests is None and isinstance(self.loop, OpenLoop):
            planned = int(self.loop.rate_per_s * self.duration_s)
        if planned > MOST_REQUESTS:
            raise SettingsError(
                f"this would send {planned:,} requests; at most {MOST_REQUESTS:,} are kept track of",
                instead="choose a shorter duration, a lower rate or fewer requests",
            )
