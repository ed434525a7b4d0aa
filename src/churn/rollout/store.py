"""Rollouts on disk: an SQLite file in which every state and every decision is safe before anything is done about it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from churn.errors import RolloutError
from churn.rollout.record import Command, Event, Rollout, State, from_columns, to_columns

SCHEMA_VERSION = 1
BUSY_S = 5.0
LOOK_S = 0.02
SCHEMA = """
CREATE TABLE IF NOT EXISTS rollout (
    number INTEGER PRIMARY KEY, service TEXT NOT NULL, stable TEXT NOT NULL, canary TEXT NOT NULL, plan TEXT NOT NULL,
    place TEXT NOT NULL, state TEXT NOT NULL, step INTEGER NOT NULL, weight_percent INTEGER NOT NULL,
    since REAL NOT NULL, reason TEXT NOT NULL, began REAL NOT NULL, ends_as TEXT,
    tallies TEXT NOT NULL, reference TEXT NOT NULL, ended REAL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_at_a_time ON rollout (service) WHERE ended IS NULL;
CREATE TABLE IF NOT EXISTS event (
    number INTEGER PRIMARY KEY, rollout INTEGER NOT NULL REFERENCES rollout, at REAL NOT NULL, kind TEXT NOT NULL,
    state TEXT NOT NULL, step INTEGER NOT NULL, weight_percent INTEGER NOT NULL, decision TEXT, reason TEXT NOT NULL,
    evidence TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS history ON event (rollout, number);
CREATE TABLE IF NOT EXISTS wish (
    number INTEGER PRIMARY KEY, rollout INTEGER NOT NULL REFERENCES rollout, what TEXT NOT NULL, reason TEXT NOT NULL,
    at_any_hour INTEGER NOT NULL, taken INTEGER NOT NULL DEFAULT 0
) STRICT;
"""


class Store:
    """All rollouts below CHURN_HOME. Any number of processes may read; one at a time controls a service.

    Args:
        home: CHURN_HOME; the file is `rollouts/rollouts.db` below it.

    Raises:
        RolloutError: the file cannot be used, or is of another version.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / "rollouts"
        self._folder.mkdir(parents=True, exist_ok=True)
        self.path = self._folder / "rollouts.db"
        try:
            self._connection = _opened(self.path)
        except sqlite3.Error as error:
            raise RolloutError(
                f"{self.path} cannot be used: {error}", instead="see whether it may be written; or move it away"
            ) from error

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    @contextmanager
    def controlling(self, service: str) -> Iterator[None]:
        """Holds the lock of a service for as long as the block runs; the kernel lets go of it if the process dies.

        Raises:
            RolloutError: another process has it.
        """
        with (self._folder / f"{service}.lock").open("a+") as file:
            if not _locked(file):
                file.seek(0)
                raise RolloutError(
                    f"process {file.read().strip() or 'unknown'} controls the rollout of {service} already",
                    instead="see how it goes: churn rollout watch; one controller is enough",
                )
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield
            file.truncate(0)

    def controlled(self, service: str) -> bool:
        """Whether a living process controls it."""
        with (self._folder / f"{service}.lock").open("a+") as file:
            return not _locked(file, attempts=1)

    def begin(self, rollout: Rollout, event: Event) -> Rollout:
        """Records a new rollout; its number is given here.

        Raises:
            RolloutError: the service has one that is not over.
        """
        columns = to_columns(rollout)
        names, marks = ", ".join(columns), ", ".join("?" for _ in columns)
        try:
            with self._transaction() as connection:
                connection.execute(f"INSERT INTO rollout ({names}) VALUES ({marks})", [*columns.values()])  # noqa: S608 - names of our own
                number = int(connection.execute("SELECT last_insert_rowid()").fetchone()[0])
                _insert(connection, number, event)
        except sqlite3.IntegrityError as error:
            raise RolloutError(
                f"{rollout.service} has a rollout that is not over",
                instead="go on with it: churn rollout resume; or end it: churn rollout abort",
            ) from error
        return self.rollout(number)

    def save(self, rollout: Rollout, event: Event | None = None, *, taken: Command | None = None) -> Rollout:
        """Records where a rollout stands now, what happened, and which wish was taken, all or nothing of it."""
        columns = to_columns(rollout)
        assigned = ", ".join(f"{name} = ?" for name in columns)
        with self._transaction() as connection:
            connection.execute(
                f"UPDATE rollout SET {assigned} WHERE number = ?",  # noqa: S608 - names of our own
                [*columns.values(), rollout.number],
            )
            if event:
                _insert(connection, rollout.number, event)
            if taken:
                connection.execute("UPDATE wish SET taken = 1 WHERE number = ?", [taken.number])
        return rollout

    def live(self, service: str) -> Rollout | None:
        """The service's rollout that is not over."""
        return next(iter(self._rollouts("service = ? AND ended IS NULL", service)), None)

    def rollout(self, number: int) -> Rollout:
        """The rollout of that number.

        Raises:
            RolloutError: there is none.
        """
        for found in self._rollouts("number = ?", number):
            return found
        raise RolloutError(f"there is no rollout {number}", instead="list them: churn rollout history")

    def rollouts(self, service: str) -> list[Rollout]:
        """All of a service, newest first."""
        return self._rollouts("service = ?", service)

    def services(self) -> list[str]:
        """Of which there are or were rollouts."""
        found = self._connection.execute("SELECT DISTINCT service FROM rollout ORDER BY service")
        return [row["service"] for row in found.fetchall()]

    def events(self, number: int, *, after: int = 0) -> list[Event]:
        """What happened in a rollout, oldest first, from the one after that event on."""
        rows = self._connection.execute(
            "SELECT * FROM event WHERE rollout = ? AND number > ? ORDER BY number", [number, after]
        )
        return [_event(row) for row in rows.fetchall()]

    def leave_command(
        self, number: int, what: Literal["promote", "abort"], reason: str, *, at_any_hour: bool = False
    ) -> None:
        """Records what somebody wants of a rollout; whoever controls it takes it within a second."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO wish (rollout, what, reason, at_any_hour) VALUES (?, ?, ?, ?)",
                [number, what, reason, int(at_any_hour)],
            )

    def next_command(self, number: int) -> Command | None:
        """The wish that is to be taken next; to abort comes before all others."""
        row = self._connection.execute(
            "SELECT * FROM wish WHERE rollout = ? AND NOT taken ORDER BY what, number LIMIT 1", [number]
        ).fetchone()
        return Command(row["number"], row["what"], row["reason"], bool(row["at_any_hour"])) if row else None

    def _rollouts(self, condition: str, value: object) -> list[Rollout]:
        query = f"SELECT * FROM rollout WHERE {condition} ORDER BY number DESC"  # noqa: S608 - conditions of our own
        return [from_columns(row) for row in self._connection.execute(query, [value]).fetchall()]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _locked(file: IO[str], *, attempts: int = 5) -> bool:
    """Whether the lock was to be had; whoever only looks has it for a moment, so it is tried more than once."""
    for _ in range(attempts):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(LOOK_S)
    return False


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found not in {0, SCHEMA_VERSION}:
            raise sqlite3.DatabaseError(f"its tables are of version {found}, this program's of {SCHEMA_VERSION}")
        if not found:
            connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _insert(connection: sqlite3.Connection, number: int, event: Event) -> None:
    values: Sequence[Any] = [
        number,
        event.at,
        event.kind,
        str(event.state),
        event.step,
        event.weight_percent,
        event.decision,
        event.reason,
        json.dumps(dict(event.evidence)),
    ]
    connection.execute(
        "INSERT INTO event (rollout, at, kind, state, step, weight_percent, decision, reason, evidence) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )


def _event(row: sqlite3.Row) -> Event:
    return Event(
        at=row["at"],
        kind=row["kind"],
        state=State(row["state"]),
        step=row["step"],
        weight_percent=row["weight_percent"],
        reason=row["reason"],
        decision=row["decision"],
        evidence=json.loads(row["evidence"]),
        number=row["number"],
    )
