"""Read the counts of both tracks: from the instances, or from a Prometheus that scrapes them."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from churn.errors import RolloutError
from churn.judging import metrics
from churn.judging.counts import Counts
from churn.judging.metrics import LATENCY_BOUNDS_S, PREDICT_ROUTE, PROBABILITY_BOUNDS, Metric
from churn.rollout.fetch import UNREADABLE, Answer, build_authorization, fetch_all
from churn.rollout.routers.router import TRACKS, Track
from churn.rollout.state import UNKNOWN, Bundle, Reading

MOST_BYTES = 4_000_000  # of an instance's answer
MOST_BYTES_OF_PROMETHEUS = 64_000_000
MOST_COUNTED = 2**53  # beyond, whole numbers are not exact
MOST_LETTERS = 100  # of a version or a checksum
AHEAD_S = 60.0  # how far a figure's own time may be ahead of Prometheus's
# The label by which the samples of a metric differ.
LABELS = {
    metrics.REQUESTS.name: "status",
    f"{metrics.REQUEST_DURATION.name}_bucket": "le",
    metrics.RETRIES.name: "status",
    f"{metrics.RETRY_DURATION.name}_bucket": "le",
    metrics.REPEATS.name: "status",
    f"{metrics.REPEAT_DURATION.name}_bucket": "le",
    metrics.PREDICTIONS.name: "tier",
    f"{metrics.PROBABILITY.name}_bucket": "le",
    metrics.BANNERS.name: "",
    metrics.TOP_FEATURE.name: "feature",
    metrics.TOP_SET.name: "features",
}
BUNDLE_LABELS = ("model_version", "bundle_sha256", "contract_fingerprint")
NAMES = (*LABELS, metrics.BUNDLE_INFO.name)  # all metrics that are read


class CountSource(Protocol):
    """Know what both tracks have answered."""

    def read(self) -> Mapping[Track, Reading]:
        """Read the counters. A single instance that does not answer is `missing` in its reading.

        Raises:
            RolloutError: nothing is known of either track.
        """


class Instances:
    """Ask every instance, all at once, at its present address, such as `http://127.0.0.1:8000`, with a key if given."""

    def __init__(self, find_addresses: Callable[[], Mapping[Track, Sequence[str]]], api_key: str | None = None) -> None:
        self._find_addresses = find_addresses
        self._api_key = api_key

    def read(self) -> Mapping[Track, Reading]:
        """Ask each for /metrics. The reading of a track without instances is empty."""
        by_track, asked_s = self._find_addresses(), time.monotonic()
        addresses = [address for places in by_track.values() for address in places]
        urls = [f"{address.rstrip('/')}/metrics" for address in addresses]
        answers = asyncio.run(fetch_all(urls, MOST_BYTES, build_authorization(self._api_key)))
        exposed = {address: _parse(answer) for address, answer in zip(addresses, answers, strict=True)}
        age_s = time.monotonic() - asked_s
        return {
            track: _reading_from_exposed(age_s, {address: exposed[address] for address in places})
            for track, places in by_track.items()
        }

    def read_documents(self) -> Mapping[Track, Any]:
        """Ask the first instance of each track for /openapi.json.

        Raises:
            RolloutError: it cannot be read.
        """
        by_track = self._find_addresses()
        urls = [f"{by_track[track][0].rstrip('/')}/openapi.json" for track in TRACKS]
        answers = dict(
            zip(TRACKS, asyncio.run(fetch_all(urls, MOST_BYTES, build_authorization(self._api_key))), strict=True)
        )
        return {track: _read_document(url, answers[track]) for track, url in zip(TRACKS, urls, strict=True)}


class Prometheus:
    """Ask a Prometheus, such as `http://127.0.0.1:9090`, for the raw counters of each instance.

    A selector of a track is such as `track="canary"`. Restarts are found here, without `increase()`. All times are by
    Prometheus's clock, so it matters to nobody whether this machine's clock is right.
    """

    def __init__(self, address: str, selectors: Mapping[Track, str]) -> None:
        self._address = address.rstrip("/")
        self._selectors = selectors
        self._asked_at = 0.0  # by Prometheus's clock

    def read(self) -> Mapping[Track, Reading]:
        """Ask for what it has scraped last."""
        try:
            now = self._read_time()
            return {track: self._read_track(selector, now) for track, selector in self._selectors.items()}
        except httpx2.TransportError as error:
            raise RolloutError(f"Prometheus does not answer at {self._address}: {error}", instead="start it") from error
        except UNREADABLE as error:
            message = f"{self._address} answers what is not Prometheus's: {str(error)[:MOST_LETTERS]!r}"
            raise RolloutError(message, instead="correct it") from error

    def read_documents(self) -> Mapping[Track, Any]:
        """Raise RolloutError: Prometheus keeps numbers only."""
        raise RolloutError(
            f"the contracts of stable and canary differ, and {self._address} cannot tell what they take",
            instead="start without --prometheus, with the addresses of instances: --stable URL --canary URL",
        )

    def _read_time(self) -> float:
        """Return Prometheus's time. If that was set back, its newest figures are older than those already read."""
        [[(_, now)]] = self._query(["vector(time())"])
        if not 0 < now < MOST_COUNTED:
            raise ValueError(f"{now} is no time")
        if now < self._asked_at:
            raise RolloutError(
                f"the clock of {self._address} was set back by {self._asked_at - now:.1f} s, so what it answers is old",
                instead="set its clock right, or restart it; when its time is later than before, it is read again",
            )
        self._asked_at = now
        return now

    def _read_track(self, selector: str, now: float) -> Reading:
        exposed: dict[str, ExposedMetrics] = {}
        samples, ages, up = self._query(
            [
                f'{{__name__=~"{"|".join(NAMES)}",{selector}}}',
                f"timestamp({metrics.REQUESTS.name}{{{selector}}})",
                f"up{{{selector}}}",
            ],
            now,
        )
        for labels, value in samples:
            exposed.setdefault(labels.get("instance", ""), ExposedMetrics()).add(labels["__name__"], labels, value)
        age_s = max((now - value for _, value in ages), default=now)
        if not all(value <= now + AHEAD_S for _, value in ages):  # nor is one that is no number
            raise ValueError("figures of a time to come")
        missing = [labels["instance"] for labels, value in up if not value and labels["instance"] not in exposed]
        known = {instance: (samples.counts(), samples.bundle()) for instance, samples in exposed.items()}
        return _reading_from_exposed(age_s, known, missing)

    def _query(self, queries: Sequence[str], at: float | None = None) -> list[list[tuple[Mapping[str, str], float]]]:
        when = {} if at is None else {"time": f"{at:.3f}"}
        urls = [str(httpx2.URL(f"{self._address}/api/v1/query", params={"query": query} | when)) for query in queries]
        results = []
        for query, answer in zip(queries, asyncio.run(fetch_all(urls, MOST_BYTES_OF_PROMETHEUS)), strict=True):
            if isinstance(answer, Exception):
                raise answer
            content: dict[str, Any] = json.loads(answer[1])
            if content["status"] != "success":
                why = str(content.get("error"))[:1000]
                raise RolloutError(f"Prometheus refuses {query}: {why}", instead="correct the selectors")
            results.append([(series["metric"], float(series["value"][1])) for series in content["data"]["result"]])
        return results


