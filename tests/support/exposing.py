"""A server on a real socket that exposes what a service counts, made by prometheus_client itself."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from churn.judging import metrics
from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BOUNDS
from support.listening import QuietHandler, listening


class Service:
    """What a service counts, by prometheus_client itself. One of an earlier version tells nothing of retries."""

    def __init__(self, version: str = "v1", *, fingerprint: str = "the contract's", tells_retries: bool = True) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, *labels: str) -> Counter:
            return Counter(name, "what it says", labels, registry=self.registry)

        def histogram(name: str, label: str, bounds: tuple[float, ...]) -> Histogram:
            return Histogram(name, "what it says", [label], buckets=bounds, registry=self.registry)

        self.version = version
        self.requests = counter(metrics.REQUESTS.name, "route", "status")
        self.predictions = counter(metrics.PREDICTIONS.name, "model_version", "tier")
        self.banners = counter(metrics.BANNERS.name, "model_version")
        self.features = counter(metrics.TOP_FEATURE.name, "model_version", "feature")
        self.sets = counter(metrics.TOP_SET.name, "model_version", "features")
        self.latency = histogram(metrics.REQUEST_DURATION.name, "route", LATENCY_BOUNDS_S)
        self.probability = histogram(metrics.PROBABILITY.name, "model_version", PROBABILITY_BOUNDS)
        self.requests.labels("/predict", "2xx")  # is there from the start, as 0
        if tells_retries:
            self.retries = counter(metrics.RETRIES.name, "status")
            self.retries.labels("2xx")
            self.retry_duration = Histogram(
                metrics.RETRY_DURATION.name, "of retries", buckets=LATENCY_BOUNDS_S, registry=self.registry
            )
            self.repeats = counter(metrics.REPEATS.name, "status")
            self.repeats.labels("2xx")
            self.repeat_duration = Histogram(
                metrics.REPEAT_DURATION.name, "of repeats", buckets=LATENCY_BOUNDS_S, registry=self.registry
            )
        labels = ["model_version", "bundle_sha256", "contract_fingerprint"]
        info = Gauge(metrics.BUNDLE_INFO.name, "what it serves", labels, registry=self.registry)
        info.labels(version, f"sum-of-{version}", fingerprint).set(1)

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
    document: bytes = b""


@contextmanager
def answering(services: Sequence[Service]) -> Iterator[None]:
    """Has each of them count a thousand answers a second."""
    stop = threading.Event()

    def answer() -> None:
        while not stop.wait(0.05):
            for service in services:
                service.answers(0.3, "low", times=50)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def exposing(service: Service | None, host: str = "127.0.0.1", port: int = 0) -> Iterator[Exposed]:
    exposed = Exposed("", registry=service.registry if service else None)

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
            content = exposed.content if exposed.registry is None else generate_latest(exposed.registry)
            asked = self.path == "/metrics"
            self.send_response(404 if asked and content is None else 200)
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # HAProxy's checks hang up as soon as they know
                self.wfile.write({"/metrics": content or b"", "/openapi.json": exposed.document}.get(self.path, b""))

    with listening(Handler, host, port) as exposed.address:
        yield exposed
