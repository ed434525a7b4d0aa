"""Ask all instances of the service at once how they are and what they have answered."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import accumulate

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from churn.dashboard.words import format_latency
from churn.judging.counts import Counts
from churn.judging.metrics import LATENCY_BOUNDS_S, QUEUE
from churn.rollout.sources import ExposedMetrics, build_authorization

TIMEOUT_S = 1.5
MOST_AT_ONCE = 16
OK = 200
NEEDS_KEY = frozenset({401, 403})
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
    headers = build_authorization(api_key)
    with (
        httpx2.Client(timeout=TIMEOUT_S, trust_env=False, headers=headers) as client,
        ThreadPoolExecutor(MOST_AT_ONCE) as pool,
    ):
        answers = pool.map(lambda address: _ask_instance(client, address), tracks)
        return Service(tuple(replace(instance, track=tracks[instance.address]) for instance in answers))


def _ask_instance(client: httpx2.Client, address: str) -> Instance:
    try:
        answer = client.get(f"{address}/health")
        content = answer.json()
        said, version = content.get("status") or content.get("title"), content.get("model_version") or ""
    except httpx2.TimeoutException:
        return Instance(address, healthy=False, trouble=f"does not answer within {TIMEOUT_S:g} s")
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return Instance(
            address, healthy=False, trouble="does not answer: nothing listens there, or it is not reachable"
        )
    except (ValueError, AttributeError):
        return Instance(address, healthy=False, trouble="answers, but not as this service does")
    if answer.status_code != OK:
        trouble = f"answers {answer.status_code}: {str(said)[:200]}"
        return Instance(address, healthy=False, trouble=trouble, version=str(version))
    counts, queue, trouble = _read_metrics(client, address)
    return Instance(address, healthy=True, trouble=trouble, version=str(version), counts=counts, queue=queue)


def _read_metrics(client: httpx2.Client, address: str) -> tuple[Counts | None, int | None, str]:
    gathering, queue = ExposedMetrics(), None
    try:
        answer = client.get(f"{address}/metrics")
        if answer.status_code in NEEDS_KEY:
            return None, None, NO_KEY
        answer.raise_for_status()
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                gathering.add(sample.name, sample.labels, sample.value)
                if sample.name == QUEUE.name:
                    queue = (queue or 0) + int(sample.value)
        # A service that has answered nothing yet may not count it yet.
        return gathering.counts(), queue, ""
    except (httpx2.HTTPError, ValueError):
        return None, None, "is healthy, but does not say what it has answered: no /metrics"
