"""Read the counts of both tracks: from the instances, or from a Prometheus that scrapes them."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from churn.errors import RolloutError
from churn.judging import metrics
from churn.judging.counts import Counts
from churn.judging.metrics import LATENCY_BOUNDS_S, PREDICT_ROUTE, PROBABILITY_BOUNDS, Metric
from churn.rollout.routers.router import TRACKS, Track
from churn.rollout.state import Bundle, Reading

TIMEOUT_S = 2.0
# The label by which the samples of a metric differ.
LABELS = {
    metrics.REQUESTS.name: "status",
    f"{metrics.REQUEST_DURATION.name}_bucket": "le",
    metrics.PREDICTIONS.name: "tier",
    f"{metrics.PROBABILITY.name}_bucket": "le",
    metrics.BANNERS.name: "",
    metrics.TOP_FEATURE.name: "feature",
    metrics.TOP_SET.name: "features",
}
NAMES = (*LABELS, metrics.BUNDLE_INFO.name)  # all metrics that are read


class CountSource(Protocol):
    """Know what both tracks have answered."""

    def read(self) -> Mapping[Track, Reading]:
        """Read the counters. A single instance that does not answer is `missing` in its reading.

        Raises:
            RolloutError: nothing is known of either track.
        """


class Instances:
    """Ask every instance, all at once, at its present address, such as `http://127.0.0.1:8000`."""

    def __init__(
        self, find_addresses: Callable[[], Mapping[Track, Sequence[str]]], clock: Callable[[], float] = time.time
    ) -> None:
        self._find_addresses = find_addresses
        self._clock = clock

    def read(self) -> Mapping[Track, Reading]:
        """Ask each for /metrics. The reading of a track without instances is empty."""
        by_track, at = self._find_addresses(), self._clock()
        addresses = [address for track in TRACKS for address in by_track[track]]
        with ThreadPoolExecutor(max(len(addresses), 1)) as pool:
            exposed = dict(zip(addresses, pool.map(_scrape, addresses), strict=True))
        return {
            track: _reading_from_exposed(at, {address: exposed[address] for address in by_track[track]})
            for track in TRACKS
        }


class Prometheus:
    """Ask a Prometheus, such as `http://127.0.0.1:9090`, for the raw counters of each instance.

    A selector of a track is such as `track="canary"`. Restarts are found here, without `increase()`.
    """

    def __init__(self, address: str, selectors: Mapping[Track, str]) -> None:
        self._address = address.rstrip("/")
        self._selectors = selectors

    def read(self) -> Mapping[Track, Reading]:
        """Ask for what it has scraped last."""
        try:
            with httpx2.Client(timeout=TIMEOUT_S, trust_env=False) as client:
                return {track: self._read_track(client, self._selectors[track]) for track in TRACKS}
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise RolloutError(f"Prometheus does not answer at {self._address}: {error}", instead="start it") from error
        except (KeyError, ValueError, TypeError) as error:
            message = f"{self._address} answers what is not Prometheus's: {error!r}"
            raise RolloutError(message, instead="correct it") from error

    def _read_track(self, client: httpx2.Client, selector: str) -> Reading:
        now = time.time()
        exposed: dict[str, ExposedMetrics] = {}
        for labels, value in self._query(client, f'{{__name__=~"{"|".join(NAMES)}",{selector}}}', now):
            exposed.setdefault(labels.get("instance", ""), ExposedMetrics()).add(labels["__name__"], labels, value)
        ages = [value for _, value in self._query(client, f"timestamp({metrics.REQUESTS.name}{{{selector}}})", now)]
        down = [labels["instance"] for labels, value in self._query(client, f"up{{{selector}}}", now) if not value]
        missing = [instance for instance in down if instance not in exposed]
        return _reading_from_exposed(min(ages, default=0.0), dict(exposed), missing)

    def _query(self, client: httpx2.Client, query: str, at: float) -> list[tuple[Mapping[str, str], float]]:
        answer = client.get(f"{self._address}/api/v1/query", params={"query": query, "time": f"{at:.3f}"})
        content: dict[str, Any] = answer.json()
        if content["status"] != "success":
            raise RolloutError(f"Prometheus refuses {query}: {content.get('error')}", instead="correct the selectors")
        return [(series["metric"], float(series["value"][1])) for series in content["data"]["result"]]


@dataclass(slots=True)
class ExposedMetrics:
    """Collect the samples that a service exposes, in any order, and turn them into counts."""

    numbers: Counter[tuple[str, str]] = field(default_factory=Counter)
    bundles: set[Bundle] = field(default_factory=set)

    def add(self, name: str, labels: Mapping[str, str], value: float) -> None:
        """Add one sample; samples of other metrics or routes are left out."""
        if name == metrics.BUNDLE_INFO.name:
            self.bundles.add(Bundle(labels.get("model_version", ""), labels.get("bundle_sha256", "")))
        elif name in LABELS and labels.get("route", PREDICT_ROUTE) == PREDICT_ROUTE:
            key = labels.get(LABELS[name], "")
            self.numbers[name, str(float(key)) if LABELS[name] == "le" else key] += round(value)

    @property
    def is_empty(self) -> bool:
        """Whether this is no service that counts what is judged."""
        return not any(name == metrics.REQUESTS.name for name, _ in self.numbers)

    def bundle(self) -> Bundle:
        """Return what is served. A name of two is no version's, so an instance that contradicts itself is wrong."""
        versions, sums = ({*column} for column in zip(*self.bundles, strict=True)) if self.bundles else ({""}, {""})
        return Bundle(" and ".join(sorted(versions)), " and ".join(sorted(sums)))

    def counts(self) -> Counts:
        """Return the counts since the instance started."""
        status, tiers = self._by_label(metrics.REQUESTS), self._by_label(metrics.PREDICTIONS)
        errors = status.get("5xx", 0)
        return Counts(
            requests=status.get("2xx", 0) + errors,
            errors=errors,
            latency=self._by_bucket(metrics.REQUEST_DURATION, (*LATENCY_BOUNDS_S, float("inf"))),
            predictions=sum(tiers.values()),
            probability=self._by_bucket(metrics.PROBABILITY, PROBABILITY_BOUNDS),
            tiers=tiers,
            banners=self._by_label(metrics.BANNERS).get("", 0),
            top_features=self._by_label(metrics.TOP_FEATURE),
            top_sets=self._by_label(metrics.TOP_SET),
        )

    def _by_label(self, metric: Metric) -> dict[str, int]:
        return {label: number for (name, label), number in self.numbers.items() if name == metric.name}

    def _by_bucket(self, metric: Metric, bounds: Iterable[float]) -> tuple[int, ...]:
        """Return the number in each bucket; the samples are cumulative."""
        sums = [self.numbers[f"{metric.name}_bucket", str(float(bound))] for bound in bounds]
        return tuple(now - before for before, now in zip([0, *sums], sums, strict=False))


def _scrape(address: str) -> ExposedMetrics | None:
    """Return what an instance exposes; None if it does not answer, or is no service of ours."""
    try:
        answer = httpx2.get(f"{address.rstrip('/')}/metrics", timeout=TIMEOUT_S, trust_env=False)
        answer.raise_for_status()
        exposed = ExposedMetrics()
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                exposed.add(sample.name, sample.labels, sample.value)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
        return None
    return None if exposed.is_empty else exposed


def _reading_from_exposed(
    at: float, exposed: Mapping[str, ExposedMetrics | None], missing: Sequence[str] = ()
) -> Reading:
    present = {instance: samples for instance, samples in exposed.items() if samples is not None}
    return Reading(
        at,
        {instance: samples.counts() for instance, samples in present.items()},
        (*(instance for instance in exposed if instance not in present), *missing),
        {instance: samples.bundle() for instance, samples in present.items()},
    )
