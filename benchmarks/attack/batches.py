"""Connections that send the worst batches without a pause, beside a caller who asks about one subscriber at a time.

Those who attack and the caller are processes of their own. The attackers have the lowest priority (nice 19). They share
the CPUs of the service, and would else take its time, which no service can prevent.
"""

import asyncio
import contextlib
import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.attack.processes import EXAMPLE, Service, make_attacked_bundle
from benchmarks.attack.summary import Summary
from benchmarks.processes import list_descendants, read_memory

CONNECTIONS = 256
SINGLES_PER_S = 20
WITHIN_S, SHARE_WITHIN = 0.2, 0.99
MOST_MIB = 300
PATIENCE_S = 30.0
HEAD = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


def attack(count: int, seed: int, home: Path) -> Summary:
    """Attack for so many seconds a service with one worker, then one with two."""
    if not count:
        return Summary("batches", 0, skipped="not in the short form: it needs a machine that does nothing else")
    bundle = make_attacked_bundle(home)
    faults: list[str] = []
    figures: dict[str, float] = {}
    tried = 0
    for workers in (1, 2):
        with Service(bundle, home, workers=workers, PREDICTION_LOG="off") as service:
            if not service.wait_until_serving():
                faults.append(f"the service with {workers} does not start: {service.log.read_text()[-300:]}")
                continue
            batches, singles, memory = _attack_service(service, count, seed)
        tried += sum(batches["statuses"].values()) + len(singles)
        within = sum(took_s <= WITHIN_S for took_s in singles) / max(len(singles), 1)
        figures |= {
            f"largest_mib_{workers}": round(memory),
            f"singles_within_200_ms_{workers}": round(within, 4),
            f"batches_per_s_{workers}": round(sum(batches["statuses"].values()) / count),
            f"attackers_cpus_{workers}": round(batches["cpu_s"] / count, 2),
        }
        if memory > MOST_MIB:
            faults.append(f"with {workers}: the largest process took {memory:.0f} MiB")
        if within < SHARE_WITHIN:
            faults.append(f"with {workers}: {within:.1%} of single requests were answered within {WITHIN_S} s")
        if wrong := batches["statuses"].keys() - {"200", "413", "422", "503"}:
            faults.append(f"with {workers}: batches ended in {sorted(wrong)}")
        if batches["without_retry_after"]:
            faults.append(f"with {workers}: {batches['without_retry_after']} refusals said no Retry-After")
    return Summary("batches", tried, tuple(faults), figures)


def _attack_service(service: Service, seconds: int, seed: int) -> tuple[dict[str, Any], list[float], float]:
    """Return what became of the batches, the seconds that each single request took, and the largest process's MiB."""
    run = [sys.executable, "-m", "benchmarks.attack.batches"]
    arguments = [str(service.port), str(seconds), str(seed)]
    batches = subprocess.Popen(["nice", "-n", "19", *run, "batches", *arguments], stdout=subprocess.PIPE)
    singles = subprocess.Popen([*run, "singles", *arguments], stdout=subprocess.PIPE)
    largest_mib = 0.0
    try:
        while batches.poll() is None or singles.poll() is None:
            for pid in [service.process.pid, *list_descendants(service.process.pid)]:
                with contextlib.suppress(OSError):  # it has ended meanwhile
                    largest_mib = max(largest_mib, read_memory(pid)["rss"])
            time.sleep(0.5)
        return json.loads(batches.communicate()[0]), json.loads(singles.communicate()[0]), largest_mib
    finally:
        for process in (batches, singles):
            process.kill()
            process.wait()


def make_worst_bodies(chance: random.Random) -> list[bytes]:
    """Return bodies of about 1 MB that cost most: to parse, to answer, to refuse, to hold."""
    example = EXAMPLE.encode()
    unknown = b"{" + b",".join(b'"k%d":%d' % (key, chance.randrange(9)) for key in range(100)) + b"}"
    return [
        b"[" + b",".join([example] * 1000) + b"]",
        b"[" + b"{}," * 340_000 + b"{}]",
        b"[" + b",".join([unknown] * 1000) + b"]",
        b"[" + b'"' + b"x" * 1_000_000 + b'"]',
    ]


async def send_batches(port: int, seconds: float, seed: int) -> dict[str, Any]:
    """Send batches on all connections; half of them read the answer first, half send all first."""
    bodies = make_worst_bodies(random.Random(seed))  # noqa: S311 - no secret
    statuses: Counter[str] = Counter()
    without_retry_after = 0
    until_s = time.monotonic() + seconds

    async def send(number: int) -> None:
        nonlocal without_retry_after
        chance = random.Random(seed + number)  # noqa: S311 - no secret
        while time.monotonic() < until_s:
            body = chance.choice(bodies)
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError as error:
                statuses[type(error).__name__] += 1
                continue
            try:
                while time.monotonic() < until_s:
                    writer.write(HEAD % (b"/predict/batch", len(body)))
                    writer.write(body)
                    if number % 2:
                        await writer.drain()
                    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
                    status = head[9:12].decode()
                    statuses[status] += 1
                    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
                    without_retry_after += status == "503" and b"retry-after" not in fields
                    await asyncio.wait_for(reader.readexactly(int(fields[b"content-length"])), PATIENCE_S)
                    if fields.get(b"connection") == b"close" or status != "200":
                        break
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                statuses[type(error).__name__] += 1
            finally:
                writer.transport.abort()

    await asyncio.gather(*map(send, range(CONNECTIONS)))
    return {"statuses": statuses, "without_retry_after": without_retry_after, "cpu_s": time.process_time()}


async def send_singles(port: int, seconds: float) -> list[float]:
    """Ask at a steady rate, each time on a new connection. Return the seconds of each; what failed took for ever."""
    took_s: list[float] = []

    async def send() -> None:
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(HEAD % (b"/predict", len(EXAMPLE)) + EXAMPLE.encode())
                head = await reader.readuntil(b"\r\n\r\n")
                writer.close()
            is_answered = head[9:12] == b"200"
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            is_answered = False
        took_s.append(time.monotonic() - began_s if is_answered else 1e9)

    async with asyncio.TaskGroup() as sending:
        for _ in range(int(seconds * SINGLES_PER_S)):
            sending.create_task(send())
            await asyncio.sleep(1 / SINGLES_PER_S)
    return took_s


if __name__ == "__main__":
    what, port, seconds, seed = sys.argv[1], *map(int, sys.argv[2:])
    result: Any = asyncio.run(send_batches(port, seconds, seed) if what == "batches" else send_singles(port, seconds))
    sys.stdout.write(json.dumps(result))
