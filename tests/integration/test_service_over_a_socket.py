"""The service as a process of its own, spoken to byte by byte."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.in_process import as_in_a_batch
from support.processes import churn, free_port
from support.scraping import scraped, total

from churn.businesses import find_contract
from churn.cpus import count_usable_cpus
from churn.judging import metrics
from churn.model.bundle import Bundle
from churn.model.manifest import MODEL
from churn.rollout.sources import Instances
from churn.service.edge.waiting_room import ALWAYS_ANSWERED, MOST_BATCHES
from churn.settings import Settings

EXAMPLE = json.dumps(find_contract("streamflow").example()).encode()
PATIENCE_S = 60
# What `churn serve` does, and nothing else.
SERVE = """
import sys
from churn.errors import ChurnError
from churn.service.server import serve
from churn.settings import read_settings

if __name__ == "__main__":
    try:
        serve(read_settings(), on_ready=lambda address, _: print("ready:", address, flush=True))
    except ChurnError as error:
        print("refused:", error.message)
        sys.exit(error.exit_code)
"""


class Server:
    """A running service; its lines are read up to the one that says that it is ready."""

    def __init__(self, folder: Path, **environment: object) -> None:
        script = folder / "serve.py"
        script.write_text(SERVE)
        self.port = free_port()
        variables = {"PORT": self.port, "WORKERS": 1, "PREDICTION_LOG": "off", **environment}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", script],
            env=os.environ | {name: str(value) for name, value in variables.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = list(self._until_ready())

    def _until_ready(self) -> Iterator[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield line
            if line.startswith("ready:"):
                return

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def exchange(self, sent: bytes, count: int = 1) -> list[tuple[int, dict[str, str], Any]]:
        with self.connect() as connection:
            connection.sendall(sent)
            return receive(connection, count)

    def ended(self) -> tuple[int, list[str]]:
        """Its exit code and all it wrote, once it has ended by itself."""
        rest, _ = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, [*self.lines, *rest.splitlines(keepends=True)]

    def stop(self) -> tuple[int, list[str]]:
        self.process.send_signal(signal.SIGTERM)
        return self.ended()


@pytest.fixture
def bundle(bundles: dict[str, Bundle]) -> Bundle:
    return bundles["streamflow"]


@pytest.fixture(scope="module")
def server(bundles: dict[str, Bundle], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave it as they find it."""
    running = Server(tmp_path_factory.mktemp("server"), MODEL_PATH=bundles["streamflow"].path)
    yield running
    code, lines = running.stop()
    assert code == 0
    assert_json(lines)


def assert_json(lines: list[str]) -> None:
    for line in lines:
        assert line.startswith("ready:") or json.loads(line)["level"] in {"info", "warning"}


def request(body: bytes, *headers: str, path: str = "/predict") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: service", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def sized(body: bytes, *headers: str, path: str = "/predict") -> bytes:
    return request(body, f"Content-Length: {len(body)}", *headers, path=path)


def receive(connection: socket.socket, count: int = 1) -> list[tuple[int, dict[str, str], Any]]:
    """The next responses on a connection: status, headers, body."""
    with connection.makefile("rb") as stream:
        return [_receive_one(stream) for _ in range(count)]


def _receive_one(stream: Any) -> tuple[int, dict[str, str], Any]:
    status = int(stream.readline().split()[1])
    headers = {}
    while line := stream.readline().strip():
        name, _, value = line.decode().partition(": ")
        headers[name.lower()] = value
    body = stream.read(int(headers["content-length"]))
    return status, headers, json.loads(body) if "json" in headers["content-type"] else body.decode()


def test_a_request_is_answered(server: Server) -> None:
    [(status, headers, answer)] = server.exchange(sized(EXAMPLE))
    assert status == 200
    assert answer["model_version"] == headers["x-model-version"] == "v0.0.1"
    assert "server" not in headers


def test_a_batch_of_the_most_rows_is_answered(server: Server) -> None:
    rows = Settings().max_batch_rows
    body = b"[" + b",".join([EXAMPLE] * rows) + b"]"
    [(_, _, alone), (status, _, answer)] = server.exchange(sized(EXAMPLE) + sized(body, path="/predict/batch"), 2)
    assert status == 200
    assert answer["predictions"] == [as_in_a_batch(alone)] * rows


def test_a_connection_serves_many_requests_also_when_they_come_at_once(server: Server) -> None:
    answers = server.exchange(sized(EXAMPLE) + sized(b"{}") + sized(EXAMPLE), 3)
    assert [status for status, *_ in answers] == [200, 422, 200]


