"""Servers on real sockets that answer as no churn service should, each by a phrase that continues "a service that"."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from churn.answers import RetentionAnswer
from support.processes import free_port
from support.small_server import Reply, http, small_server

# After any budget that a test of a slow server gives.
LATE_S = 2.0
JSON = b"Content-Type: application/json"
ANSWER: RetentionAnswer = {
    "churn_probability": 0.25,
    "risk_tier": "low",
    "top_reasons": [],
    "model_version": "v1",
    "show_retention_banner": False,
    "prediction_id": "0190",
    "retention": None,
}
REASON = {
    "feature": "tenure",
    "value": 14.0,
    "shap_contribution": 0.4,
    "direction": "increases_risk",
    "plain_language": "A short history of 14 months increases churn risk",
}


def answer(**changes: Any) -> bytes:
    """A right answer, or with these fields one that may not be."""
    return http(200, json.dumps({**ANSWER, **changes}).encode(), JSON)


def always(reply: bytes | None) -> Reply:
    """The same to every request."""

    async def same(_: bytes) -> bytes | None:
        return reply

    return same


def in_turn(*replies: bytes | None) -> Reply:
    """One after the other, then the last for ever."""
    left = list(replies)

    async def following(_: bytes) -> bytes | None:
        return left.pop(0) if len(left) > 1 else left[0]

    return following


@contextmanager
def nobody() -> Iterator[str]:
    """An address at which nothing listens."""
    yield f"http://127.0.0.1:{free_port()}"


async def _late(_: bytes) -> bytes:
    await asyncio.sleep(LATE_S)
    return answer()


async def _never(_: bytes) -> bytes:
    await asyncio.sleep(3600)
    raise AssertionError


async def _trickle(content: bytes, *, at_once: int) -> AsyncIterator[bytes]:
    yield content[:at_once]
    for byte in content[at_once:]:
        await asyncio.sleep(0.05)
        yield bytes([byte])


async def _trickling_body(_: bytes) -> AsyncIterator[bytes]:
    return _trickle(http(200, b" " * 10_000, JSON), at_once=80)


async def _trickling_headers(_: bytes) -> AsyncIterator[bytes]:
    return _trickle(http(200, b"", *[b"X-More: and more"] * 1_000), at_once=0)


async def _half(_: bytes) -> AsyncIterator[bytes]:
    async def parts() -> AsyncIterator[bytes]:
        yield answer()[:-10]
        raise ConnectionResetError

    return parts()


async def _endless(_: bytes) -> AsyncIterator[bytes]:
    async def parts() -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n%b\r\nTransfer-Encoding: chunked\r\n\r\n" % JSON
        while True:
            yield b"10000\r\n%b\r\n" % (b" " * 0x10000)

    return parts()


def _server(reply: Reply) -> Callable[[], AbstractContextManager[str]]:
    return partial(small_server, reply)


# Each makes a context manager that gives the server's address.
UNAVAILABLE = {
    "is not there": nobody,
    "never answers": _server(_never),
    "answers too late": _server(_late),
    "sends its headers a byte at a time": _server(_trickling_headers),
    "sends its body a byte at a time": _server(_trickling_body),
    "hangs up": _server(always(None)),
    "hangs up in the middle": _server(_half),
    "is not HTTP": _server(always(b"220 ready\r\n\r\n")),
    "is overloaded": _server(always(http(503, b"", b"Retry-After: 0"))),
    "asks to come again too late": _server(always(http(503, b"", b"Retry-After: 3600"))),
    "limits the rate": _server(always(http(429, b"", b"Retry-After: 0"))),
    "is behind a gateway that finds nobody": _server(always(http(502, b"<html>", b"Content-Type: text/html"))),
    "fails": _server(always(http(500, b"{}", JSON))),
}
NONSENSE = {
    "answers a page": _server(always(http(200, b"<!doctype html>", b"Content-Type: text/html"))),
    "calls its JSON a page": _server(always(answer().replace(b"application/json", b"text/html"))),
    "says not what it sends": _server(always(answer().replace(b"Content-Type", b"X-Type"))),
    "sends nothing": _server(always(http(200, b"", JSON))),
    "sends what is not JSON": _server(always(http(200, b"<!doctype html>", JSON))),
    "sends NaN": _server(always(answer(top_reasons=[REASON | {"shap_contribution": float("nan")}]))),
    "sends what is not UTF-8": _server(always(http(200, b'{"model_version": "\xff"}', JSON))),
    "sends JSON of another shape": _server(always(http(200, b'{"prediction": 0.5}', JSON))),
    "sends an array": _server(always(http(200, b"[]", JSON))),
    "nests without end": _server(always(http(200, b"[" * 100_000, JSON))),
    "sends a probability in a string": _server(always(answer(churn_probability="0.25"))),
    "sends a probability beyond 1": _server(always(answer(churn_probability=25))),
    "sends half a banner": _server(always(answer(retention={"headline": "Stay"}))),
    "sends too much": _server(always(http(200, b" " * 2_000_000 + json.dumps(ANSWER).encode(), JSON))),
    "sends without end": _server(_endless),
    "compresses": _server(always(http(200, b"\x1f\x8b\x08\x00", JSON, b"Content-Encoding: gzip"))),
    "redirects": _server(always(http(307, b"", b"Location: /elsewhere"))),
    "has no content": _server(always(b"HTTP/1.1 204 No Content\r\n\r\n")),
}
REFUSING = {
    "does not know the path": _server(always(http(404, b"<html>", b"Content-Type: text/html"))),
    "does not take the subscriber": _server(
        always(
            http(
                422,
                b'{"detail": "tenure must be at most 120, got 900", "errors": '
                b'[{"field": "tenure", "code": "out_of_range", "message": "tenure must be at most 120, got 900"}]}',
                b"Content-Type: application/problem+json",
            )
        )
    ),
}
BROKEN = UNAVAILABLE | NONSENSE | REFUSING
