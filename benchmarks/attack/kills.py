"""Kill workers and first processes of services under load, at any moment of their lives."""

import contextlib
import functools
import os
import random
import signal
import time
from pathlib import Path

from benchmarks.attack.processes import PATIENCE_S, Callers, Service, ask, make_attacked_bundle, read_metric, wait_for
from benchmarks.attack.summary import Summary
from benchmarks.processes import PROC, find_free_port
from churn.judging.metrics import WORKERS_MISSING

WORKERS = 2
AFTERWARDS = 100  # requests after the last kill, each of which must be answered
RECOVERY_S = 60.0
END_S = 2.0
# The log is off: a process that closes journals outlives a killed worker, and writes while the folder is removed.
LIMIT_S = 240.0  # for each of the two; on a machine that is too slow fewer are tried
WAITS_FOR_RECOVERY = 0.7  # the share of kills before which the service has recovered from the last one
ANSWERED, UNAVAILABLE = 200, 503


def attack(count: int, seed: int, home: Path) -> Summary:
    """Kill so many workers of one service, then so many first processes, each with workers."""
    chance = random.Random(seed)  # noqa: S311 - no secrets
    bundle = make_attacked_bundle(home)
    faults, figures = _kill_workers(bundle, home, count, chance)
    more, restarts = _kill_services(bundle, home, count, chance)
    tried = int(figures.get("worker_kills", 0) + restarts["service_kills"])
    return Summary("kills", tried, tuple(dict.fromkeys([*faults, *more])), figures | restarts)


def _kill_workers(bundle: Path, home: Path, count: int, chance: random.Random) -> tuple[list[str], dict[str, float]]:
    faults: list[str] = []
    kills, longest_s, until_s = 0, 0.0, time.monotonic() + LIMIT_S
    with Service(bundle, home, workers=WORKERS, PREDICTION_LOG="off") as service:
        if not service.wait_until_serving():
            return [f"the service does not start: {service.log.read_text()[-300:]}"], {}
        with Callers(service.port, 4) as callers:
            while kills < count:
                is_last = kills == count - 1 or time.monotonic() > until_s
                time.sleep(chance.uniform(0, 0.3))
                workers = sorted(service.list_workers())
                victims = chance.sample(workers, min(len(workers), chance.choice([1, 1, 1, 2])))
                for worker in victims:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(worker, signal.SIGKILL)
                killed_s = time.monotonic()
                if chance.random() < WAITS_FOR_RECOVERY or is_last:
                    if not wait_for(functools.partial(_is_whole, service, victims), RECOVERY_S):
                        faults.append(f"kill {kills} of a worker: not all workers again in {RECOVERY_S:.0f} s")
                    longest_s = max(longest_s, time.monotonic() - killed_s)
                kills += 1
                if is_last:
                    break
        unanswered = sum(ask(service.port) != ANSWERED for _ in range(AFTERWARDS))
        if unanswered:
            faults.append(f"{unanswered} of {AFTERWARDS} requests after the last kill were not answered")
        hung = callers.outcomes["TimeoutError"]
        if hung:
            faults.append(f"{hung} requests hung for {PATIENCE_S:.0f} s while workers were killed")
        wrong = {key for key in callers.outcomes if isinstance(key, int)} - {ANSWERED, UNAVAILABLE}
        if wrong:
            faults.append(f"statuses {sorted(wrong)} while workers were killed")
    return faults, {
        "worker_kills": kills,
        "answered": callers.outcomes[ANSWERED],
        "refused_503": callers.outcomes[UNAVAILABLE],
        "late": callers.late,
        "cut_off": sum(number for key, number in callers.outcomes.items() if isinstance(key, str)),
        "longest_recovery_s": round(longest_s, 1),
    }


def _is_whole(service: Service, killed: list[int]) -> bool:
    if set(killed) & set(service.list_workers()):
        return False  # not yet noticed
    return read_metric(service.port, WORKERS_MISSING.name) == 0 and ask(service.port, "GET", "/health") == ANSWERED


def _kill_services(bundle: Path, home: Path, count: int, chance: random.Random) -> tuple[list[str], dict[str, float]]:
    faults: list[str] = []
    port, kills, longest_s, until_s = find_free_port(), 0, 0.0, time.monotonic() + LIMIT_S
    with Callers(port, 1):
        while kills < count and time.monotonic() < until_s:
            kills += 1
            with Service(bundle, home, workers=WORKERS, port=port, PREDICTION_LOG="off") as service:
                if not service.wait_until_serving():
                    faults.append(f"start {kills} of a service: {service.log.read_text()[-300:]}")
                    continue
                if ask(port) != ANSWERED:
                    faults.append("a service that has just started does not answer")
                workers = service.list_workers()
                if chance.choice([True, False]):  # so that a worker is about to start when its parent dies
                    os.kill(chance.choice(workers), signal.SIGKILL)
                    time.sleep(chance.uniform(0, 1.5))
                workers = service.list_workers()
                os.kill(service.process.pid, signal.SIGKILL)
                service.process.wait()
                killed_s = time.monotonic()
                if not wait_for(lambda: ask(port, "GET", "/livez") == "ConnectionRefusedError", END_S):
                    faults.append(f"somebody listens {END_S:.0f} s after a service was killed")
                longest_s = max(longest_s, time.monotonic() - killed_s)
                if not wait_for(functools.partial(_have_ended, workers), RECOVERY_S):
                    faults.append("a worker outlives its service")
    return faults, {"service_kills": kills, "longest_listening_after_kill_s": round(longest_s, 2)}


def _have_ended(pids: list[int]) -> bool:
    return not any(map(_is_alive, pids))


def _is_alive(pid: int) -> bool:
    try:
        return (PROC / f"{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
