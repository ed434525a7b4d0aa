"""Both clients against servers that do well or badly, over real sockets."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, Unpack

import pytest
from support.broken_servers import ANSWER, BROKEN, JSON, NONSENSE, REFUSING, UNAVAILABLE, always, answer, in_turn
from support.small_server import Reply, http, read_attempts, small_server

from churn.answers import BannerEventName, RetentionAnswer
from churn.client import AsyncChurnClient, ChurnClient
from churn.client.asynchronous import MOST_CONNECTIONS
from churn.client.calls import Asked, Health, Reported
from churn.errors import ClientError, Nonsense, Refused, SettingsError, Unavailable
from churn.service.edge.request_ids import MACHINE_MADE

SUBSCRIBER = {"tenure": 987_654_321}
BUDGET_S = 0.5
SLACK_S = 5.0  # far less than what the slow servers take
OVERLOADED = http(503, b"", b"Retry-After: 0")


class Client(Protocol):
    """What the two have in common once the asynchronous one is waited for."""

    def predict(self, subscriber: dict[str, Any], **asked: Unpack[Asked]) -> RetentionAnswer: ...
    def report_event(self, prediction_id: str, event: BannerEventName, **reported: Unpack[Reported]) -> None: ...
    def schema(self) -> dict[str, Any]: ...
    def health(self) -> Health: ...


class Waiting:
    """An asynchronous client, each call of which is waited for."""

    def __init__(self, client: AsyncChurnClient, runner: asyncio.Runner) -> None:
        self.client, self.runner = client, runner

    def predict(self, subscriber: dict[str, Any], **asked: Unpack[Asked]) -> RetentionAnswer:
        return self.runner.run(self.client.predict(subscriber, **asked))

    def report_event(self, prediction_id: str, event: BannerEventName, **reported: Unpack[Reported]) -> None:
        self.runner.run(self.client.report_event(prediction_id, event, **reported))

    def schema(self) -> dict[str, Any]:
        return self.runner.run(self.client.schema())

    def health(self) -> Health:
        return self.runner.run(self.client.health())


@contextmanager
def asynchronous(address: str, budget_s: float) -> Iterator[Client]:
    with asyncio.Runner() as runner:
        client = runner.run(AsyncChurnClient(address, budget_s=budget_s).__aenter__())
        yield Waiting(client, runner)
        runner.run(client.__aexit__())


@contextmanager
def blocking(address: str, budget_s: float) -> Iterator[Client]:
    with ChurnClient(address, budget_s=budget_s) as client:
        yield client


@pytest.fixture(params=[asynchronous, blocking])
def open_client(request: pytest.FixtureRequest) -> Any:
    return request.param


def counting(reply: Reply) -> tuple[Reply, list[object]]:
    """The same reply, and for each request the connection it came over."""
    seen: list[object] = []

    async def counted(body: bytes) -> Any:
        seen.append(asyncio.current_task())  # the small server has one for each connection
        return await reply(body)

    return counted, seen


def test_an_answer_is_the_services_and_fields_it_may_add_do_no_harm(open_client: Any) -> None:
    with small_server(always(answer(added_later=1))) as address, open_client(address, SLACK_S) as client:
        assert client.predict(SUBSCRIBER) == ANSWER


def test_calls_share_a_connection(open_client: Any) -> None:
    reply, connections = counting(always(answer()))
    with small_server(reply) as address, open_client(address, SLACK_S) as client:
        for _ in range(5):
            client.predict(SUBSCRIBER)
    assert (len(connections), len(set(connections))) == (5, 1)


@pytest.mark.parametrize("phrase", BROKEN)
def test_a_broken_service_is_an_error_of_its_kind_in_time_and_without_anything_of_the_subscriber(
    open_client: Any, phrase: str
) -> None:
    with BROKEN[phrase]() as address, open_client(address, BUDGET_S) as client:
        began = time.monotonic()
        with pytest.raises(ClientError) as raised:
            client.predict(SUBSCRIBER)
        assert time.monotonic() - began < BUDGET_S + SLACK_S
    kinds = {Unavailable: UNAVAILABLE, Nonsense: NONSENSE, Refused: REFUSING}
    assert phrase in kinds[type(raised.value)]
    assert raised.value.instead
    assert "987654321" not in f"{raised.value} {raised.value.instead}"


@pytest.mark.parametrize("first", [None, OVERLOADED], ids=["a connection that has gone stale", "a full service"])
def test_one_repetition_mends(open_client: Any, first: bytes | None) -> None:
    reply, requests = counting(in_turn(answer(), first, answer()))
    with small_server(reply) as address, open_client(address, SLACK_S) as client:
        assert client.predict(SUBSCRIBER) == client.predict(SUBSCRIBER) == ANSWER
    assert len(requests) == 3


def test_both_sendings_have_one_id_and_say_which_is_which(open_client: Any) -> None:
    heads: list[str] = []
    with small_server(in_turn(None, answer(), answer()), heads) as address, open_client(address, SLACK_S) as client:
        client.predict(SUBSCRIBER)
        client.predict(SUBSCRIBER)
    (first, one), (again, two), (other, anew) = read_attempts(heads)
    assert (one, two, anew) == ("1", "2", "1")
    assert first == again != other
    assert MACHINE_MADE.fullmatch(first.encode())


def test_an_event_is_reported_again_under_the_same_id_until_it_is_taken(open_client: Any) -> None:
    heads: list[str] = []
    taken = http(200, b'{"taken":1}', JSON)
    with small_server(in_turn(None, taken), heads) as address, open_client(address, SLACK_S) as client:
        client.report_event("a" * 32, "seen")
    (first, one), (again, two) = read_attempts(heads)
    assert (first, one, two) == (again, "1", "2")


@pytest.mark.parametrize(
    ("first", "requests"),
    [
        (None, 2),
        (OVERLOADED, 2),
        (http(503, b""), 1),
        (http(503, b"", b"Retry-After: 3600"), 1),
        (http(503, b"", b"Retry-After: Sun, 01 Nov 2026 08:00:00 GMT"), 1),
        (http(500, b""), 1),
        (http(429, b"", b"Retry-After: 0"), 1),
        (http(422, b""), 1),
        (http(200, b"<html>", JSON), 1),
    ],
)
def test_a_call_is_repeated_once_and_only_where_that_can_help(
    open_client: Any, first: bytes | None, requests: int
) -> None:
    reply, seen = counting(always(first))
    with small_server(reply) as address, open_client(address, SLACK_S) as client, pytest.raises(ClientError):
        client.predict(SUBSCRIBER)
    assert len(seen) == requests


def test_a_refusal_names_the_fields_but_not_in_its_message(open_client: Any) -> None:
    with REFUSING["does not take the subscriber"]() as address, open_client(address, SLACK_S) as client:
        with pytest.raises(Refused) as refused:
            client.predict(SUBSCRIBER)
        assert refused.value.fields == {"tenure": "tenure must be at most 120, got 900"}
        assert (refused.value.status, refused.value.detail) == (422, "tenure must be at most 120, got 900")
        assert "900" not in str(refused.value)


def test_calls_that_were_given_up_leave_their_connections_to_others() -> None:
    async def answers_after_all_were_given_up(address: str) -> RetentionAnswer:
        async with AsyncChurnClient(address, budget_s=0.2) as client:
            calls = (client.predict(SUBSCRIBER) for _ in range(2 * MOST_CONNECTIONS))
            given_up = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(error) for error in given_up} == {Unavailable}
            everybody_waits.clear()
            client.budget_s = SLACK_S
            return await client.predict(SUBSCRIBER)

    everybody_waits = [True]

    async def reply(_: bytes) -> bytes:
        if everybody_waits:
            await asyncio.sleep(60)
        return answer()

    with small_server(reply) as address:
        assert asyncio.run(answers_after_all_were_given_up(address)) == ANSWER


def test_a_blocking_client_takes_calls_from_many_threads() -> None:
    with (
        small_server(always(answer())) as address,
        ChurnClient(address, budget_s=SLACK_S) as client,
        ThreadPoolExecutor(8) as threads,
    ):
        assert list(threads.map(client.predict, [SUBSCRIBER] * 40)) == [ANSWER] * 40


def test_a_blocking_client_says_that_it_is_not_open() -> None:
    client = ChurnClient("http://127.0.0.1:8000")
    with pytest.raises(ClientError, match="not open"):
        client.health()
    with client:
        pass
    with pytest.raises(ClientError, match="not open"):
        client.health()


def test_the_environments_proxy_is_not_used(open_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with small_server(always(answer())) as address, open_client(address, SLACK_S) as client:
        assert client.predict(SUBSCRIBER) == ANSWER


@pytest.mark.parametrize(
    "address", ["", "127.0.0.1:8000", "ftp://a", "http://", "http://u:p@a", "http://a?b", "http://a:b"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="not the address of an HTTP service"):
        AsyncChurnClient(address)


@pytest.mark.parametrize("budget_s", [0, -1, float("nan")])
def test_a_budget_that_is_none_is_refused(budget_s: float) -> None:
    with pytest.raises(SettingsError, match="budget"):
        ChurnClient("http://127.0.0.1:8000", budget_s=budget_s)
