"""Kill what writes the prediction log, and what closes it: nothing closed is lost, and no prediction is there twice."""

import contextlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks.attack.journals import LINES, write_lines
from benchmarks.attack.processes import Callers, Service, make_attacked_bundle, wait_for
from benchmarks.attack.summary import Summary
from churn.prediction_log.journal import list_journals
from churn.prediction_log.places import Places, locate_log
from churn.prediction_log.reader import read_latest_records
from churn.prediction_log.segments import list_segments, open_store, read_segment

WORKERS, CALLERS = 2, 1
WAITING = 30  # journals for each closing process
LIMIT_S = 420.0  # on a machine that is too slow fewer are killed
END_S = 60.0
RETENTION_DAYS = "36000"  # the journals that are left here are old
SOON_S = 0.001
COMMAND_SHARE = 0.25  # of what is killed; else it is the process that the service starts


def attack(count: int, seed: int, home: Path) -> Summary:
    """Kill so many serving workers and as many closing processes, at any moment of their work."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    faults, closed, until_s = Counter[str](), set[str](), time.monotonic() + LIMIT_S
    places = locate_log(None, "streamflow", home=home)
    store = open_store(places.where)
    expected: set[str] = set()
    kills = {"writer_kills": 0, "closing_kills": 0}
    with Service(
        make_attacked_bundle(home), home, workers=WORKERS, PREDICTION_LOG_RETENTION_DAYS=RETENTION_DAYS
    ) as service:
        if not service.wait_until_serving():
            return Summary("writer", 0, (f"the service does not start: {service.log.read_text()[-300:]}",))
        with Callers(service.port, CALLERS) as callers:
            while min(kills.values()) < count and time.monotonic() < until_s:
                expected |= _leave_journals(places)
                kills["closing_kills"] += _kill_closing(places, home, chance)
                kills["writer_kills"] += _kill_worker(service, chance)
                now = {segment.name for segment in list_segments(store)}
                if lost := closed - now:
                    faults[f"{len(lost)} closed segments are gone after {kills}"] += 1
                closed = now
                if problem := _close(places, home, of_all=False):
                    faults[f"{problem} after {kills}"] += 1
        answered = set(callers.prediction_ids)
    if problem := _close(places, home, of_all=True):
        faults[f"{problem}, with the service stopped"] += 1
    segments = list_segments(store)
    for segment in segments:
        read_segment(store, segment)  # raises DataError if its checksum differs
    logged = Counter(
        str(record["prediction_id"])
        for record in read_latest_records(places, sum(part.records for part in segments) + 1)
    )
    if twice := [prediction for prediction, times in logged.items() if times > 1]:
        faults[f"{len(twice)} predictions are logged twice, such as {twice[0]}"] += 1
    if missing := expected - logged.keys():
        faults[f"{len(missing)} records of whole journals are lost"] += 1
    figures: dict[str, float] = {
        **kills,
        "segments": len(segments),
        "records": logged.total(),
        "answered": len(answered),
        "not_yet_written_at_a_kill": len(answered - logged.keys()),
    }
    return Summary("writer", sum(kills.values()), tuple(f"{fault} (seed {seed})" for fault in faults)[:10], figures)


def _leave_journals(places: Places) -> set[str]:
    """Leave journals as killed writers do. Return the ids in them."""
    ids = set()
    for _ in range(WAITING):
        number = secrets.randbits(100)
        unfinished = places.journals / f".{number}"
        unfinished.write_bytes(write_lines(number))
        unfinished.rename(places.journals / f"20260101T000000Z-{number}-aaaaaaaa.jsonl")
        ids |= {f"{number:032x}"[:-1] + str(line) for line in range(LINES)}
    return ids


def _kill_closing(places: Places, home: Path, chance: random.Random) -> bool:
    """Have journals closed, and kill what does it when so many are. Return whether it still ran."""
    left = chance.randrange(1, WAITING)
    process = _start_closing(places, home, by_service=chance.random() >= COMMAND_SHARE)
    try:
        wait_for(lambda: process.poll() is not None or len(list_journals(places.journals)) <= left, END_S)
        time.sleep(chance.random() * SOON_S)
        return process.poll() is None
    finally:
        process.kill()
        process.communicate()


def _kill_worker(service: Service, chance: random.Random) -> int:
    workers = service.list_workers()
    if not workers:  # all are starting
        return 0
    time.sleep(chance.uniform(0, 0.2))
    with contextlib.suppress(ProcessLookupError):
        os.kill(chance.choice(workers), signal.SIGKILL)
        return 1
    return 0


def _close(places: Places, home: Path, *, of_all: bool) -> str:
    """Close what is left. Return what it broke; empty if it ended clean."""
    before = {path.name for path in list_journals(places.journals) if path.name.startswith("20260101T000000Z")}
    process = _start_closing(places, home, by_service=not of_all)
    try:
        output, errors = process.communicate(timeout=END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return f"a later close is not over in {END_S:.0f} s"
    if process.returncode:
        return f"a later close ended with {process.returncode}: {errors.decode()[-200:]}"
    if torn := json.loads(output)["set_aside"]:
        return f"{torn} journals were set aside"
    left = {path.name for path in list_journals(places.journals)}
    return "journals are left" if left & before or (of_all and left) else ""


def _start_closing(places: Places, home: Path, *, by_service: bool) -> subprocess.Popen[bytes]:
    """Start what closes journals: `churn predictions close`, or the process that the service starts for it."""
    command = ["churn", "predictions", "close", "--json"]
    if by_service:
        command = ["churn.prediction_log.maintenance", places.where, str(places.journals), RETENTION_DAYS]
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        env={**os.environ, "PREDICTION_LOG_RETENTION_DAYS": RETENTION_DAYS, "CHURN_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
