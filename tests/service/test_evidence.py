"""Retries and repeats are counted beside all requests: the first answer in a subscriber's minute is the evidence."""

import time
from collections.abc import Mapping

import pytest
from support.examples import EXAMPLE, STREAMFLOW
from support.in_process import InProcess, answering, failing
from support.scraping import read_metrics, total

from churn.judging import metrics
from churn.service.counting.ledger import MOMENTS
from churn.service.counting.moments import ONCE_IN_NS, Moments

ID = "0123456789abcdef0123456789abcdef"
AGAIN = {"X-Request-ID": ID, "X-Attempt": "2"}


def count(service: InProcess) -> tuple[float, float, float]:
    """How many requests failed, were retries, and were repeats."""
    found = read_metrics(service)
    return (
        total(found, metrics.REQUESTS.name, route="/predict", status="5xx"),
        total(found, metrics.RETRIES.name),
        total(found, metrics.REPEATS.name),
    )


def test_one_answer_of_a_subscriber_counts_in_a_minute_failed_or_not_and_all_are_told() -> None:
    for service in (failing(STREAMFLOW, RuntimeError("broken")), answering(STREAMFLOW, 0.5)):
        with service:
            for key in ["one"] * 20 + ["another", "one"]:
                service.predict(EXAMPLE, headers={"X-Subscriber-Key": key})
            _, retries, repeats = count(service)
            assert (retries, repeats) == (0, 20)
            assert total(read_metrics(service), f"{metrics.REPEAT_DURATION.name}_count") == 20


def test_without_a_key_one_answer_of_a_connection_counts() -> None:
    with failing(STREAMFLOW, RuntimeError("broken")) as service:
        for _ in range(5):
            service.predict(EXAMPLE)
        assert count(service) == (5, 0, 4)


def test_a_refused_request_is_an_answer_too_and_repeats_are_told_by_how_they_ended(even: InProcess) -> None:
    for body in ({}, EXAMPLE, {}):
        even.predict(body, headers={"X-Subscriber-Key": "one"})
    found = read_metrics(even)
    told = {status: total(found, metrics.REPEATS.name, status=status) for status in ("2xx", "4xx", "5xx")}
    assert told == {"2xx": 1, "4xx": 1, "5xx": 0}


def test_only_predictions_of_one_subscriber_are_answers_that_count(even: InProcess) -> None:
    even.get("/health")
    even.batch([EXAMPLE])
    even.predict(EXAMPLE)
    assert count(even) == (0, 0, 0)


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


def test_a_retry_takes_nothing_from_the_next_answer_of_that_subscriber() -> None:
    with failing(STREAMFLOW, RuntimeError("broken")) as service:
        service.predict(EXAMPLE, headers=AGAIN | {"X-Subscriber-Key": "one"})
        service.predict(EXAMPLE, headers={"X-Subscriber-Key": "one"})
        assert count(service) == (2, 1, 0)


def build_moments() -> Moments:
    return Moments(memoryview(bytearray(8 * MOMENTS)).cast("q"))


def test_a_row_counts_once_however_long_and_again_after_a_minute_without() -> None:
    moments, now_ns = build_moments(), 5
    followed = [moments.follow("one", None, now_ns := now_ns + ONCE_IN_NS // 2) for _ in range(100)]
    assert followed == [False, *[True] * 99]
    assert not moments.follow("another", None, now_ns)
    assert not moments.follow("one", None, now_ns + ONCE_IN_NS)


def test_a_connection_counts_again_after_a_minute_since_it_last_counted() -> None:
    moments, client = build_moments(), ("127.0.0.1", 40_000)
    times_ns = [5 + ONCE_IN_NS * at // 4 for at in range(9)]
    followed = [moments.follow(None, client, now_ns) for now_ns in times_ns]
    assert followed == [False, True, True, True, False, True, True, True, False]
    assert not moments.follow(None, ("127.0.0.1", 40_001), times_ns[-1])


def test_what_shares_a_cell_is_left_out_at_random_and_full_cells_bound_what_counts() -> None:
    moments, few = build_moments(), MOMENTS // 8
    first = [moments.follow(f"key {number}", None, 5) for number in range(few)]
    assert sum(first) < few / 14  # on the way cells fill from none to an eighth
    flood = [moments.follow(f"flood {number}", None, 6) for number in range(4 * MOMENTS)]
    assert 0.95 * MOMENTS < few - sum(first) + len(flood) - sum(flood) <= MOMENTS
    assert not moments.follow("key 7", None, 7 + ONCE_IN_NS)


def test_all_workers_share_who_had_an_answer() -> None:
    with failing(STREAMFLOW, RuntimeError("broken")) as service:
        ledger = service.app.state.counters.ledger
        assert not Moments(ledger.moments).follow("one", None, time.perf_counter_ns())
        service.predict(EXAMPLE, headers={"X-Subscriber-Key": "one"})
        assert count(service) == (1, 0, 1)
    assert any(0 < moment <= time.monotonic_ns() for moment in ledger.moments)
