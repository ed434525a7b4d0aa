"""How a body is read, from clients that do not behave."""

import asyncio
from collections.abc import Iterable

import pytest
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Message

from churn.service.edge.body import read_body
from churn.service.edge.problems import Problem

LIMIT = 10


def chunk(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def read(messages: Iterable[Message], *, length: str | None = None, timeout_s: float = 10) -> bytes:
    left = iter(messages)

    async def receive() -> Message:
        if (message := next(left, None)) is None:
            await asyncio.Event().wait()  # a client that has fallen silent
            raise AssertionError
        return message

    headers = [] if length is None else [(b"content-length", length.encode())]
    request = Request({"type": "http", "headers": headers}, receive)
    return asyncio.run(read_body(request, max_bytes=LIMIT, timeout_s=timeout_s))


def test_chunks_are_joined() -> None:
    assert read([chunk(b"12345"), chunk(b""), chunk(b"67890", more=False)]) == b"1234567890"


def test_no_more_is_read_than_shows_that_the_body_is_too_large() -> None:
    messages = iter([chunk(b"123456"), chunk(b"78901"), chunk(b"not asked for")])
    with pytest.raises(Problem) as refusal:
        read(messages)
    assert refusal.value.status == 413
    assert next(messages) == chunk(b"not asked for")


@pytest.mark.parametrize("length", ["11", "9" * 5_000])
def test_nothing_is_read_of_a_body_that_is_announced_as_too_large(length: str) -> None:
    messages = iter([chunk(b"not asked for")])
    with pytest.raises(Problem) as refusal:
        read(messages, length=length)
    assert refusal.value.status == 413
    assert next(messages) == chunk(b"not asked for")


def test_a_body_that_never_ends_is_given_up() -> None:
    with pytest.raises(Problem) as refusal:
        read([chunk(b"1")], timeout_s=0)
    assert refusal.value.status == 408


def test_a_client_that_leaves_is_not_answered() -> None:
    with pytest.raises(ClientDisconnect):
        read([chunk(b"1"), {"type": "http.disconnect"}])
