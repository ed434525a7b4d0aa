"""What never becomes a request: too large, too slow, too many, or not HTTP. Spoken byte by byte to a real server."""

import contextlib
import os
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from churn.web.edge import MOST_HEAD_BYTES, MOST_HEADERS, Edge
from churn.web.protocol import MOST_PIPELINED, PROTOCOL
from churn.web.server import AcceptingServer

PATIENCE_S = 30
GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
LARGE = b"x" * 32_000_000


async def answer(request: Request) -> Response:
    """The body, and the names of the headers that came."""
    return PlainTextResponse(await request.body(), headers={"X-Got": ",".join(request.headers)})


async def refuse(_: Request) -> Response:
    """An answer that does not wait for the body."""
    return PlainTextResponse("busy", 503, {"Connection": "close"})


async def refuse_this_one(_: Request) -> Response:
    return PlainTextResponse("full", 503)


async def answer_much(_: Request) -> Response:
    return PlainTextResponse(LARGE)


class Serving(AcceptingServer):
    """A server that stops when the test lets it: with an event loop that stands still until then."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config, announce)
        self.is_about_to_stop, self.may_stop = threading.Event(), threading.Event()
        self.may_stop.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.is_about_to_stop.set()
        assert self.may_stop.wait(PATIENCE_S)
        await super().shutdown(sockets)


def admit(app: ASGIApp, scope: Scope) -> ASGIApp | None:
    """All but what is refused whatever its body is."""
    return None if scope["path"].startswith("/full") else app


@contextmanager
def serving(**edge: Any) -> Iterator[int]:
    """The port of a server."""
    with run_server(**edge) as (_, port):
        yield port


@contextmanager
def run_server(graceful_s: int = 1, **edge: float) -> Iterator[tuple[Serving, int]]:
    """A server and its port."""
    app = Starlette(
        routes=[
            Route("/", answer, methods=["GET", "POST"]),
            Route("/busy", refuse, methods=["POST"]),
            Route("/full", refuse_this_one, methods=["POST"]),
            Route("/full/busy", refuse, methods=["POST"]),
            Route("/much", answer_much),
        ]
    )
    app.state.edge = Edge(lambda status: PlainTextResponse(status.phrase, status), admit, **edge)  # type: ignore[arg-type]
    ready = threading.Event()
    options = {"http": PROTOCOL, "ws": "none", "lifespan": "off", "proxy_headers": False, "log_config": None}
    config = uvicorn.Config(app, timeout_keep_alive=2 * PATIENCE_S, timeout_graceful_shutdown=graceful_s, **options)  # type: ignore[arg-type]
    server = Serving(config, ready.set)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            assert ready.wait(PATIENCE_S)
            yield server, listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as port:
        yield port


@pytest.fixture(scope="module")
def hasty() -> Iterator[int]:
    """The port of a server that gives up after a moment."""
    with serving(arrival_s=0.2) as port:
        yield port


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def read_to_end(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def exchange(port: int, *parts: bytes) -> tuple[list[int], bytes]:
    """The statuses and all the bytes that come until the server hangs up."""
    with connect(port) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part)
        received = read_to_end(connection)
    return [int(status) for status in re.findall(rb"HTTP/1.1 (\d+) ", received)], received


def chunked(*parts: bytes) -> bytes:
    return POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(parts)


def test_a_head_of_the_most_bytes_is_answered(port: int) -> None:
    head = GET + b"Connection: close\r\nX: "
    filling = b"a" * (MOST_HEAD_BYTES - len(head) - 4)
    assert exchange(port, head + filling + b"\r\n\r\n")[0] == [200]
    assert exchange(port, head, *(filling[first : first + 999] for first in range(0, len(filling), 999)), b"\r\n\r\n")[
        0
    ] == [200]


@pytest.mark.parametrize(
    "parts",
    [
        [GET, *[b"X-%d: %s\r\n" % (number, b"a" * 1000) for number in range(2_000)], b"\r\n"],
        [GET + b"X: ", *[b"a" * 100_000] * 100, b"\r\n\r\n"],
        [b"GET /", *[b"a" * 100_000] * 100, b" HTTP/1.1\r\nHost: x\r\n\r\n"],
        [GET + b"X: " + b"a" * MOST_HEAD_BYTES + b"\r\n\r\n"],
        [GET + b"a:b\r\n" * MOST_HEADERS + b"\r\n"],
        [GET + b"a:b\r\n" * (MOST_HEADERS + 1)],
        [chunked(b"5;"), *[b"a" * 100_000] * 100],
        [chunked(b"5\r\nhello\r\n0\r\n"), *[b"X-%d: %s\r\n" % (number, b"a" * 1000) for number in range(2_000)]],
        [chunked(b"5\r\nhello\r\n0\r\nX: "), *[b"a" * 100_000] * 100],
    ],
    ids=[
        "many large headers", "one header", "request line", "one read", "many headers", "many headers and no end",
        "chunk extension", "trailers", "one trailer",
    ],
)  # fmt: skip
def test_what_is_too_large_gets_431_and_is_read_no_further(port: int, parts: list[bytes]) -> None:
    statuses, received = exchange(port, *parts)
    assert statuses == [431]
    assert b"connection: close" in received


def test_a_body_in_chunks_of_one_byte_is_not_too_much_framing(port: int) -> None:
    body = b"1\r\nx\r\n" * 20_000
    statuses, received = exchange(port, chunked(), body[:50_000], body[50_000:], b"0\r\n\r\n")
    assert statuses == [200]
    assert received.endswith(b"x" * 20_000)


def test_trailers_are_no_headers_of_the_request(port: int) -> None:
    _, received = exchange(port, chunked(b"1\r\nx\r\n0\r\nX-Late: 1\r\n\r\n"))
    assert b"x-late" not in received


@pytest.mark.parametrize(
    "head",
    [b"GET / HTTP/1.1\r\n", GET + b"Host: y\r\n", GET + b"Host: x\r\n", b"GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n"],
    ids=["none", "two", "the same twice", "two in HTTP/1.0"],
)
def test_a_request_says_once_for_which_host_it_is(port: int, head: bytes) -> None:
    assert exchange(port, head + b"Connection: close\r\n\r\n")[0] == [400]


@pytest.mark.parametrize("host", [b"", b"Host: x\r\n"])
def test_http_1_0_needs_no_host(port: int, host: bytes) -> None:
    assert exchange(port, b"GET / HTTP/1.0\r\n" + host + b"\r\n")[0] == [200]


@pytest.mark.parametrize("begun", [b"G", GET, GET + b"X: "])
def test_a_head_that_does_not_come_gets_408(hasty: int, begun: bytes) -> None:
    assert exchange(hasty, begun)[0] == [408]


def test_a_head_that_dribbles_gets_408(hasty: int) -> None:
    with connect(hasty) as connection:
        connection.sendall(GET)
        connection.settimeout(0.02)
        received = b""
        for _ in range(1000):
            connection.sendall(b"X: 1\r\n")
            try:
                received = connection.recv(1000)
                break
            except TimeoutError:
                continue
    assert received.startswith(b"HTTP/1.1 408 ")


def test_a_body_that_dribbles_after_its_answer_is_not_waited_for(hasty: int) -> None:
    statuses, received = exchange(hasty, b"POST /missing HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1")
    assert statuses == [404]
    assert b"connection: close" not in received  # the connection was to go on


@pytest.mark.parametrize("why", [b"busy", b"full"])
def test_a_caller_reads_the_refusal_though_the_body_is_still_on_its_way(port: int, why: bytes) -> None:
    head = b"POST /%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 8000000\r\n\r\n" % why
    for _ in range(5):
        statuses, received = exchange(port, head, *[b"a" * 1_000_000] * 8)
        assert statuses == [503]
        assert received.endswith(why)


def test_an_answer_that_nobody_takes_is_given_up(hasty: int) -> None:
    with connect(hasty) as connection:
        connection.sendall(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
        with connect(hasty) as other:  # by now the first answer waits to be taken
            other.sendall(GET + b"Connection: close\r\n\r\n")
            read_to_end(other)
        threading.Event().wait(1.5)
        received = read_to_end(connection)
    assert len(received) < len(LARGE)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("upgrade", [UPGRADE, UPGRADE.replace(b"h2c", b"websocket")])
def test_a_body_is_read_whatever_protocol_its_sender_would_rather_speak(
    port: int, upgrade: bytes, *, together: bool
) -> None:
    head, body = POST + upgrade + b"Content-Length: 5\r\n\r\n", b"hello"
    last = GET + b"Connection: close\r\n\r\n"
    statuses, received = exchange(port, *([head + body + last] if together else [head, body, last]))
    assert statuses == [200, 200]
    assert b"hello" in received
    chunks = POST + upgrade + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    statuses, received = exchange(port, chunks + last)
    assert statuses == [200, 200]
    assert b"hello" in received


def test_many_requests_at_once_are_answered_in_turn_and_too_many_are_not_kept(port: int) -> None:
    request = POST + b"Content-Length: 1\r\n\r\n"
    statuses, received = exchange(port, b"".join(request + b"%d" % (number % 10) for number in range(5_000)))
    assert set(statuses) == {200}
    assert MOST_PIPELINED <= len(statuses) <= MOST_PIPELINED + 1
    bodies = re.findall(rb"\r\n\r\n(\d)", received)
    assert bodies == [b"%d" % (number % 10) for number in range(len(statuses))]


def test_what_is_wrong_after_a_request_does_not_take_the_place_of_its_answer(port: int) -> None:
    statuses, received = exchange(port, POST + b"Content-Length: 5\r\n\r\nhello" + b"\x16\x03\x01nonsense")
    assert statuses == [200]
    assert received.endswith(b"hello")


def test_connections_are_refused_before_the_last_descriptor_is_taken() -> None:
    free = [os.dup(0) for _ in range(100)]  # the numbers that are given next, to callers and server alike
    for descriptor in free:
        os.close(descriptor)
    with serving(most_descriptors=free[-1]) as port:
        connections = [connect(port) for _ in range(60)]
        refused = select.select(connections, [], [], PATIENCE_S)[0]  # the others wait for their request
        assert 1 <= len(refused) < len(connections)
        assert {read_to_end(connection)[9:12] for connection in refused} == {b"503"}
        for connection in connections:
            connection.close()
        statuses: list[int] = []
        until = time.monotonic() + PATIENCE_S
        while statuses != [200] and time.monotonic() < until:  # the server has to notice first
            with contextlib.suppress(ConnectionResetError):
                statuses, _ = exchange(port, GET + b"Connection: close\r\n\r\n")
        assert statuses == [200]


def test_what_is_refused_at_once_is_not_kept_and_the_connection_goes_on() -> None:
    with run_server() as (server, port), connect(port) as connection:
        connection.sendall(b"POST /full HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + b"a" * 100_000)
        assert connection.recv(1 << 16)[9:12] == b"503"
        [protocol] = server.server_state.connections
        assert len(protocol.cycle.body) == 0  # type: ignore[union-attr]
        connection.sendall(b"a" * 100_000 + GET + b"Connection: close\r\n\r\n")
        assert read_to_end(connection)[9:12] == b"200"


@pytest.mark.parametrize("path", [b"/busy", b"/full/busy"])
def test_what_follows_the_last_request_is_not_answered(
    port: int, path: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" % path
    statuses, received = exchange(port, head + 2 * (GET + b"\r\n"))
    assert statuses == [503]
    assert received.endswith(b"busy")
    assert exchange(port, GET + b"Connection: close\r\n\r\n")[0] == [200]  # by now the other requests would be, too
    assert not caplog.records


def test_a_request_that_has_come_when_the_server_stops_is_answered_as_the_last(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        run_server(PATIENCE_S) as (server, port),
        connect(port) as kept,
        connect(port) as fresh,
        connect(port) as silent,
    ):
        for _ in range(2):  # the second answer shows that all are in
            kept.sendall(GET + b"\r\n")
            assert b"connection: close" not in kept.recv(1 << 16)
        server.may_stop.clear()
        server.should_exit = True
        assert server.is_about_to_stop.wait(PATIENCE_S)
        waiting = [connect(port) for _ in range(5)]
        asking = [kept, fresh, *waiting]
        waiting.append(connect(port))  # says nothing
        for connection in asking:
            connection.sendall(GET + b"\r\n")
        server.may_stop.set()
        for connection in asking:
            received = read_to_end(connection)
            assert received[9:12] == b"200"
            assert b"connection: close" in received
        assert read_to_end(silent) == read_to_end(waiting[-1]) == b""
        for connection in waiting:
            connection.close()
    assert not caplog.records  # such as that it waited too long
