"""Run the load: send each request when a connection is free, or when it is due."""

import asyncio
import gc
import itertools
import math
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import uvloop

from churn.loadtest.client import Client, open_session
from churn.loadtest.plan import MOST_IN_FLIGHT, ClosedLoop, LoadPlan, OpenLoop, Times, draw_arrivals
from churn.loadtest.samples import Run

WARMUP_CONNECTIONS = 8
OTHER_FILES = 100  # open in the process beside its connections
BEFORE_PROGRESS_S = 2.0
BETWEEN_PROGRESS_S = 1.0

type Progress = Callable[[int, int | None, str], None]  # called once a second with done, total, unit


def run_load(
    plan: LoadPlan, bodies: Sequence[bytes], progress: Progress = lambda *_: None, *, api_key: str | None = None
) -> Run:
    """Run a load test to its end. Failed requests are part of the result and raise nothing."""
    with _defer_collections():
        return uvloop.run(_run(plan, bodies, progress, api_key))


async def _run(plan: LoadPlan, bodies: Sequence[bytes], progress: Progress, api_key: str | None) -> Run:
    async with open_session(plan.timeout_s, api_key) as session:
        await run_closed_loop(Client(session, plan.url, bodies), WARMUP_CONNECTIONS, requests=plan.warmup)
        cpu_before_s = time.process_time()
        client = Client(session, plan.url, bodies)
        watcher = asyncio.create_task(_watch(client, plan, progress))
        if isinstance(plan.loop, ClosedLoop):
            await run_closed_loop(client, plan.loop.connections, requests=plan.requests, duration_s=plan.duration_s)
        else:
            due = draw_arrivals(
                plan.loop.rate_per_s,
                plan.loop.arrivals,
                np.random.default_rng(plan.seed),
                requests=plan.requests,
                duration_s=plan.duration_s,
            )
            await run_open_loop(client, plan.loop, due)
        watcher.cancel()
        return Run(client.samples, time.process_time() - cpu_before_s)


async def run_closed_loop(
    client: Client, connections: int, *, requests: int | None, duration_s: float = math.inf
) -> None:
    """Send over each connection when its last request is answered, until a limit is reached."""
    numbers = iter(itertools.count() if requests is None else range(requests))

    async def use_one_connection() -> None:
        for number in numbers:
            if client.now() >= duration_s:
                return
            await client.send(number)

    await asyncio.gather(*(use_one_connection() for _ in range(connections)))


async def run_open_loop(client: Client, loop: OpenLoop, due: Times) -> None:
    """Send each request when it is due, whether others are answered or not. Then wait for the last answers."""
    most_in_flight = min(loop.most_in_flight, _count_allowed_connections())
    in_flight = set[asyncio.Task[None]]()
    for number, due_s in enumerate(due.tolist()):
        await asyncio.sleep(max(0.0, due_s - client.now()))
        while client.now() < due_s:  # noqa: ASYNC110 - the timer rounds to a millisecond
            await asyncio.sleep(0)
        if len(in_flight) >= most_in_flight:
            client.skip(due_s)
            continue
        request = asyncio.create_task(client.send(number, due_s))
        in_flight.add(request)
        request.add_done_callback(in_flight.discard)
    if in_flight:
        _, unanswered = await asyncio.wait(in_flight, timeout=loop.drain_s)
        for request in unanswered:
            request.cancel()
        await asyncio.gather(*unanswered, return_exceptions=True)


async def _watch(client: Client, plan: LoadPlan, progress: Progress) -> None:
    await asyncio.sleep(BEFORE_PROGRESS_S)
    while True:
        if plan.requests is None:
            progress(int(client.now()), int(plan.duration_s), "seconds")
        else:
            progress(len(client.samples), plan.requests, "requests")
        await asyncio.sleep(BETWEEN_PROGRESS_S)


def _count_allowed_connections() -> int:
    """Ask the system for enough open files, and return how many connections it allows."""
    present, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_IN_FLIGHT + OTHER_FILES
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    if present != resource.RLIM_INFINITY and present < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return wanted - OTHER_FILES


@contextmanager
def _defer_collections() -> Iterator[None]:
    """Keep full garbage collections away: each would stop the client for tens of milliseconds, in vain."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
