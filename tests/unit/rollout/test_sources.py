"""Real servers that expose counters, and what is read of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from processes import free_port
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from churn import measures
from churn.measures import LATENCY_BOUNDS_S, PROBABILITY_BOUNDS
from churn.rollout.counts import Counts
from churn.rollout.sources import Instances


class Service:
    """What a service counts, by prometheus_client itself."""

    def __init__(self, version: str = "v1") -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, *labels: str) -> Counter:
            return Counter(name, "what it says", labels, registry=self.registry)

        def histogram(name: str, label: str, bounds: tuple[float, ...]) -> Histogram:
            return Histogram(name, "what it says", [label], buckets=bounds, registry=self.registry)

        self.version = version
        self.requests = counter(measures.REQUESTS, "route", "status")
        self.predictions = counter(measures.PREDICTIONS, "model_version", "tier")
        self.banners = counter(measures.BANNERS, "model_version")
        self.features = counter(measures.TOP_FEATURE, "model_version", "feature")
        self.sets = counter(measures.TOP_SET, "model_version", "features")
        self.latency = histogram(measures.REQUEST_DURATION, "route", LATENCY_BOUNDS_S)
        self.probability = histogram(measures.PROBABILITY, "model_version", PROBABILITY_BOUNDS)
        info = Gauge(measures.BUNDLE_INFO, "what it serves", ["model_version"], registry=self.registry)
        info.labels(version).set(1)

    def answers(self, probability: float, tier: str, *, took_s: float = 0.0015, times: int = 1) -> None:
        """So many predictions alike."""
        for _ in range(times):
            self.requests.labels("/predict", "2xx").inc()
            self.latency.labels("/predict").observe(took_s)
            self.probability.labels(self.version).observe(probability)
            self.predictions.labels(self.version, tier).inc()
            for feature in ("a", "b", "c"):
                self.features.labels(self.version, feature).inc()
            self.sets.labels(self.version, "a|b|c").inc()
            if probability > 0.6:
                self.banners.labels(self.version).inc()


@dataclass
class Exposed:
    """A server that exposes something, or nothing."""

    address: str
    content: bytes | None = None
    registry: CollectorRegistry | None = None


@contextmanager
def exposing(service: Service | None) -> Iterator[Exposed]:
    exposed = Exposed("", registry=service.registry if service else None)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = exposed.content if exposed.registry is None else generate_latest(exposed.registry)
            self.send_response(200 if content is not None and self.path == "/metrics" else 404)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    exposed.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield exposed
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_an_instance_exposes_becomes_its_counts() -> None:
    service = Service("v2")
    service.answers(0.72, "high", times=3)
    service.answers(0.05, "low", took_s=9.0)
    service.requests.labels("/predict", "5xx").inc(2)
    service.requests.labels("/predict", "4xx").inc(5)
    service.requests.labels("/predict", "499").inc()
    service.requests.labels("/health", "2xx").inc(1000)
    service.latency.labels("/health").observe(0.001)
    with exposing(service) as one, exposing(Service()) as other:
        readings = Instances({"stable": [other.address], "canary": [one.address]}, clock=lambda: 5.0).look()
    reading = readings["canary"]
    assert (reading.at, reading.missing, reading.versions) == (5.0, (), frozenset({"v2"}))
    latency, probability = [0] * 21, [0] * 20
    latency[LATENCY_BOUNDS_S.index(0.002)], latency[-1] = 3, 1
    probability[PROBABILITY_BOUNDS.index(0.75)], probability[PROBABILITY_BOUNDS.index(0.05)] = 3, 1
    assert reading.counts[one.address] == Counts(
        requests=6,
        errors=2,
        latency=tuple(latency),
        predictions=4,
        probability=tuple(probability),
        tiers={"high": 3, "low": 1},
        banners=3,
        top_features={"a": 4, "b": 4, "c": 4},
        top_sets={"a|b|c": 4},
    )


def test_an_instance_that_does_not_answer_or_is_something_else_is_missing_and_the_others_are_read() -> None:
    service = Service()
    service.answers(0.5, "medium")
    with exposing(service) as good, exposing(None) as nothing, exposing(None) as other, exposing(None) as broken:
        other.content = b"# HELP up yes\nup 1\n"
        broken.content = b"churn_requests_total{ 5"
        away = f"http://127.0.0.1:{free_port()}"
        bad = [nothing.address, other.address, broken.address, away]
        readings = Instances({"stable": [good.address], "canary": [good.address, *bad]}).look()
    assert readings["canary"].missing == tuple(bad)
    assert readings["canary"].counts == readings["stable"].counts
    assert readings["stable"].missing == ()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_service_that_has_answered_nothing_yet_is_there(version: str) -> None:
    service = Service(version)
    service.requests.labels("/predict", "2xx").inc(0)
    with exposing(service) as exposed:
        readings = Instances({"stable": [exposed.address], "canary": [exposed.address]}).look()
    assert readings["canary"].counts == {exposed.address: Counts()}
    assert readings["canary"].versions == {version}
