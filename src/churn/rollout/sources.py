"""Where the counts come from: the instances themselves, or a Prometheus that scrapes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from churn.errors import RolloutError
from churn.judging.metrics import REQUESTS
from churn.rollout.exposition import NAMES, Gathering
from churn.rollout.routers.router import TRACKS, Track
from churn.rollout.tally import Reading

TIMEOUT_S = 2.0
METRICS_PATH = "/metrics"


class Source(Protocol):
    """Something that knows what both tracks have answered."""

    def read(self) -> Mapping[Track, Reading]:
        """What the counters say now.

        Raises:
            RolloutError: nothing can be known of either; a single instance that is away is missing from its reading.
        """


class Instances:
    """Asks every instance, all at once.

    Args:
        addresses: of each track, such as `http://127.0.0.1:8000`.
        clock: seconds since 1970.
    """

    def __init__(self, addresses: Mapping[Track, Sequence[str]], clock: Callable[[], float] = time.time) -> None:
        self._addresses = addresses
        self._clock = clock

    def read(self) -> Mapping[Track, Reading]:
        """What each instance answers to GET /metrics."""
        every = [address for track in TRACKS for address in self._addresses[track]]
        at = self._clock()
        with ThreadPoolExecutor(max(len(every), 1)) as asking:
            found = dict(zip(every, asking.map(_scraped, every), strict=True))
        return {track: _reading(at, {each: found[each] for each in self._addresses[track]}) for track in TRACKS}


class Discovered:
    """Asks every instance that is there at the moment.

    Args:
        find: the addresses of each track's.
    """

    def __init__(self, find: Callable[[], Mapping[Track, Sequence[str]]]) -> None:
        self._find = find

    def read(self) -> Mapping[Track, Reading]:
        """What each of them answers to GET /metrics; of a track without any an empty reading."""
        return Instances(self._find()).read()


def _scraped(address: str) -> Gathering | None:
    """What an instance exposes; None if it does not answer, or is none of ours."""
    try:
        answer = httpx2.get(f"{address.rstrip('/')}{METRICS_PATH}", timeout=TIMEOUT_S, trust_env=False)
        answer.raise_for_status()
        gathering = Gathering()
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                gathering.add(sample.name, sample.labels, sample.value)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
        return None
    return None if gathering.empty else gathering


def _reading(at: float, found: Mapping[str, Gathering | None], missing: Sequence[str] = ()) -> Reading:
    there = {name: each for name, each in found.items() if each is not None}
    return Reading(
        at,
        {name: each.counts() for name, each in there.items()},
        (*(name for name in found if name not in there), *missing),
        frozenset(version for each in there.values() for version in each.versions),
    )


class Prometheus:
    """Asks a Prometheus for the raw counters of each instance; what began anew is noticed here, not by `increase()`.

    Args:
        address: such as `http://127.0.0.1:9090`.
        selectors: what tells the tracks apart, such as `track="canary"`.
    """

    def __init__(self, address: str, selectors: Mapping[Track, str]) -> None:
        self._address = address.rstrip("/")
        self._selectors = selectors

    def read(self) -> Mapping[Track, Reading]:
        """What it has scraped last."""
        with _told(self._address), httpx2.Client(timeout=TIMEOUT_S, trust_env=False) as client:
            return {track: self._track(client, self._selectors[track]) for track in TRACKS}

    def _track(self, client: httpx2.Client, selector: str) -> Reading:
        now = time.time()
        found: dict[str, Gathering] = {}
        for labels, value in self._asked(client, f'{{__name__=~"{"|".join(NAMES)}",{selector}}}', now):
            gathering = found.setdefault(labels.get("instance", ""), Gathering())
            gathering.add(labels["__name__"], labels, value)
        ages = [value for _, value in self._asked(client, f"timestamp({REQUESTS.name}{{{selector}}})", now)]
        away = [labels["instance"] for labels, value in self._asked(client, f"up{{{selector}}}", now) if not value]
        return _reading(min(ages, default=0.0), dict(found), [name for name in away if name not in found])

    def _asked(self, client: httpx2.Client, query: str, at: float) -> list[tuple[Mapping[str, str], float]]:
        answer = client.get(f"{self._address}/api/v1/query", params={"query": query, "time": f"{at:.3f}"})
        content: dict[str, Any] = answer.json()
        if content["status"] != "success":
            raise RolloutError(f"Prometheus refuses {query}: {content.get('error')}", instead="correct the selectors")
        return [(each["metric"], float(each["value"][1])) for each in content["data"]["result"]]


@contextmanager
def _told(address: str) -> Iterator[None]:
    """Turns what can go wrong into one sentence."""
    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise RolloutError(f"Prometheus does not answer at {address}: {error}", instead="start it") from error
    except (KeyError, ValueError, TypeError) as error:
        raise RolloutError(f"{address} answers what is not Prometheus's: {error!r}", instead="correct it") from error
