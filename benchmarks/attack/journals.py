"""Damage journals in many ways, and close them: every line is in a segment or set aside, and nothing stops the rest."""

import random
import subprocess
import sys
from pathlib import Path

from benchmarks.attack.summary import Summary
from churn.model.model import Prediction
from churn.prediction_log.journal import list_journals, list_set_aside
from churn.prediction_log.maintenance import erase_from_set_aside, erase_subscriber
from churn.prediction_log.places import Places
from churn.prediction_log.reader import read_latest_records
from churn.prediction_log.record import Entry, JournalHeader, LineMaker, hash_key
from churn.prediction_log.segments import list_segments, open_store

LINES = 4
SALT = "a salt of this attack"
FEATURES = ("tenure", "monthly_charges", "total_charges")
PIECES = (
    b"\0",
    b"\n",
    b"{",
    b'"',
    b"null",
    b"[" * 2000,
    b"\xff\xfe",
    b"1e999",
    b"\\ud800",
    b"-9" * 30,
    b"true",
    b"}\n{",
)


def attack(count: int, seed: int, home: Path) -> Summary:
    """Close so many damaged journals and one that is whole, all at once, by the process that the service runs."""
    places = Places(str(home / "log"), home / "log" / "journals")
    places.prepare()
    chance = random.Random(seed)  # noqa: S311 - to try the same again
    lines = 0
    for number in range(count + 1):
        content = write_lines(number)
        if number < count:
            content = _damage(content, chance)
        (places.journals / f"20260101T000000Z-{number}-aaaaaaaa.jsonl").write_bytes(content)
        lines += max(0, content.count(b"\n") - 1) + (content[-1:] not in {b"\n", b""})
    command = [sys.executable, "-m", "churn.prediction_log.maintenance", places.where, str(places.journals), "36500"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    faults = []
    if done.returncode or "Traceback" in done.stderr:
        faults.append(f"closing ended with {done.returncode}: {done.stderr[-300:]}")
    if left := list_journals(places.journals):
        faults.append(f"{len(left)} journals are not closed, the first is {left[0].name}")
    store = open_store(places.where)
    records = sum(segment.records for segment in list_segments(store))
    aside = sum(path.read_bytes().count(b"\n") - 1 for path in list_set_aside(places.journals))
    if records + aside > lines:
        faults.append(f"{lines} lines became {records} records and {aside} lines that were set aside")
    whole = f"{count:032x}"[:-1]
    readable = {record["prediction_id"] for record in read_latest_records(places, records)}
    if missing := {f"{whole}{line}" for line in range(LINES)} - readable:
        faults.append(f"{len(missing)} records of the journal that is whole cannot be read")
    hashed = hash_key("alice", SALT) or ""
    erase_subscriber(store, hashed)
    erase_from_set_aside(places.journals, hashed)
    remaining = sum(hashed.encode() in path.read_bytes() for path in home.rglob("*.jsonl"))
    if remaining or any(record["subscriber"] == hashed for record in read_latest_records(places, records)):
        faults.append("a subscriber who was erased is still there")
    return Summary("journals", count, tuple(faults), {"records": records, "set_aside": aside})


def write_lines(number: int) -> bytes:
    """Return a whole journal, whose predictions have ids that begin with the number."""
    maker = LineMaker(JournalHeader("streamflow", FEATURES, "v1", "0" * 64, 0.6, SALT))
    prediction = Prediction(0.4, (1.0,) * len(FEATURES), (0.0,) * len(FEATURES), 0.0)
    answer = {"top_reasons": [], "show_retention_banner": False}
    entries = [
        Entry(10**18 + line, f"{number:032x}"[:-1] + str(line), "", "alice", prediction, answer, None)  # type: ignore[arg-type] # all that is read of it
        for line in range(LINES)
    ]
    return maker.header + b"".join(maker.make_line(entry) for entry in entries)


def _damage(content: bytes, chance: random.Random) -> bytes:
    """Change bytes, cut, repeat or insert, one to four times."""
    damaged = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(damaged) + 1)
        kind = chance.choice(("bit", "byte", "cut", "remove", "repeat", "insert"))
        if kind in {"bit", "byte"} and at < len(damaged):
            damaged[at] = damaged[at] ^ (1 << chance.randrange(8)) if kind == "bit" else chance.randrange(256)
        elif kind == "cut":
            del damaged[max(at, len(damaged) // 2) :]
        elif kind == "remove":
            del damaged[at : at + chance.randint(1, 60)]
        elif kind == "repeat":
            damaged[at:at] = damaged[at : at + chance.randint(1, 200)]
        else:
            damaged[at:at] = chance.choice(PIECES)
    return bytes(damaged)
