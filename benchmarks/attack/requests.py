"""Send hostile requests to service, portal and dashboard, with valid ones between them: random, from a seed."""

import contextlib
import http.client
import os
import random
import re
import socket
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from pathlib import Path

from benchmarks.attack.processes import EXAMPLE, PATIENCE_S, Service, make_attacked_bundle, wait_for
from benchmarks.attack.summary import Summary
from benchmarks.processes import PROC, Server, find_free_port, list_descendants

THREADS = 8
VALID_EVERY = 20
UNFINISHED_S = 0.05  # until a caller gives up who has not sent all that it announced
MOST_MB = 300
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
PATHS = {
    "service": ("/predict", "/predict/batch", "/health", "/metrics", "/openapi.json"),
    "portal": ("/", "/sign-in", "/sign-out", "/offers/x", "/banners/x/dismissal", "/explain", "/static/portal.css"),
    "portal_team": ("/", "/sign-in", "/sign-out", "/explain", "/explain/answer", "/team/events", "/api/events"),
    "dashboard": ("/", "/rollouts/1", "/service", "/drift", "/static/base.css"),
}
VALID = {
    "service": ("POST", "/predict"),
    "portal": ("GET", "/sign-in"),
    "portal_team": ("GET", "/team/events"),
    "dashboard": ("GET", "/"),
}
COMMANDS = {"portal": ("portal",), "portal_team": ("portal", "team"), "dashboard": ("churn", "dashboard")}
TYPES = (
    b"application/json",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=x; charset=zlib",
    b"",
)


def attack(count: int, seed: int, home: Path) -> Summary:
    """Send so many hostile requests, spread over the apps, and name what was wrong."""
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(Service(make_attacked_bundle(home), home, workers=1, LOG_LEVEL="warning"))
        servers: dict[str, Server] = {"service": service}
        for app, command in COMMANDS.items():
            port = find_free_port()
            own = {"CHURN_HOME": str(home), f"{app.upper()}_PORT": str(port), "PORT": str(service.port)}
            own["SERVICE_URL"] = f"http://127.0.0.1:{service.port}"
            environment = {**os.environ, **own}
            servers[app] = stack.enter_context(
                Server([sys.executable, "-m", *command], environment, port, home / f"{app}.log")
            )
        ports = {app: server.port for app, server in servers.items()}
        for app in ports:
            if not wait_for(lambda app=app: ask_rightly(app, ports) == HTTPStatus.OK, 60):  # type: ignore[misc]
                raise OSError(f"the {app} does not answer")
        with ThreadPoolExecutor(THREADS) as threads:
            rounds = threads.map(partial(attack_once, ports, seed), range(count))
            outcomes = Counter(outcome for outcome in rounds if outcome)
        largest_mb = max(map(measure_peak_mb, servers.values()))
    faults = [f"{outcome}: {number} times, seed {seed}" for outcome, number in outcomes.items()]
    if largest_mb > MOST_MB:
        faults.append(f"a process took {largest_mb:.0f} MB")
    return Summary("requests", count, tuple(faults), {"largest_process_mb": round(largest_mb)})


def attack_once(ports: Mapping[str, int], seed: int, number: int) -> str | None:
    """Send one hostile request, and now and then a valid one. Return what was wrong, if anything was."""
    generator = random.Random(f"{seed}-{number}")  # noqa: S311 - repeatable
    app = generator.choice(list(ports))
    if number % VALID_EVERY == 0 and (status := ask_rightly(app, ports)) not in {200, 503}:
        return f"the {app} answered {status} to a valid request"
    sent = build_request(generator, app)
    received = b""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", ports[app]), PATIENCE_S) as caller:
        caller.sendall(sent)
        caller.settimeout(UNFINISHED_S)
        while part := caller.recv(1 << 16):
            received += part
    wrong = {int(status) for status in STATUS.findall(received)} - {503}
    worst = max(wrong, default=0)
    return (
        f"the {app} answered {worst}, first with request {sent[:60]!r}"
        if worst >= HTTPStatus.INTERNAL_SERVER_ERROR
        else None
    )


def ask_rightly(app: str, ports: Mapping[str, int]) -> int | str:
    """Send a valid request. Return its status, or the name of the error."""
    method, path = VALID[app]
    connection = http.client.HTTPConnection("127.0.0.1", ports[app], timeout=PATIENCE_S)
    with contextlib.closing(connection):
        try:
            body = EXAMPLE if method == "POST" else None
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
    if app == "service" and answer.status == HTTPStatus.OK and b"churn_probability" not in text:
        return "another answer"
    return answer.status


def build_request(generator: random.Random, app: str) -> bytes:
    """Return the bytes of a hostile request: of its head, its body or its framing something is wrong, mostly."""
    junk = generator.randbytes(generator.choice((0, 1, 30, 3000)))
    path = generator.choice(PATHS[app]).encode() + generator.choice(
        (b"", b"?" + junk[:20].hex().encode(), b"/%00%ED%A0")
    )
    head = b"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" % (generator.choice((b"GET", b"POST", b"PUT")), path)
    head += b"Content-Type: %s\r\n" % generator.choice(TYPES)
    extra = (
        b"",
        b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
        b"Cookie: portal_session=%s\r\n" % junk.hex().encode(),
        b"a:b\r\n" * 99,
    )
    head += generator.choice(extra)
    bodies = (
        junk,
        b"[" * 5000,
        b"[" + b"{}," * 20_000 + b"{}]",
        EXAMPLE.encode(),
        b"form_token=%ED%A0%80&a=" + junk.hex().encode(),
    )
    body = generator.choice(bodies)
    kind = generator.randrange(7)
    if kind == 0:
        return generator.randbytes(200)
    if kind == 1:
        return head + b"X: " + b"a" * generator.choice((1000, 40_000)) + b"\r\n\r\n"
    if kind == 2:  # noqa: PLR2004 - one of the kinds
        return head + b"Transfer-Encoding: chunked\r\n\r\n%x;%s\r\n%s\r\n0\r\nX: y\r\n\r\n" % (
            len(body),
            b"e" * 100,
            body,
        )
    if kind == 3:  # noqa: PLR2004
        return head + b"Content-Length: %d\r\n\r\n" % (len(body) + 10) + body
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def measure_peak_mb(server: Server) -> float:
    """Return the most memory that any process of a server has had, in MB."""
    pids = [server.process.pid, *list_descendants(server.process.pid)]
    texts = [(PROC / f"{pid}/status").read_text() for pid in pids]
    return max(int(text.partition("VmHWM:")[2].split()[0]) for text in texts) / 1000
