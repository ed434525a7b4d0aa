"""Retries and repeated failures are counted beside all requests: they are no evidence for the judge."""

import time
from collections.abc import Mapping
from typing import Any

import pytest
from support.examples import EXAMPLE, STREAMFLOW
from support.in_process import InProcess, answering, failing
from support.scraping import read_metrics, total

from churn.judging import metrics
from churn.service.counting.counters import OBJECTIVE_NS
from churn.service.counting.ledger import MOMENTS
from churn.service.counting.moments import ONCE_IN_S, Moments

ID = "0123456789abcdef0123456789abcdef"
AGAIN = {"X-Request-ID": ID, "X-Attempt": "2"}


def count(service: InProcess) -> tuple[float, float, float]:
    """How many requests failed, were retries, and were repeated failures."""
    found = read_metrics(service)
    return (
        total(found, metrics.REQUESTS.name, route="/predict", status="5xx"),
        total(found, metrics.RETRIES.name),
        total(found, metrics.REPEATED_FAILURES.name),
    )


def test_one_failure_of_a_subscriber_counts_in_a_minute_and_all_are_told() -> None:
    with failing(STREAMFLOW, RuntimeError("broken")) as service:
        for key in ["one"] * 20 + ["another", "one"]:
            assert service.predict(EXAMPLE, headers={"X-Subscriber-Key": key}).status_code == 500
        assert count(service) == (22, 0, 20)


def test_without_a_key_one_failure_of_a_connection_counts() -> None:
    with failing(STREAMFLOW, RuntimeError("broken")) as service:
        for _ in range(5):
            service.predict(EXAMPLE)
        assert count(service) == (5, 0, 4)


@pytest.mark.parametrize(
    ("headers", "is_retry"),
    [
        (AGAIN, True),
        (AGAIN | {"X-Attempt": "100"}, True),
        (AGAIN | {"X-Attempt": "1"}, False),
        (AGAIN | {"X-Attempt": "101"}, False),
        (AGAIN | {"X-Attempt": "two"}, False),
        ({"X-Attempt": "2"}, False),  # of which request?
        ({"X-Request-ID": ID}, False),
    ],
)
def test_a_retry_is_counted_as_one_whether_it_is_answered_or_fails(
    headers: Mapping[str, str], *, is_retry: bool
) -> None:
    for service, status in ((answering(STREAMFLOW, 0.5), "2xx"), (failing(STREAMFLOW, RuntimeError()), "5xx")):
        with service:
            service.predict(EXAMPLE, headers=headers)
            found = read_metrics(service)
        assert total(found, metrics.REQUESTS.name, route="/predict", status=status) == 1
        assert total(found, metrics.RETRIES.name, status=status) == total(found, metrics.RETRIES.name) == is_retry
        assert total(found, f"{metrics.RETRY_DURATION.name}_count") == is_retry


def test_a_failed_retry_takes_nothing_from_the_next_failure_of_that_subscriber() -> None:
    with failing(STREAMFLOW, RuntimeError("broken")) as service:
        service.predict(EXAMPLE, headers=AGAIN | {"X-Subscriber-Key": "one"})
        service.predict(EXAMPLE, headers={"X-Subscriber-Key": "one"})
        assert count(service) == (2, 1, 0)


def test_one_slow_answer_counts_in_a_minute_and_repeats_are_told_by_how_long_they_took(even: InProcess) -> None:
    counters: Any = even.app.state.counters
    for took_ns in (OBJECTIVE_NS, OBJECTIVE_NS + 1, 400_000_000, 9_000_000_000):
        counters.count_repeats(b"key one", 200, took_ns)
    found = read_metrics(even)
    repeats = [total(found, f"{metrics.REPEATED_SLOW.name}_bucket", le=le) for le in ("0.3", "0.5", "5.0", "+Inf")]
    assert repeats == [0, 1, 1, 2]
    assert total(found, metrics.REPEATED_FAILURES.name) == 0


def test_a_name_counts_again_after_a_minute_since_it_last_counted() -> None:
    now_s = [5.0]
    moments = Moments(memoryview(bytearray(8 * MOMENTS)).cast("d"), lambda: now_s[0])
    assert [moments.take(b"one"), moments.take(b"one"), moments.take(b"another")] == [True, False, True]
    now_s[0] += ONCE_IN_S - 1
    assert not moments.take(b"one")
    now_s[0] += 1
    assert [moments.take(b"one"), moments.take(b"one")] == [True, False]


def test_a_row_counts_once_however_long_and_again_after_a_minute_without() -> None:
    now_s = [5.0]
    moments = Moments(memoryview(bytearray(8 * MOMENTS)).cast("d"), lambda: now_s[0])
    taken = 0
    for _ in range(100):
        taken += moments.take(b"one", in_a_row=True)
        now_s[0] += ONCE_IN_S / 2
    assert taken == 1
    now_s[0] += ONCE_IN_S / 2
    assert moments.take(b"one", in_a_row=True)


def test_a_flood_of_new_names_counts_no_more_often_than_there_are_cells_in_a_minute() -> None:
    moments = Moments(memoryview(bytearray(8 * MOMENTS)).cast("d"), lambda: 5.0)
    taken = sum(moments.take(b"key %d" % number) for number in range(20 * MOMENTS))
    assert 0.99 * MOMENTS <= taken <= MOMENTS
    assert not moments.take(b"somebody else")


def test_all_workers_share_who_counted() -> None:
    with failing(STREAMFLOW, RuntimeError("broken")) as service:
        ledger = service.app.state.counters.ledger
        assert Moments(ledger.moments).take(b"failed key one")
        service.predict(EXAMPLE, headers={"X-Subscriber-Key": "one"})
        assert count(service) == (1, 0, 1)
    assert any(0 < moment <= time.monotonic() for moment in ledger.moments)
