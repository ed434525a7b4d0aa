"""All that a rollout's controller asks, as small servers that answer rightly, or as an attack has them answer."""

from __future__ import annotations

import contextlib
import json
import random
import re
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from churn.judging import metrics
from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BOUNDS
from churn.rollout.routers.router import TRACKS, Track

type Role = Literal["admin", "prometheus", "stable", "canary"]
ROLES: tuple[Role, ...] = ("admin", "prometheus", "stable", "canary")
VERSIONS: dict[Track, str] = {"stable": "v1", "canary": "v2"}
COLUMNS = ("pxname", "svname", "status", "weight", "uweight", "type")
DRIP_S = 0.3
NO_NUMBERS = (
    b"NaN",
    b"-1",
    b"+Inf",
    b"-Inf",
    b"1e400",
    b"1e308",
    b"1152921504606846976",
    b"0x10",
    b"1_0",
    b"null",
    b"{}",
)
NUMBER = re.compile(rb"(?<=[ ,:\"])\d+(\.\d+)?(?=[\n,\"\]])")


@dataclass
class Peers:
    """Addresses, the share that the admin socket was told, and who answers wrongly in what way."""

    random: random.Random
    addresses: dict[Role, str] = field(default_factory=dict)
    share: int = 0
    weights_set: list[int] = field(default_factory=list)
    hostile: Role | None = None
    attack: str = ""

    def answer(self, role: Role, request: bytes) -> tuple[bytes, bool]:
        """Return what is sent back, and whether byte by byte."""
        honest = self._answer_admin(request) if role == "admin" else self._answer_http(role, request)
        wrong, as_it_is = (honest, False) if role != self.hostile else ATTACKS[self.attack](self.random, honest)
        answer = wrong if as_it_is or role == "admin" else _http(wrong)
        return answer, role == self.hostile and self.attack == "slow"

    def _answer_admin(self, request: bytes) -> bytes:
        if told := re.findall(rb"set weight \w+/canary (-?\d+)", request):
            self.share = int(told[-1])
            self.weights_set.append(self.share)
            return b""
        shares = {"stable": 100 - self.share, "canary": self.share}
        rows = [("service", track, "UP", str(shares[track]), str(shares[track]), "2") for track in TRACKS]
        return "\n".join(["# " + ",".join(COLUMNS), *(",".join(row) for row in rows), ""]).encode()

    def _answer_http(self, role: Literal["prometheus", "stable", "canary"], request: bytes) -> bytes:
        if role != "prometheus":
            return _expose(role).encode()
        query = parse_qs(urlsplit(request.split(b" ")[1].decode()).query)["query"][0]
        track: Track = "canary" if "canary" in query else "stable"
        labels, now = {"instance": f"{track}-1"}, time.time()
        if query == "vector(time())":
            values: list[tuple[dict[str, str], float]] = [({}, now)]
        elif query.startswith(("up", "timestamp")):
            values = [(labels, 1.0 if query.startswith("up") else now)]
        else:
            lines = [re.fullmatch(r"(\w+)\{(.*)\} (\d+)", line) for line in _expose(track).splitlines()]
            parsed = [
                (line[1], dict(re.findall(r'(\w+)="([^"]*)"', line[2])), float(line[3])) for line in lines if line
            ]
            values = [({**labels, "__name__": name, **own}, value) for name, own, value in parsed]
        result = [{"metric": metric, "value": [now, str(value)]} for metric, value in values]
        return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


def _expose(track: Track) -> str:
    """Return what an instance exposes that has answered a thousand requests."""
    lines = [f'{metrics.BUNDLE_INFO.name}{{model_version="{VERSIONS[track]}",bundle_sha256="sum of {track}"}} 1']
    lines += [f'{metrics.REQUESTS.name}{{route="/predict",status="{status}"}} 500' for status in ("2xx", "5xx")]
    buckets = [*LATENCY_BOUNDS_S, "+Inf"]
    lines += [f'{metrics.REQUEST_DURATION.name}_bucket{{route="/predict",le="{bound}"}} 1000' for bound in buckets]
    lines += [f'{metrics.PROBABILITY.name}_bucket{{le="{bound}"}} 500' for bound in PROBABILITY_BOUNDS]
    lines += [f'{metrics.PREDICTIONS.name}{{tier="{tier}"}} 250' for tier in ("low", "high")]
    lines += [f'{metrics.TOP_FEATURE.name}{{feature="{name}"}} 500' for name in "abc"]
    return "\n".join(lines) + "\n"


