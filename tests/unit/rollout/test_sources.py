"""Real servers that expose counters, and what is read of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest
from support.exposing import Service, exposing
from support.listening import QuietHandler, listening
from support.processes import free_port

from churn.errors import RolloutError
from churn.judging.counts import Counts
from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BOUNDS
from churn.rollout.fetch import TIMEOUT_S
from churn.rollout.routers.router import Track
from churn.rollout.sources import Instances, Prometheus
from churn.rollout.state import Bundle


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
        readings = Instances(lambda: {"stable": [other.address], "canary": [one.address]}).read()
    reading = readings["canary"]
    assert 0 <= reading.age_s < TIMEOUT_S
    assert reading.missing == ()
    assert reading.served == {one.address: Bundle("v2", "sum-of-v2", "the contract's")}
    latency, probability = [0] * 21, [0] * 20
    latency[LATENCY_BOUNDS_S.index(0.002)], latency[-1] = 3, 1
    probability[PROBABILITY_BOUNDS.index(0.75)], probability[PROBABILITY_BOUNDS.index(0.05)] = 3, 1
    assert reading.counts[one.address] == Counts(
        requests=6,
        errors=2,
        refused=5,
        latency=tuple(latency),
        predictions=4,
        probability=tuple(probability),
        tiers={"high": 3, "low": 1},
        banners=3,
        top_features={"a": 4, "b": 4, "c": 4},
        top_sets={"a|b|c": 4},
    )


def test_retries_and_repeats_are_read_beside_all_requests() -> None:
    service = Service()
    service.answers(0.5, "medium", times=4)
    service.requests.labels("/predict", "5xx").inc(9)
    service.retries.labels("2xx").inc(3)
    service.retries.labels("4xx").inc(7)
    service.retries.labels("5xx").inc(2)
    service.retry_duration.observe(0.0015)
    service.repeats.labels("2xx").inc(8)
    service.repeats.labels("4xx").inc(9)
    service.repeats.labels("5xx").inc(6)
    service.repeat_duration.observe(0.4)
    with exposing(service) as one:
        counts = Instances(lambda: {"stable": [], "canary": [one.address]}).read()["canary"].counts[one.address]
    assert (counts.requests, counts.errors, counts.retries, counts.retried_errors) == (13, 9, 5, 2)
    assert (counts.repeats, counts.repeated_errors, counts.repeated_refused, counts.unsorted) == (14, 6, 9, 0)
    assert counts.retried_latency[LATENCY_BOUNDS_S.index(0.002)] == sum(counts.retried_latency) == 1
    assert counts.repeated_latency[LATENCY_BOUNDS_S.index(0.5)] == sum(counts.repeated_latency) == 1


def test_a_service_of_an_earlier_version_tells_no_retries_and_its_requests_are_unsorted() -> None:
    service = Service(tells_retries=False)
    service.answers(0.5, "medium", times=4)
    service.requests.labels("/predict", "5xx").inc()
    with exposing(service) as one:
        counts = Instances(lambda: {"stable": [], "canary": [one.address]}).read()["canary"].counts[one.address]
    assert (counts.requests, counts.unsorted, counts.retries, counts.repeated_errors) == (5, 5, 0, 0)


def test_an_instance_that_does_not_answer_or_is_something_else_is_missing_and_the_others_are_read() -> None:
    service = Service()
    service.answers(0.5, "medium")
    with exposing(service) as good, exposing(None) as nothing, exposing(None) as other, exposing(None) as broken:
        other.content = b"# HELP up yes\nup 1\n"
        broken.content = b"churn_requests_total{ 5"
        away = f"http://127.0.0.1:{free_port()}"
        bad = [nothing.address, other.address, broken.address, away]
        readings = Instances(lambda: {"stable": [good.address], "canary": [good.address, *bad]}).read()
    assert readings["canary"].missing == tuple(bad)
    assert readings["canary"].counts == readings["stable"].counts
    assert readings["stable"].missing == ()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_service_that_has_answered_nothing_yet_is_there(version: str) -> None:
    service = Service(version)
    with exposing(service) as exposed:
        readings = Instances(lambda: {"stable": [exposed.address], "canary": [exposed.address]}).read()
    assert readings["canary"].counts == {exposed.address: Counts()}
    assert readings["canary"].served == {exposed.address: Bundle(version, f"sum-of-{version}", "the contract's")}


@pytest.mark.parametrize(
    "line",
    [
        b'churn_requests_total{route="/predict",status="2xx"} NaN',
        b'churn_requests_total{route="/predict",status="2xx"} +Inf',
        b'churn_requests_total{route="/predict",status="2xx"} -1',
        b'churn_requests_total{route="/predict",status="2xx"} 1e300',
        (
            b'churn_request_duration_seconds_bucket{route="/predict",le="0.002"} 9\n'
            b'churn_request_duration_seconds_bucket{route="/predict",le="+Inf"} 3'
        ),
        b"\xff\xfe",
        b"# " * 3_000_000,
    ],
)
def test_an_answer_that_is_no_count_makes_its_instance_one_that_is_missing(line: bytes) -> None:
    with exposing(None) as wrong:
        wrong.content = b'churn_requests_total{route="/predict",status="5xx"} 5\n' + line + b"\n"
        reading = Instances(lambda: {"stable": [], "canary": [wrong.address]}).read()["canary"]
    assert (reading.missing, reading.counts) == ((wrong.address,), {})


def test_an_instance_that_does_not_say_what_it_serves_serves_nothing_known() -> None:
    with exposing(None) as silent:
        silent.content = b'churn_requests_total{route="/predict",status="2xx"} 5\n'
        reading = Instances(lambda: {"stable": [], "canary": [silent.address]}).read()["canary"]
    assert reading.served == {silent.address: Bundle("", "")}


SELECTORS: dict[Track, str] = {"stable": 'track="stable"', "canary": 'track="canary"'}
PROMETHEUS = b'{"status": "success", "data": {"result": [{"metric": {"__name__": "%s"}, "value": [1, "%s"]}]}}'
PROMETHEUS_ANSWERS = {
    "no JSON": b"<html>",
    "deep JSON": b"[" * 100_000,
    "another shape": b'{"status": "success", "data": {"result": [1]}}',
    "no count": PROMETHEUS % (b"churn_banners_total", b"NaN"),
    "a time to come": PROMETHEUS % (b"up", b"1e12"),
    "no time": PROMETHEUS % (b"", b"NaN"),
}


@pytest.mark.parametrize("name", PROMETHEUS_ANSWERS)
def test_what_is_no_answer_of_a_prometheus_is_told_in_a_sentence(name: str) -> None:
    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
            asks_time = "vector" in self.path and name != "no time"
            self.answer(200, PROMETHEUS % (b"", b"1000") if asks_time else PROMETHEUS_ANSWERS[name])

    with listening(Handler) as address, pytest.raises(RolloutError, match="answers what is not Prometheus's"):
        Prometheus(address, SELECTORS).read()


@dataclass
class Scraped:
    """A Prometheus of which a test sets the time, and how old its figures are."""

    now: float
    age_s: float = 4.0

    def answer(self, query: str) -> list[dict[str, object]]:
        value = self.now if "vector" in query else self.now - self.age_s if "timestamp" in query else 1
        name = "up" if "up{" in query else "churn_requests_total"
        labels = {"__name__": name, "instance": "a", "route": "/predict", "status": "2xx"}
        return [{"metric": labels, "value": [self.now, str(value)]}]


@contextmanager
def scraping(scraped: Scraped) -> Iterator[Prometheus]:
    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
            result = scraped.answer(parse_qs(urlsplit(self.path).query)["query"][0])
            self.answer(200, json.dumps({"status": "success", "data": {"result": result}}).encode())

    with listening(Handler) as address:
        yield Prometheus(address, SELECTORS)


def test_prometheus_is_asked_for_retries_and_repeats_and_tells_them() -> None:
    class Telling(Scraped):
        def answer(self, query: str) -> list[dict[str, object]]:
            [requests] = super().answer(query)
            if "churn_retries_total" not in query:
                return [requests]
            labels = {"instance": "a", "status": "5xx", "le": "+Inf"}
            names = ("churn_retries_total", "churn_retry_duration_seconds_bucket", "churn_repeats_total")
            assert all(name in query for name in names)
            told: list[dict[str, object]] = [
                {"metric": labels | {"__name__": name}, "value": [self.now, "3"]} for name in names
            ]
            return [requests, *told]

    with scraping(Telling(1000.0)) as prometheus:
        counts = prometheus.read()["canary"].counts["a"]
    assert (counts.retries, counts.retried_errors, counts.repeated_errors, counts.unsorted) == (3, 3, 3, 0)
    assert counts.retried_latency[-1] == 3


@pytest.mark.parametrize("now", [1000.0, 9e9])
def test_figures_are_as_old_as_prometheus_says_by_its_own_clock(now: float) -> None:
    with scraping(Scraped(now)) as source:
        assert source.read()["canary"].age_s == pytest.approx(4, abs=1e-3)


def test_a_prometheus_whose_clock_was_set_back_is_not_believed_until_its_time_has_caught_up() -> None:
    scraped = Scraped(5000.0)
    with scraping(scraped) as source:
        source.read()
        scraped.now = 1400.0
        for _ in range(2):
            with pytest.raises(RolloutError, match=r"was set back by 3600.0 s, so what it answers is old"):
                source.read()
        scraped.now = 5001.0
        assert source.read()["canary"].counts["a"].requests == 1