def test_a_body_may_come_byte_by_byte(server: Server) -> None:
    with server.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in sized(EXAMPLE):
            connection.sendall(bytes([byte]))
        [(status, *_)] = receive(connection)
    assert status == 200


def test_a_body_may_come_in_chunks(server: Server) -> None:
    middle = len(EXAMPLE) // 2
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (EXAMPLE[:middle], EXAMPLE[middle:]))
    [(status, *_)] = server.exchange(request(chunks + b"0\r\n\r\n", "Transfer-Encoding: chunked"))
    assert status == 200


def test_chunks_past_the_limit_are_refused_before_they_end(server: Server) -> None:
    size = Settings().max_body_bytes + 1
    [(status, *_)] = server.exchange(request(b"%x\r\n" % (2 * size) + b" " * size, "Transfer-Encoding: chunked"))
    assert status == 413


def test_a_body_announced_as_too_large_is_refused_before_it_is_sent(server: Server) -> None:
    [(status, headers, _)] = server.exchange(request(b"", "Content-Length: 999999999999", "Expect: 100-continue"))
    assert (status, headers["connection"]) == (413, "close")


@pytest.mark.parametrize("length", ["5", "999"])
def test_a_body_that_is_refused_before_it_comes_ends_the_connection(server: Server, length: str) -> None:
    asked = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\nhello"
    with server.connect() as connection:
        connection.sendall(asked.encode())
        [(status, headers, _)] = receive(connection)
        assert (status, headers["connection"]) == (415, "close")
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    "asked",
    [
        "OPTIONS / HTTP/1.0\r\n\r\n",
        "GET /readyz HTTP/1.0\r\n\r\n",
        "HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 10.0.0.1:8000\r\nConnection: close\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: 10.0.0.1:8000\r\nUser-Agent: kube-probe/1.31\r\nConnection: close\r\n\r\n",
    ],
    ids=["HAProxy's default", "HTTP/1.0 without Host", "HEAD", "ALB", "Kubernetes"],
)
def test_each_balancers_way_to_ask_for_the_health_gets_200(server: Server, asked: str) -> None:
    with server.connect() as connection:
        connection.sendall(asked.encode())
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert bool(body) is not asked.startswith("HEAD")


def test_a_client_that_leaves_in_the_middle_does_no_harm(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(request(EXAMPLE[:10], f"Content-Length: {len(EXAMPLE)}"))
    test_a_request_is_answered(server)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HELLO\r\n\r\n",
        request(EXAMPLE, "Content-Length: many"),
        request(EXAMPLE, "Content-Length: 5", "Transfer-Encoding: chunked"),
        request(b"not a size\r\n", "Transfer-Encoding: chunked"),
    ],
    ids=["TLS", "no request line", "length is no number", "length and chunks", "chunk without size"],
)
def test_what_is_not_http_gets_400_in_the_shape_of_every_error(server: Server, nonsense: bytes) -> None:
    [(status, headers, problem)] = server.exchange(nonsense)
    assert (status, problem["status"], headers["content-type"]) == (400, 400, "application/problem+json")
    assert problem["request_id"] == headers["x-request-id"]
    assert headers["x-model-version"] == "v0.0.1"
    assert float(headers["x-response-time-ms"]) >= 0


def test_a_request_under_way_is_finished_before_the_service_stops(bundle: Bundle, tmp_path: Path) -> None:
    server = Server(tmp_path, MODEL_PATH=bundle.path)
    with server.connect() as connection:
        connection.sendall(request(EXAMPLE[:10], f"Content-Length: {len(EXAMPLE)}"))
        server.exchange(sized(EXAMPLE))  # its answer shows that the first request has been taken up
        server.process.send_signal(signal.SIGTERM)
        assert server.process.stdout is not None
        assert any("Shutting down" in line for line in iter(server.process.stdout.readline, ""))
        connection.sendall(EXAMPLE[10:])
        [(status, headers, _)] = receive(connection)
    assert (status, headers["connection"]) == (200, "close")
    assert server.ended()[0] == 0


def ask(server: Server, path: str) -> tuple[int, dict[str, str], Any]:
    return server.exchange(f"GET {path} HTTP/1.1\r\nHost: service\r\n\r\n".encode())[0]