@dataclass(slots=True)
class ExposedMetrics:
    """Collect the samples that a service exposes, in any order, and turn them into counts."""

    numbers: Counter[tuple[str, str]] = field(default_factory=Counter)
    bundles: set[Bundle] = field(default_factory=set)

    def add(self, name: str, labels: Mapping[str, str], value: float) -> None:
        """Add one sample; samples of other metrics or routes are left out."""
        if name == metrics.BUNDLE_INFO.name:
            self.bundles.add(Bundle(*(labels.get(label, "")[:MOST_LETTERS] for label in BUNDLE_LABELS)))
        elif name in LABELS and labels.get("route", PREDICT_ROUTE) == PREDICT_ROUTE:
            if not 0 <= value <= MOST_COUNTED:
                raise ValueError(f"{name} is {value}, which is no count")
            key = labels.get(LABELS[name], "")
            self.numbers[name, str(float(key)) if LABELS[name] == "le" else key] += round(value)

    @property
    def is_empty(self) -> bool:
        """Whether this is no service that counts what is judged."""
        return not any(name == metrics.REQUESTS.name for name, _ in self.numbers)

    def bundle(self) -> Bundle:
        """Return what is served. A name of two is no version's, so an instance that contradicts itself is wrong."""
        columns = zip(*self.bundles or {UNKNOWN}, strict=True)
        return Bundle(*(" and ".join(sorted({*column})) for column in columns))

    def counts(self) -> Counts:
        """Return the counts since the instance started.

        Raises:
            ValueError: the samples contradict each other.
        """
        status, tiers = self._by_label(metrics.REQUESTS), self._by_label(metrics.PREDICTIONS)
        errors = status.get("5xx", 0)
        retries = self._by_label(metrics.RETRIES)
        retried_errors = retries.get("5xx", 0)
        repeats = self._by_label(metrics.REPEATS)
        repeated_errors = repeats.get("5xx", 0)
        bounds = (*LATENCY_BOUNDS_S, float("inf"))
        return Counts(
            requests=status.get("2xx", 0) + errors,
            errors=errors,
            refused=status.get("4xx", 0),
            latency=self._by_bucket(metrics.REQUEST_DURATION, bounds),
            predictions=sum(tiers.values()),
            probability=self._by_bucket(metrics.PROBABILITY, PROBABILITY_BOUNDS),
            tiers=tiers,
            banners=self._by_label(metrics.BANNERS).get("", 0),
            top_features=self._by_label(metrics.TOP_FEATURE),
            top_sets=self._by_label(metrics.TOP_SET),
            retries=retries.get("2xx", 0) + retried_errors,
            retried_errors=retried_errors,
            retried_latency=self._by_bucket(metrics.RETRY_DURATION, bounds),
            repeats=repeats.get("2xx", 0) + repeated_errors,
            repeated_errors=repeated_errors,
            repeated_refused=repeats.get("4xx", 0),
            repeated_latency=self._by_bucket(metrics.REPEAT_DURATION, bounds),
            unsorted=0 if repeats else status.get("2xx", 0) + errors,  # a service of an earlier version
        )

    def _by_label(self, metric: Metric) -> dict[str, int]:
        return {label: number for (name, label), number in self.numbers.items() if name == metric.name}

    def _by_bucket(self, metric: Metric, bounds: Iterable[float]) -> tuple[int, ...]:
        """Return the number in each bucket; the samples are cumulative."""
        sums = [self.numbers[f"{metric.name}_bucket", str(float(bound))] for bound in bounds]
        numbers = tuple(now - before for before, now in zip([0, *sums], sums, strict=False))
        if min(numbers) < 0:
            raise ValueError(f"the buckets of {metric.name} do not rise")
        return numbers


