"""A container of 2 GB, as it runs in production, gets hostile requests and the worst batches, many at once."""

import contextlib
import json
import os
import random
import secrets
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from pathlib import Path

from benchmarks.attack.processes import EXAMPLE, ask, make_attacked_bundle, wait_for
from benchmarks.attack.requests import THREADS, attack_once
from benchmarks.attack.summary import Summary
from churn.errors import ImageError
from churn.image.building import BASE_IMAGE, build_image
from churn.image.container import Container, run_container
from churn.image.docker import docker

CONNECTIONS = 256
ROUNDS = 2
PATIENCE_S = 120.0
MB = 1_000_000
PEAKS = ("/sys/fs/cgroup/memory.peak", "/sys/fs/cgroup/memory/memory.max_usage_in_bytes")  # cgroup 2 and 1
WORST = {
    "valid rows": b"[" + b",".join([EXAMPLE.encode()] * 1000) + b"]",
    "too many rows": b"[" + b"{}," * 340_000 + b"{}]",
    "unknown keys": json.dumps([{f"k{number}": 0 for number in range(100)}] * 1000).encode(),
    "deep": b"[" * 500_000 + b"]" * 500_000,
    "one long text": b'[{"tenure": "' + b"x" * 1_000_000 + b'"}]',
    "numbers": b"[" + b"1e308," * 160_000 + b"0]",
}


def attack(count: int, seed: int, home: Path) -> Summary:
    """Send the worst batches over many connections at once, then so many hostile requests; it must live and answer."""
    if not count:
        return Summary("container", 0, skipped="building an image takes minutes: only in the whole form")
    try:
        networks = docker("network", "ls", "--format", "{{.Name}}").splitlines()
    except ImageError as error:
        return Summary("container", 0, skipped=error.message)
    image = build_image(
        make_attacked_bundle(home),
        repository=f"churn-attack-{secrets.token_hex(4)}/streamflow-churn-api",
        base_image=os.environ.get("BASE_IMAGE", BASE_IMAGE),
        network=None if "bridge" in networks else "host",
        ca_file=Path(os.environ["SSL_CERT_FILE"]) if os.environ.get("SSL_CERT_FILE") else None,
    )
    try:
        with run_container(image.reference) as container:
            return _attack_container(container, count, seed)
    finally:
        with contextlib.suppress(ImageError):
            docker("image", "rm", "--force", image.reference)


def _attack_container(container: Container, count: int, seed: int) -> Summary:
    chance = random.Random(seed)  # noqa: S311 - repeatable
    before_mb, faults, answers = _read_peak_mb(container), Counter[str](), Counter[str]()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        for _ in range(ROUNDS):
            for name, body in WORST.items():
                answers.update(threads.map(partial(_post_batch, container.port), [body] * CONNECTIONS))
                if not _answers(container):
                    faults[f"no valid answer after {CONNECTIONS} batches at once: {name}"] += 1
        mixed = chance.choices([*WORST.values()], k=CONNECTIONS)
        answers.update(threads.map(partial(_post_batch, container.port), mixed))
    with ThreadPoolExecutor(THREADS) as threads:
        outcomes = threads.map(partial(attack_once, {"service": container.port}, seed), range(count))
        faults.update(outcome for outcome in outcomes if outcome)
    state = json.loads(docker("inspect", "--format", "{{json .State}}", container.name))
    if state["OOMKilled"] or not state["Running"]:
        faults[f"the container is gone: {state}"] += 1
    elif not _answers(container):
        faults["no valid answer at the end"] += 1
    if wrong := {status for status in answers if status.startswith("5")} - {"503"}:
        faults[f"answers {sorted(wrong)} to batches"] += 1
    tried = count + answers.total()
    figures = {
        "memory_before_mb": before_mb,
        "memory_peak_mb": _read_peak_mb(container),
        **{f"batches_{status}": float(number) for status, number in sorted(answers.items())},
    }
    return Summary("container", tried, tuple(f"{fault} (seed {seed})" for fault in faults)[:10], figures)


def _answers(container: Container) -> bool:
    """Return whether a valid request is answered soon."""
    return wait_for(lambda: ask(container.port) == HTTPStatus.OK, PATIENCE_S)


def _post_batch(port: int, body: bytes) -> str:
    """Send a batch on a connection of its own. Return its status, or the name of the error."""
    head = b"POST /predict/batch HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as caller:
            with contextlib.suppress(ConnectionError):  # it may be refused before it is sent
                caller.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            received = b""
            while part := caller.recv(1 << 20):
                received = received or part
    except OSError as error:
        return type(error).__name__
    return received[9:12].decode(errors="replace") or "nothing"


def _read_peak_mb(container: Container) -> float:
    """Return the most memory that all processes of the container had together, in MB, with pages of files.

    Raises:
        ImageError: the kernel does not say.
    """
    for place in PEAKS:
        with contextlib.suppress(ImageError):
            return round(int(docker("exec", container.name, "cat", place)) / MB)
    raise ImageError("the container's memory cannot be read", instead="use a kernel with control groups for memory")
