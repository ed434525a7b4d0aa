"""Servers in the place of MLflow and AWS: each answers rightly, or for some requests as an attack has it answer."""

import contextlib
import json
import os
import random
import re
import resource
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.attack.hostile_peers import ATTACKS, DRIP_S
from churn.errors import ChurnError

WRONG_VALUES: tuple[Any, ...] = (None, [], {}, "", "\0", -1, 10**30, True, [None], {"a": "b"}, "x" * 100_000)
ELEMENT = re.compile(rb"<(\w+)>([^<]*)</\1>")
HTML = b"<!DOCTYPE html><html><title>502 Bad Gateway</title><h1>nginx</h1></html>"
HEADERS_OF_A_BUCKET = 'ETag: "a"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n'
ERROR_STATUSES = (400, 401, 403, 404, 409, 429, 500, 502, 503)
PATIENCE_S = 60.0  # which everything that asks must have ended in
DRIPS = 10
MOST_REQUESTS = 3  # before the first wrong answer
SLOW_SHARE = 0.01
HEAD_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked, as far as an honest answer needs it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


type Answer = Callable[[Request], bytes]  # the body of the honest answer


class HostileStore:
    """A server. From the request `wrong_from` on it sends as many wrong answers as `wrong_count` says."""

    def __init__(self, chance: random.Random, answer: Answer) -> None:
        self._chance, self._answer = chance, answer
        self._lock = threading.Lock()
        self.address = ""
        self.kind = ""
        self.wrong_left = self.right_left = 0

    def attack_next(self) -> str:
        """Choose what is wrong next, and return it."""
        self.kind = "slow" if self._chance.random() < SLOW_SHARE else self._chance.choice([*KINDS])
        self.right_left, self.wrong_left = self._chance.randrange(MOST_REQUESTS), self._chance.choice([1, 3, 1000])
        return f"{self.kind} answer after {self.right_left} right ones, {self.wrong_left} times"

    def relent(self) -> None:
        """Answer rightly from now on."""
        self.wrong_left = 0

    def respond(self, request: Request) -> tuple[bytes, bool]:
        """Return what is sent, and whether slowly."""
        honest = self._answer(request)
        with self._lock:
            is_wrong = not self.right_left and self.wrong_left > 0
            self.wrong_left -= is_wrong
            self.right_left = max(0, self.right_left - 1)
        if not is_wrong:
            return _frame(honest), False
        return KINDS.get(self.kind, _drip)(self._chance, honest), self.kind == "slow"


def _frame(body: bytes, status: int = 200) -> bytes:
    own = f"Content-Length: {len(body)}\r\n{HEADERS_OF_A_BUCKET}Connection: close\r\n\r\n"
    return f"HTTP/1.1 {status} Said\r\n{own}".encode() + body


def _drip(_: random.Random, honest: bytes) -> bytes:
    return _frame(honest)


def _change_value(chance: random.Random, honest: bytes) -> bytes:
    """Put another value, mostly of another type, in the place of one; or leave one out."""
    try:
        document = json.loads(honest)
    except ValueError:
        elements = [match.span() for match in ELEMENT.finditer(honest)]
        begin, end = chance.choice(elements or [(0, len(honest))])
        value = chance.choice([b"", b"<a/>", b"<Weight>x</Weight>", b"&#0;", b"-1", honest[begin:end] * 2])
        return _frame(honest[:begin] + value + honest[end:])
    holders = [node for node in _walk(document) if node]
    if not holders:
        return _frame(json.dumps(chance.choice(WRONG_VALUES)).encode())
    holder = chance.choice(holders)
    key = chance.choice([*holder] if isinstance(holder, dict) else range(len(holder)))
    if chance.random() < 1 / 4:
        del holder[key]
    else:
        holder[key] = chance.choice(WRONG_VALUES)
    return _frame(json.dumps(document).encode())


def _walk(node: Any) -> Iterator[Any]:
    if isinstance(node, dict | list):
        yield node
        for value in node.values() if isinstance(node, dict) else node:
            yield from _walk(value)


def _from_peers(name: str) -> Callable[[random.Random, bytes], bytes]:
    def attack(chance: random.Random, honest: bytes) -> bytes:
        body, has_no_head = ATTACKS[name](chance, honest)
        return body if has_no_head else _frame(body)

    return attack


KINDS: dict[str, Callable[[random.Random, bytes], bytes]] = {
    **{name: _from_peers(name) for name in ("garbage", "cut", "huge", "flipped", "head", "types", "hangs up")},
    "value": _change_value,
    "another value": _change_value,  # twice as often
    "HTML": lambda _, __: _frame(HTML),
    "status": lambda chance, honest: _frame(chance.choice([b"", HTML, honest, b"{}"]), chance.choice(ERROR_STATUSES)),
    "deep": lambda chance, _: _frame(chance.choice([b'{"a":' * 50_000, b"[" * 50_000, b"<a>" * 50_000])),
}


@contextmanager
def running(chance: random.Random, answer: Answer) -> Iterator[HostileStore]:
    """Run a server while the block lasts; `address` is where."""
    store = HostileStore(chance, answer)

    class Handler(socketserver.StreamRequestHandler):
        timeout = PATIENCE_S

        def handle(self) -> None:
            with contextlib.suppress(OSError, ValueError):
                method, path, _ = self.rfile.readline(HEAD_BYTES).decode("latin-1").split(" ", 2)
                headers = {}
                while line := self.rfile.readline(HEAD_BYTES).strip():
                    name, _, value = line.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                body = self.rfile.read(int(headers.get("content-length", 0)))
                sent, is_slow = store.respond(Request(method, path, headers, body))
                if not is_slow:
                    self.wfile.write(sent)
                    return
                size = -(-len(sent) // DRIPS)
                for begin in range(0, len(sent), size):
                    self.wfile.write(sent[begin : begin + size])
                    time.sleep(DRIP_S)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    store.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def environment(**own: str) -> Iterator[None]:
    """Set variables while the block lasts."""
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


type Operations = Mapping[str, Callable[[], object]]


def attack_operations(
    store: HostileStore, operations: Operations, count: int, chance: random.Random, *, limit_s: float
) -> tuple[Counter[str], dict[str, float]]:
    """Do so many of the operations, each with wrong answers. Return what did not hold, and figures."""
    faults, slowest_s, refused, tried = Counter[str](), 0.0, 0, 0
    for name, operate in operations.items():  # the honest answers are such
        operate_honestly(name, operate)
    until_s = time.monotonic() + limit_s
    while tried < count and time.monotonic() < until_s:
        name, operate = chance.choice([*operations.items()])
        wrong, started_s = store.attack_next(), time.monotonic()
        try:
            operate()
        except ChurnError:
            refused += 1
        except Exception as error:  # noqa: BLE001 - what is looked for
            faults[f"{name}: {type(error).__name__}: {str(error)[:150]}; {wrong}, turn {tried}"] += 1
        slowest_s = max(slowest_s, took_s := time.monotonic() - started_s)
        store.relent()
        if took_s > PATIENCE_S:
            faults[f"{name}: {took_s:.0f} s; {wrong}, turn {tried}"] += 1
        tried += 1
    largest_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return faults, {
        "tried": tried,
        "refused": refused,
        "slowest_s": round(slowest_s, 1),
        "largest_process_mb": round(largest_mb),
    }


def operate_honestly(name: str, operate: Callable[[], object]) -> None:
    """Do it once with honest answers.

    Raises:
        OSError: the stand-in's honest answers are none, so that nothing would be attacked.
    """
    try:
        operate()
    except Exception as error:
        raise OSError(f"{name} fails with honest answers: {error!r}") from error