def _parse(answer: Answer) -> tuple[Counts, Bundle] | None:
    """Return what an instance exposes; None if it does not answer, or is no service of ours."""
    if isinstance(answer, Exception) or answer[0] != httpx2.codes.OK:
        return None
    exposed = ExposedMetrics()
    try:
        for family in text_string_to_metric_families(answer[1].decode()):
            for sample in family.samples:
                exposed.add(sample.name, sample.labels, sample.value)
        return None if exposed.is_empty else (exposed.counts(), exposed.bundle())
    except UNREADABLE:
        return None


def _read_document(url: str, answer: Answer) -> Any:
    try:
        if not isinstance(answer, Exception) and answer[0] == httpx2.codes.OK:
            return json.loads(answer[1])
    except UNREADABLE as error:
        answer = error
    why = f"{answer}" if isinstance(answer, Exception) else f"status {answer[0]}"
    raise RolloutError(f"{url} cannot be read: {why[:MOST_LETTERS]}", instead="see whether the service runs there")


def _reading_from_exposed(
    age_s: float, exposed: Mapping[str, tuple[Counts, Bundle] | None], missing: Sequence[str] = ()
) -> Reading:
    present = {instance: known for instance, known in exposed.items() if known is not None}
    return Reading(
        age_s,
        {instance: counts for instance, (counts, _) in present.items()},
        (*(instance for instance in exposed if instance not in present), *missing),
        {instance: bundle for instance, (_, bundle) in present.items()},
    )
