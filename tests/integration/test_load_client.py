"""The load test's client against servers that do well, badly, or nothing at all, over real sockets."""

import asyncio
import itertools
import time
from typing import Any

import pytest
from support.broken_servers import always
from support.load_plans import a_plan
from support.processes import free_port
from support.small_server import PREDICTION, http, small_server

from churn.errors import LoadTestError
from churn.loadtest.client import Client, open_session
from churn.loadtest.plan import ClosedLoop, OpenLoop, require_listener
from churn.loadtest.report import LoadReport, summarise
from churn.loadtest.run import run_load
from churn.loadtest.samples import Sample

BODIES = [b"one", b"two", b"three"]
AT_ONCE = OpenLoop(10_000, "uniform", drain_s=60)


def load(address: str, **changes: Any) -> LoadReport:
    plan = a_plan(url=f"{address}/predict", **changes)
    return summarise(run_load(plan, BODIES), plan)


async def predict(_: bytes) -> bytes:
    return http(200, PREDICTION)


@pytest.mark.parametrize("loop", [ClosedLoop(4), OpenLoop(500, "poisson", drain_s=60)])
def test_every_request_is_sent_once_after_the_warm_up_which_is_not_counted(loop: ClosedLoop | OpenLoop) -> None:
    received = []

    async def reply(body: bytes) -> bytes:
        received.append(body)
        return await predict(body)

    with small_server(reply) as address:
        report = load(address, loop=loop, requests=30, warmup=6)
    assert (report.requests, report.sent, report.answered, report.errors) == (30, 30, 30, {})
    assert report.model_versions == {"v1": 30}
    assert sorted(received) == sorted(BODIES * 12)


@pytest.mark.parametrize("loop", [ClosedLoop(2), OpenLoop(100, "uniform", drain_s=60)])
def test_a_duration_ends_the_sending(loop: ClosedLoop | OpenLoop) -> None:
    with small_server(predict) as address:
        report = load(address, loop=loop, requests=None, duration_s=0.3)
    assert report.answered == report.requests > 1
    assert isinstance(loop, ClosedLoop) or report.requests == 30


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (http(500, PREDICTION), "status 500"),
        (http(302, b""), "status 302"),
        (http(200, b"<html>"), "invalid answer"),
        (b"nonsense\r\n\r\n", "invalid answer"),
        (http(200, PREDICTION).replace(b"Length: 5", b"Length: 9")[:80], "timeout"),
        (None, "connection reset"),
    ],
)
def test_each_failure_has_its_kind(answer: bytes | None, kind: str) -> None:
    with small_server(always(answer)) as address:
        report = load(address, requests=4, timeout_s=0.3 if kind == "timeout" else 30)
    assert (report.errors, report.answered, report.latency) == ({kind: 4}, 0, None)


def test_nobody_there_is_a_refused_connection_to_the_run_and_a_sentence_before_it() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    assert load(address, requests=4).errors == {"connection refused": 4}
    with pytest.raises(LoadTestError, match=r"nothing listens at 127\.0\.0\.1 port") as refused:
        require_listener(address)
    assert "churn serve" in refused.value.instead


def test_a_host_that_is_none_is_a_sentence() -> None:
    with pytest.raises(LoadTestError, match=r"there is no host 'nobody\.invalid'"):
        require_listener("http://nobody.invalid")


def test_some_failures_do_not_spoil_the_others() -> None:
    turn = itertools.count()

    async def every_other(body: bytes) -> bytes | None:
        return None if next(turn) % 2 else await predict(body)

    with small_server(every_other) as address:
        report = load(address, loop=ClosedLoop(1), requests=10)
    assert (report.answered, report.errors) == (5, {"connection reset": 5})


def test_an_open_loop_does_not_wait_for_answers() -> None:
    """The server answers none before it has all: a closed loop of fewer connections would never end."""
    here, all_here = itertools.count(1), asyncio.Event()

    async def wait_for_all(body: bytes) -> bytes:
        if next(here) == 50:
            all_here.set()
        await all_here.wait()
        return await predict(body)

    with small_server(wait_for_all) as address:
        assert load(address, loop=AT_ONCE, requests=50).answered == 50


def test_a_request_that_is_sent_late_has_waited_since_it_was_due() -> None:
    async def send_a_second_late(address: str) -> Sample:
        async with open_session(timeout_s=30) as session:
            client = Client(session, address, BODIES)
            await client.send(0, client.now() - 1)
        [sample] = client.samples
        return sample

    with small_server(predict) as address:
        sample = asyncio.run(send_a_second_late(address))
    assert sample.error is None
    assert sample.latency_ms > 1000


def test_a_request_beyond_the_bound_is_not_sent_and_one_never_answered_is_given_up_at_the_end() -> None:
    async def never(_: bytes) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError

    with small_server(never) as address:
        report = load(address, loop=OpenLoop(10_000, "uniform", drain_s=0.1, most_in_flight=5), requests=20)
    assert (report.sent, report.errors) == (5, {"not sent": 15, "unanswered at the end": 5})


def test_a_stall_is_seen_by_all_that_were_due_meanwhile() -> None:
    turn = itertools.count()

    async def stall_once(body: bytes) -> bytes:
        if next(turn) == 20:
            time.sleep(0.5)  # noqa: ASYNC251 - the whole server stands still
        return await predict(body)

    with small_server(stall_once) as address:
        report = load(address, loop=OpenLoop(100, "uniform", drain_s=60), requests=100)
    assert report.latency is not None
    # Of 100 requests some 50 fell due during the stall; a closed loop would have seen it once.
    assert report.latency.p95_ms > 400
