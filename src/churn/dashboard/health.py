"""Ask all instances of the service at once how they are and what they have answered."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from churn.dashboard.words import format_latency
from churn.judging.counts import Counts
from churn.judging.metrics import LATENCY_BOUNDS_S, QUEUE
from churn.rollout.fetch import UNREADABLE, Answer, build_authorization, fetch_all
from churn.rollout.sources import MOST_BYTES, ExposedMetrics

TIMEOUT_S = 1.5  # for a whole answer, however slowly it comes
MOST_SAID = 200  # letters of what an instance says of itself
OK = 200
NEEDS_KEY = frozenset({401, 403})
NO_METRICS = "is healthy, but does not say what it has answered: no /metrics"
NO_KEY = "is healthy, but /metrics asks for another key: set CHURN_API_KEY to one with the scope metrics"


@dataclass(frozen=True)
class Instance:
    """What one instance says of itself.

    Args:
        address: as it was configured.
        healthy: whether it says that it is.
        trouble: what is wrong, in words; empty if nothing is.
        version: of its model.
        counts: since it started; None if it does not tell.
        queue: requests taken and not yet answered.
        track: stable or canary, if a rollout says so.
    """

    address: str
    healthy: bool
    trouble: str = ""
    version: str = ""
    counts: Counts | None = None
    queue: int | None = None
    track: str = ""

    @property
    def tone(self) -> str:
        """Return how it looks on the page."""
        return "bad" if not self.healthy else "warning" if self.trouble else "good"

    @property
    def errors(self) -> float | None:
        """Return the share of its answers that are errors of its own; None if it answered nothing."""
        return self.counts.errors / self.counts.requests if self.counts and self.counts.requests else None

    def within(self, share: float) -> str:
        """Return the bound within which that share of its answers came, such as `5 ms`; empty if it has none."""
        latency = self.counts.latency if self.counts else ()
        if not (total := sum(latency)):
            return ""
        sums = zip(LATENCY_BOUNDS_S, accumulate(latency), strict=False)
        bounds = (format_latency(bound_s) for bound_s, so_far in sums if so_far >= share * total)
        return next(bounds, f"over {LATENCY_BOUNDS_S[-1]:g} s")


@dataclass(frozen=True)
class Service:
    """All instances, as they were configured."""

    instances: Sequence[Instance] = ()

    @property
    def healthy(self) -> int:
        """Return how many instances are healthy."""
        return sum(instance.healthy for instance in self.instances)

    @property
    def versions(self) -> list[str]:
        """Return the versions that they serve."""
        return sorted({instance.version for instance in self.instances if instance.version})


def ask_instances(tracks: Mapping[str, str], api_key: str | None = None) -> Service:
    """Ask each instance for `/health` and `/metrics`. Say of one that does not answer in time that it does not.

    Args:
        tracks: the track of each address; empty if it has none.
        api_key: sent to each, if there is one.
    """
    urls = [f"{address}{path}" for path in ("/health", "/metrics") for address in tracks]
    answers = asyncio.run(fetch_all(urls, MOST_BYTES, build_authorization(api_key), timeout_s=TIMEOUT_S))
    healths, metrics = answers[: len(tracks)], answers[len(tracks) :]
    return Service(
        tuple(
            replace(_describe_instance(address, health, exposed), track=tracks[address])
            for address, health, exposed in zip(tracks, healths, metrics, strict=True)
        )
    )


def _describe_instance(address: str, health: Answer, metrics: Answer) -> Instance:
    if isinstance(health, httpx2.TimeoutException):
        return Instance(address, healthy=False, trouble=f"does not answer within {TIMEOUT_S:g} s")
    if isinstance(health, httpx2.HTTPError | httpx2.InvalidURL | OSError):
        return Instance(
            address, healthy=False, trouble="does not answer: nothing listens there, or it is not reachable"
        )
    try:
        if isinstance(health, Exception):
            raise health
        status, content = health[0], json.loads(health[1])
        said, version = content.get("status") or content.get("title"), content.get("model_version") or ""
    except UNREADABLE:
        return Instance(address, healthy=False, trouble="answers, but not as this service does")
    if status != OK:
        trouble = f"answers {status}: {str(said)[:MOST_SAID]}"
        return Instance(address, healthy=False, trouble=trouble, version=str(version))
    counts, queue, trouble = _read_metrics(metrics)
    return Instance(address, healthy=True, trouble=trouble, version=str(version), counts=counts, queue=queue)


def _read_metrics(answer: Answer) -> tuple[Counts | None, int | None, str]:
    gathering, queue = ExposedMetrics(), None
    if isinstance(answer, Exception) or answer[0] != OK:
        is_refused = not isinstance(answer, Exception) and answer[0] in NEEDS_KEY
        return None, None, NO_KEY if is_refused else NO_METRICS
    try:
        for family in text_string_to_metric_families(answer[1].decode()):
            for sample in family.samples:
                gathering.add(sample.name, sample.labels, sample.value)
                if sample.name == QUEUE.name:
                    queue = (queue or 0) + int(sample.value)
        # A service that has answered nothing yet may not count it yet.
        return gathering.counts(), queue, ""
    except UNREADABLE:
        return None, None, NO_METRICS