def _http(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body)


def _replace_number(random: random.Random, honest: bytes) -> bytes:
    places = [place.span() for place in NUMBER.finditer(honest)]
    if not places:
        return honest
    start, end = random.choice(places)
    return honest[:start] + random.choice(NO_NUMBERS) + honest[end:]


def _flip(random: random.Random, honest: bytes) -> bytes:
    """Overwrite some bytes by such as are no digits, since other numbers would be other figures, not wrong ones."""
    content = bytearray(honest)
    for _ in range(random.randint(1, 20)):
        if content:
            content[random.randrange(len(content))] = random.choice(b'\x00\xff{}[]",\n\\: ')
    return bytes(content)


def _wrong_head(random: random.Random, honest: bytes) -> bytes:
    heads = (
        b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%b" % (len(honest), honest),
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(honest) + 99, honest),
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n%b" % honest,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(honest), honest),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n%b" % honest,
        b"HTTP/1.1 302 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/9.9 \xff\xff\r\n\r\n",
        b"X" * 200_000,
    )
    return random.choice(heads)


def _wrong_types(random: random.Random, _: bytes) -> bytes:
    return random.choice((
        b"[" * 100_000, b"null", b"[]", b"{}", b'"success"', b'{"status":"success"}',
        b'{"status":"success","data":null}',
        b'{"status":"success","data":{"result":[1,2]}}', b'{"status":"success","data":{"result":{"a":1}}}',
        b'{"status":"success","data":{"result":[{"metric":[],"value":[1,"2"]}]}}',
        b'{"status":"success","data":{"result":[{"metric":{"__name__":1},"value":[]}]}}',
        b'{"status":"success","data":{"result":[{"metric":{"__name__":"churn_requests_total"},"value":[1,{}]}]}}',
        b'{"status":"error","error":{"deep":["' + b"x" * 100_000 + b'"]}}', b"churn_requests_total{",
        b"# TYPE a b c d\n",
        b"# pxname,svname\nservice,stable\n", b"# pxname,svname,status,weight,uweight,type\nservice,canary,,x,,2\n",
        b"churn_bundle_info 1\nchurn_requests_total 5\n",
    ))  # fmt: skip


type Attack = Callable[[random.Random, bytes], tuple[bytes, bool]]  # what is sent, and whether without a head
ATTACKS: dict[str, Attack] = {
    "garbage": lambda random, _: (random.randbytes(random.randint(0, 5000)), random.random() < 0.5),  # noqa: PLR2004
    "cut": lambda random, honest: (honest[: random.randint(0, len(honest))], False),
    "huge": lambda random, honest: (honest * 2 + b"#" + random.choice((b"x", b"\n# ")) * 5_000_000, False),
    "no number": lambda random, honest: (_replace_number(random, honest), False),
    "flipped": lambda random, honest: (_flip(random, honest), False),
    "head": lambda random, honest: (_wrong_head(random, honest), True),
    "types": lambda random, honest: (_wrong_types(random, honest), False),
    "hangs up": lambda _, __: (b"", True),
    "slow": lambda _, honest: (_http(honest), True),
}


@contextmanager
def running(peers: Peers) -> Iterator[None]:
    """Run all four while the block lasts."""
    with contextlib.ExitStack() as stack:
        for role in ROLES:
            server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _make_handler(peers, role))
            server.daemon_threads, server.block_on_close = True, False
            peers.addresses[role] = f"127.0.0.1:{server.server_address[1]}"
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
        yield


def _make_handler(peers: Peers, role: Role) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            request, end = b"", b"\n" if role == "admin" else b"\r\n\r\n"
            with contextlib.suppress(OSError):
                while end not in request and (part := self.request.recv(65_536)):
                    request += part
                answer, slow = peers.answer(role, request)
                for at in range(0, len(answer), 1 if slow else len(answer) or 1):
                    self.request.sendall(answer[at : at + 1] if slow else answer)
                    time.sleep(DRIP_S if slow else 0)

    return Handler
