"""Real servers that expose counters, and what is read of them."""

import pytest
from support.exposing import Service, exposing
from support.processes import free_port

from churn.judging.counts import Counts
from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BOUNDS
from churn.rollout.sources import Instances
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
        readings = Instances(lambda: {"stable": [other.address], "canary": [one.address]}, clock=lambda: 5.0).read()
    reading = readings["canary"]
    assert (reading.at, reading.missing) == (5.0, ())
    assert reading.served == {one.address: Bundle("v2", "sum-of-v2")}
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
    assert readings["canary"].served == {exposed.address: Bundle(version, f"sum-of-{version}")}
