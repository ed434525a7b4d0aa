"""Subscribers who open their page: predictions at a steady rate, each with the subscriber's key.

The judge counts a subscriber once a minute, and a demonstration has minutes only. So each visit is of somebody new, and
one in ten is of somebody who was here before. They have the data of one of SUBSCRIBERS.
"""

import asyncio
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.contract.sampling import draw_columns, draw_demo_columns
from churn.model.manifest import REFERENCE
from demo.pair import Pair

SUBSCRIBERS = 2000
CONNECTIONS = 16
REQUESTS_PER_S = 700
ANSWER_TIMEOUT_S = 5.0
DECIMALS = 2
COME_BACK = 10  # one visit in so many is of somebody who was here before
HEAD = re.compile(
    rb"HTTP/1\.1 (\d\d\d).*?\r\ncontent-length: (\d+)\r\n.*?\r\nx-served-by: (\w+)", re.DOTALL | re.IGNORECASE
)


@dataclass
class Traffic:
    """Send requests to one address on a thread of their own, during the `with` block.

    Args:
        address: `HOST:PORT`.
        pair: whose subscribers they are.
        flowing: whether requests are sent; may be changed at any time.
        in_a_row: how often a subscriber asks before the next one does.
        answered: the number of answers by status.
        served_by: the track that answered each subscriber last.
        moved_back: the number of answers by stable to a subscriber whose last one came from the canary.
    """

    address: str
    pair: Pair
    flowing: bool = False
    in_a_row: int = 1
    answered: Counter[int] = field(default_factory=Counter)
    served_by: dict[int, str] = field(default_factory=dict)
    moved_back: int = 0
    _stopped: bool = False

    def __enter__(self) -> Self:
        self._requests = _build_requests(self.pair)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._send_all()))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        self._thread.join()

    def begin(self, *, flowing: bool, in_a_row: int = 1) -> None:
        """Forget the counts, and send from now on, or send nothing."""
        self.answered, self.served_by, self.moved_back = Counter(), {}, 0
        self.flowing, self.in_a_row = flowing, in_a_row

    async def _send_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(CONNECTIONS):
                group.create_task(self._send_on_connection(number))

    async def _send_on_connection(self, number: int) -> None:
        host, _, port = self.address.rpartition(":")
        visits, asked, due = 0, 0, time.monotonic()
        while not self._stopped:
            try:
                reader, writer = await asyncio.open_connection(host, int(port))
                while not self._stopped:
                    due = max(due + CONNECTIONS / REQUESTS_PER_S, time.monotonic() - 1)
                    await asyncio.sleep(max(due - time.monotonic(), 0))
                    if not self.flowing:
                        continue
                    asked += 1
                    visits += asked % self.in_a_row == 0
                    visit = visits // 2 if visits % COME_BACK == 0 else visits
                    subscriber = number + CONNECTIONS * visit
                    head, body = self._requests[subscriber % SUBSCRIBERS]
                    writer.write(head % subscriber + body)
                    self._count(subscriber, await asyncio.wait_for(_read_answer(reader), ANSWER_TIMEOUT_S))
                writer.close()
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                self.answered[0] += 1
                await asyncio.sleep(0.1)

    def _count(self, subscriber: int, answer: tuple[int, str]) -> None:
        status, server = answer
        self.answered[status] += 1
        self.moved_back += self.served_by.get(subscriber) == "canary" and server == "stable"
        self.served_by[subscriber] = server


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, str]:
    """Return the status and the track. A 503 by HAProxy itself has no track."""
    head = await reader.readuntil(b"\r\n\r\n")
    match = HEAD.match(head)
    length = int(match[2]) if match else int((re.search(rb"content-length: (\d+)", head, re.IGNORECASE) or [0, 0])[1])
    await reader.readexactly(length)
    return (int(match[1]), match[3].decode()) if match else (int(head.split()[1]), "")


def draw_like_holdout(
    contract: type[Contract], reference: Mapping[str, Any], generator: np.random.Generator, count: int
) -> dict[str, npt.NDArray[Any]]:
    """Draw valid values, distributed as a bundle's reference says of each field; a field it lacks by its limits."""
    columns = draw_columns(contract, generator, count)
    for spec in contract.features:
        kept = reference.get("features", {}).get(spec.name, {})
        known, unknown = sum(kept.get("counts", ())), kept.get("unknown", 0)
        if known:
            columns[spec.name] = _draw_like(spec, kept, generator, columns[spec.name])
        if unknown:
            columns[spec.name] = columns[spec.name].astype(object)
            columns[spec.name][generator.random(count) < unknown / (known + unknown)] = None
    return columns


def _draw_like(
    spec: FeatureSpec, kept: Mapping[str, Any], generator: np.random.Generator, drawn: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    counts = np.array(kept["counts"], dtype=np.float64)
    chosen = generator.choice(len(counts), size=len(drawn), p=counts / counts.sum())
    if spec.kind == "boolean":
        return np.asarray(chosen == 1)
    if spec.kind == "category":
        return np.array(spec.categories)[chosen]
    # The outer bins are open, so that their edge stands for them.
    edges = np.array(kept["edges"], dtype=np.float64)
    if not len(edges):
        return drawn
    low, high = np.concatenate([[edges[0]], edges])[chosen], np.concatenate([edges, [edges[-1]]])[chosen]
    between = generator.uniform(low, high)
    if spec.kind == "integer":
        return np.asarray(np.clip(np.floor(between), spec.lower, spec.upper), dtype=np.int64)
    return np.asarray(np.clip(np.round(between, DECIMALS), spec.lower, spec.upper))


def _build_requests(pair: Pair) -> list[tuple[bytes, bytes]]:
    """Return one request with the data of each subscriber: its head, where a number is to be put in, and its body."""
    contract, generator = pair.contract, np.random.default_rng(7)
    reference = pair.stable / REFERENCE
    columns = (
        draw_demo_columns(contract, generator, SUBSCRIBERS)
        if contract.demo or not reference.is_file()
        else draw_like_holdout(contract, json.loads(reference.read_bytes()), generator, SUBSCRIBERS)
    )
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    bodies = (json.dumps(dict(zip(columns, row, strict=True))).encode() for row in rows)
    return [
        (
            b"POST /predict HTTP/1.1\r\nHost: demo\r\nContent-Type: application/json\r\nX-Subscriber-Key: demo-%%d\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body),
            body,
        )
        for body in bodies
    ]