def ask_until(server: Server, path: str, status: int) -> tuple[int, dict[str, str], Any]:
    """The first answer of that status; every answer before it is thrown away."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        answer = ask(server, path)
        if answer[0] == status:
            return answer
        time.sleep(0.02)  # not more log lines than fit into the pipe that nobody reads meanwhile
    raise AssertionError(f"{path} never answered {status}")


def test_one_request_too_many_is_told_to_come_back_and_the_next_is_answered_again(
    bundle: Bundle, tmp_path: Path
) -> None:
    server = Server(tmp_path, MODEL_PATH=bundle.path, MAX_QUEUE=1)
    with server.connect() as slow, server.connect() as other:
        slow.sendall(request(EXAMPLE[:10], f"Content-Length: {len(EXAMPLE)}"))
        status = 200
        while status == 200:  # until the slow request has been taken up
            other.sendall(sized(EXAMPLE))
            [(status, headers, problem)] = receive(other)
        assert (status, headers["retry-after"], headers["content-type"]) == (503, "1", "application/problem+json")
        assert problem["request_id"] == headers["x-request-id"]
        assert headers["x-model-version"] == "v0.0.1"
        assert {path: ask(server, path)[0] for path in ALWAYS_ANSWERED} == dict.fromkeys(ALWAYS_ANSWERED, 200)
        told = scraped(ask(server, "/metrics")[2])
        assert total(told, metrics.ERRORS.name, kind="busy") == total(told, metrics.ERRORS.name) >= 1
        assert total(told, metrics.QUEUE.name) == 2  # the slow one, and the one that asks
        slow.sendall(EXAMPLE[10:])
        assert receive(slow)[0][0] == 200
        other.sendall(sized(EXAMPLE))
        assert receive(other)[0][0] == 200
    code, lines = server.stop()
    assert code == 0
    assert_json(lines)


def test_many_failures_of_one_subscriber_are_one_for_the_judge_and_all_for_people(
    bundle: Bundle, tmp_path: Path
) -> None:
    server = Server(tmp_path, MODEL_PATH=bundle.path, MAX_QUEUE=1)

    def fail(*headers: str) -> None:
        assert server.exchange(sized(EXAMPLE, *headers))[0][0] == 503

    with server.connect() as slow:
        slow.sendall(request(EXAMPLE[:10], f"Content-Length: {len(EXAMPLE)}"))
        ask_until_busy(server)  # one request has been refused, without a key
        for _ in range(20):
            fail("X-Subscriber-Key: one")
        fail("X-Subscriber-Key: another")
        for attempt in "234":
            fail("X-Subscriber-Key: third", f"X-Request-ID: {'ab' * 16}", f"X-Attempt: {attempt}")
        told = scraped(ask(server, "/metrics")[2])
        [counts] = Instances(lambda: {"stable": [], "canary": [server.address]}).read()["canary"].counts.values()
        slow.sendall(EXAMPLE[10:])
        assert receive(slow)[0][0] == 200
    assert total(told, metrics.REQUESTS.name, route="/predict", status="5xx") == 25
    assert (counts.errors, counts.retries, counts.retried_errors, counts.repeated_errors) == (25, 3, 3, 19)
    assert counts.errors - counts.retried_errors - counts.repeated_errors == 3  # one, another, and without a key
    assert sum(counts.retried_latency) == 3
    assert counts.unsorted == 0
    assert server.stop()[0] == 0


def ask_until_busy(server: Server) -> None:
    """Ask until the request that is under way has been taken up."""
    while server.exchange(sized(EXAMPLE))[0][0] == 200:
        pass


def test_one_batch_too_many_is_refused_before_its_body_is_read(bundle: Bundle, tmp_path: Path) -> None:
    server = Server(tmp_path, MODEL_PATH=bundle.path)
    head = request(b"", "Content-Length: 1000000", path="/predict/batch")
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_BATCHES):
            stack.enter_context(server.connect()).sendall(head + b"[")
        status = 200
        while status != 503:  # until the others have been taken up
            [(status, *_)] = server.exchange(sized(b"[" + EXAMPLE + b"]", path="/predict/batch"))
        [(status, headers, _)] = server.exchange(head)
        assert (status, headers["retry-after"]) == (503, "1")
        assert server.exchange(sized(EXAMPLE))[0][0] == 200
    assert server.stop()[0] == 0


def test_memory_stays_bounded_while_the_worst_batches_come(bundle: Bundle, tmp_path: Path) -> None:
    server = Server(tmp_path, MODEL_PATH=bundle.path, LOG_LEVEL="warning")
    unknown = b"{" + b",".join(b'"k%d":0' % key for key in range(100)) + b"}"
    rows = (b"{}," * 340_000 + b"{}", b'{"":0},' * 63_000 + b"{}", b",".join([unknown] * 1000), b"[]," * 63_000 + b"[]")
    bodies = [sized(b"[" + row + b"]", path="/predict/batch") for row in rows]
    with ThreadPoolExecutor(32) as threads:
        statuses = set(threads.map(lambda number: server.exchange(bodies[number % len(bodies)])[0][0], range(128)))
    assert statuses <= {200, 413, 503}
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    assert int(status.partition("VmHWM:")[2].split()[0]) < 300_000  # KiB
    assert server.exchange(sized(EXAMPLE))[0][0] == 200
    assert server.stop()[0] == 0


def test_clients_that_leave_do_not_fill_the_queue(bundle: Bundle, tmp_path: Path) -> None:
    server = Server(tmp_path, MODEL_PATH=bundle.path, MAX_QUEUE=3)
    for _ in range(10):
        with server.connect() as leaving:
            leaving.sendall(request(EXAMPLE[:10], f"Content-Length: {len(EXAMPLE)}"))
    until = time.monotonic() + PATIENCE_S
    statuses = [503] * 3
    while statuses[-3:] != [200] * 3 and time.monotonic() < until:
        statuses.append(server.exchange(sized(EXAMPLE))[0][0])
    assert statuses[-3:] == [200] * 3
    assert server.stop()[0] == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_before_it_stops_it_says_so_for_a_while_and_still_answers(bundle: Bundle, tmp_path: Path, workers: int) -> None:
    server = Server(tmp_path, MODEL_PATH=bundle.path, DRAIN_SECONDS=4, WORKERS=workers)
    with server.connect() as kept:
        kept.sendall(sized(EXAMPLE))
        assert receive(kept)[0][0] == 200
        server.process.send_signal(signal.SIGTERM)
        _, _, problem = ask_until(server, "/health", 503)
        assert "about to stop" in problem["detail"]
        assert ask(server, "/livez")[0] == 200
        if workers == 1:  # of several, another one may have been asked
            kept.sendall(sized(EXAMPLE))
            [(status, headers, _)] = receive(kept)
            assert (status, headers["connection"]) == (200, "close")
            assert kept.recv(1) == b""
        assert server.exchange(sized(EXAMPLE))[0][0] == 200
    code, lines = server.ended()
    assert code == 0
    assert_json(lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl+C", "a second SIGTERM"])
def test_whoever_does_not_want_to_wait_need_not(bundle: Bundle, tmp_path: Path, number: signal.Signals) -> None:
    server = Server(tmp_path, MODEL_PATH=bundle.path, DRAIN_SECONDS=60)
    server.process.send_signal(signal.SIGTERM)
    ask_until(server, "/readyz", 503)
    server.process.send_signal(number)
    started = time.monotonic()
    assert server.ended()[0] == 0
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(("setting", "workers"), [("2", 2), ("", count_usable_cpus())], ids=["two", "one for each CPU"])
def test_workers_share_a_port_are_ready_once_and_stop_together(
    bundle: Bundle, tmp_path: Path, setting: str, workers: int
) -> None:
    server = Server(tmp_path, MODEL_PATH=bundle.path, WORKERS=setting)
    [(status, *_)] = server.exchange(sized(EXAMPLE))
    assert status == 200
    code, lines = server.stop()
    assert code == 0
    assert_json(lines)
    assert sum("Started server process" in line for line in lines) == workers
    assert sum(line.startswith("ready:") for line in lines) == 1


def test_a_damaged_bundle_is_not_served(bundle: Bundle, tmp_path: Path) -> None:
    damaged = tmp_path / "bundle"
    damaged.mkdir()
    for file in bundle.path.iterdir():
        (damaged / file.name).write_bytes(file.read_bytes())
    (damaged / MODEL).write_bytes((damaged / MODEL).read_bytes()[:-1])
    code, lines = Server(tmp_path, MODEL_PATH=damaged).ended()
    assert code == 4
    assert re.fullmatch(f"refused: .*{MODEL}.*\n", lines[-1])


def test_a_port_that_is_taken_is_refused_in_one_sentence(bundle: Bundle, tmp_path: Path, server: Server) -> None:
    code, lines = Server(tmp_path, MODEL_PATH=bundle.path, PORT=server.port).ended()
    assert code == 2
    assert lines == [f"refused: the service cannot listen on 127.0.0.1 port {server.port}: Address already in use\n"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_policy_that_cannot_be_used_is_refused_in_a_sentence_before_anything_listens(
    bundles: dict[str, Bundle], tmp_path: Path, workers: int
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('version = "x"', encoding="utf-8")
    done = churn(tmp_path, "serve", MODEL_PATH=bundles["streamflow"].path, OFFER_POLICY=policy, WORKERS=workers)
    assert done.code == 2
    assert "Traceback" not in done.err
    assert str(policy) in done.err
    assert "cooldown: is missing" in done.err
