"""Rollouts on disk, in an SQLite file. Each state and each decision is there before anything is done about it."""

import contextlib
import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import IO, Any, Literal

from pydantic import TypeAdapter

from churn.errors import RolloutError
from churn.rollout.folding import name_alike
from churn.rollout.state import Command, Event, Rollout, State
from churn.rollout.tables import connect, fold, insert, insert_event
from churn.web.database import explain_trouble, run_transaction

RETRY_S = 0.02
INSTEAD = "see whether it may be written and its disk has room; if it is damaged, restore it as the runbook says"
# The column of each field of a rollout that has another name, or holds JSON.
COLUMNS = {"setup": "place", "counts": "tallies", "stable_before": "reference"}
JSON_FIELDS = {"plan", "clock", "answered", *COLUMNS}
EVENT_FIELDS = [field.name for field in fields(Event)]

# One search in the index for each service; DISTINCT and GROUP BY would read all rollouts.
LATEST_NUMBERS = """
WITH RECURSIVE known (service) AS (
    SELECT MIN(service) FROM rollout
    UNION ALL
    SELECT (SELECT MIN(service) FROM rollout WHERE service > known.service) FROM known WHERE service IS NOT NULL
)
SELECT (SELECT MAX(number) FROM rollout WHERE rollout.service = known.service) AS number
FROM known WHERE service IS NOT NULL
"""

_ROLLOUT = TypeAdapter(Rollout)


class RolloutStore:
    """Keep all rollouts in `rollouts/rollouts.db` below CHURN_HOME.

    Any number of processes may read; one at a time controls a service.

    Raises:
        RolloutError: the file cannot be used, or is of a later version.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / "rollouts"
        self._folder.mkdir(parents=True, exist_ok=True)
        self.path = self._folder / "rollouts.db"
        with explain_trouble(self.path, RolloutError, instead=INSTEAD), ExitStack() as opened:
            self._connection = opened.enter_context(closing(connect(self.path)))
            self._fold_earlier()
            opened.pop_all()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def lock(self, service: str) -> Iterator[None]:
        """Hold the lock of a service during the block. If the process dies, the kernel frees the lock.

        Raises:
            RolloutError: another process has it.
        """
        with (self._folder / f"{service}.lock").open("a+") as file:
            if not _try_lock(file):
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

    def is_locked(self, service: str) -> bool:
        """Return whether a living process controls the service."""
        with (self._folder / f"{service}.lock").open("a+") as file:
            return not _try_lock(file, attempts=1)

    def begin(self, rollout: Rollout, event: Event) -> Rollout:
        """Write a new rollout and its first event. Return it with its number.

        Raises:
            RolloutError: the service has one that is not over.
        """
        try:
            with self._transaction() as connection:
                insert(connection, "rollout", _columns_from_rollout(rollout))
                number = int(connection.execute("SELECT last_insert_rowid()").fetchone()[0])
                _insert_event(connection, replace(rollout, number=number), event)
        except sqlite3.IntegrityError as error:
            raise RolloutError(
                f"{rollout.service} has a rollout that is not over",
                instead="go on with it: churn rollout resume; or end it: churn rollout abort",
            ) from error
        return self.get_rollout(number)

    def save(self, rollout: Rollout, event: Event | None = None, *, taken: Command | None = None) -> Rollout:
        """Write where a rollout stands now, what happened, and which command was taken: all of it or nothing.

        An event like an earlier one is not written beside it, but counted there.
        """
        columns = _columns_from_rollout(rollout)
        assigned = ", ".join(f"{name} = ?" for name in columns)
        with self._transaction() as connection:
            connection.execute(
                f"UPDATE rollout SET {assigned} WHERE number = ?",  # noqa: S608 - names of our own
                [*columns.values(), rollout.number],
            )
            if event:
                _insert_event(connection, rollout, event)
            if taken:
                connection.execute("UPDATE wish SET taken = 1 WHERE number = ?", [taken.number])
        return rollout

    def find_live(self, service: str) -> Rollout | None:
        """Return the service's rollout that is not over, if there is one."""
        return next(iter(self._select("service = ? AND ended IS NULL", service)), None)

    def get_rollout(self, number: int) -> Rollout:
        """Return the rollout of that number.

        Raises:
            RolloutError: there is none.
        """
        rollouts = self._select("number = ?", number)
        if not rollouts:
            raise RolloutError(f"there is no rollout {number}", instead="list them: churn rollout history")
        return rollouts[0]

    def list_rollouts(self, service: str) -> list[Rollout]:
        """Return all rollouts of a service, newest first."""
        return self._select("service = ?", service)

    def list_latest(self) -> list[Rollout]:
        """Return the latest rollout of each service. It takes as long after a thousand rollouts as after one."""
        rows = self._connection.execute(LATEST_NUMBERS).fetchall()
        return [self.get_rollout(row["number"]) for row in rows]

    def list_services(self) -> list[str]:
        """Return the services that have or had a rollout."""
        rows = self._connection.execute("SELECT DISTINCT service FROM rollout ORDER BY service")
        return [row["service"] for row in rows.fetchall()]

    def list_events(self, number: int, *, after: int = 0) -> list[Event]:
        """Return the events of a rollout after the one of that number, oldest first."""
        rows = self._connection.execute(
            "SELECT * FROM event WHERE rollout = ? AND number > ? ORDER BY number", [number, after]
        )
        return [_event_from_row(row) for row in rows.fetchall()]

    def list_events_in_short(self, number: int) -> list[Event]:
        """Return all events of a rollout, oldest first, without their evidence."""
        names = ", ".join("'{}' AS evidence" if name == "evidence" else name for name in EVENT_FIELDS)
        query = f"SELECT {names} FROM event WHERE rollout = ? ORDER BY number"  # noqa: S608 - own names
        return [_event_from_row(row) for row in self._connection.execute(query, [number]).fetchall()]

    def get_event(self, number: int) -> Event:
        """Return the event of that number, with its evidence."""
        return _event_from_row(self._connection.execute("SELECT * FROM event WHERE number = ?", [number]).fetchone())

    def leave_command(
        self, number: int, what: Literal["promote", "abort"], reason: str, *, at_any_hour: bool = False
    ) -> None:
        """Write a command. The controller of the rollout takes it within a second."""
        columns = {"rollout": number, "what": what, "reason": reason, "at_any_hour": int(at_any_hour)}
        with self._transaction() as connection:
            insert(connection, "wish", columns)

    def find_command(self, number: int) -> Command | None:
        """Return the command to take next; `abort` comes before all others."""
        row = self._connection.execute(
            "SELECT * FROM wish WHERE rollout = ? AND NOT taken ORDER BY what, number LIMIT 1", [number]
        ).fetchone()
        return Command(row["number"], row["what"], row["reason"], bool(row["at_any_hour"])) if row else None

    def _fold_earlier(self) -> None:
        """Fold what an earlier program has recorded, once. It wrote each repeated event anew."""
        unfolded = "SELECT DISTINCT rollout FROM event WHERE alike IS NULL"
        for (number,) in self._connection.execute(unfolded).fetchall():
            with self._transaction() as connection:
                fold(connection, number)

    def _select(self, condition: str, value: object) -> list[Rollout]:
        query = f"SELECT * FROM rollout WHERE {condition} ORDER BY number DESC"  # noqa: S608 - conditions of our own
        return [_rollout_from_row(row) for row in self._connection.execute(query, [value]).fetchall()]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with run_transaction(self._connection) as connection:
                yield connection
        except sqlite3.OperationalError as error:
            raise RolloutError(
                f"{self.path} cannot be written: {error}", instead="see whether the disk is full, or who locks the file"
            ) from error


def _try_lock(file: IO[str], *, attempts: int = 5) -> bool:
    """Return whether the lock was free. `is_locked` takes it for an instant, so it is tried more than once."""
    for _ in range(attempts):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(RETRY_S)
    return False


def _insert_event(connection: sqlite3.Connection, rollout: Rollout, event: Event) -> None:
    columns = _columns_from_event(replace(event, look=rollout.looks))
    insert_event(connection, rollout.number, name_alike(rollout, event), columns)


def _columns_from_rollout(rollout: Rollout) -> dict[str, Any]:
    values = _ROLLOUT.dump_python(rollout, mode="json", by_alias=True, exclude={"number"})
    return {
        COLUMNS.get(name, name): json.dumps(value) if name in JSON_FIELDS else value for name, value in values.items()
    }


def _rollout_from_row(row: Mapping[str, Any]) -> Rollout:
    values = {field.name: row[COLUMNS.get(field.name, field.name)] for field in fields(Rollout)}
    return _ROLLOUT.validate_python(values | {name: json.loads(values[name]) for name in JSON_FIELDS})


def _columns_from_event(event: Event) -> dict[str, Any]:
    values = {name: getattr(event, name) for name in EVENT_FIELDS if name != "number"}
    return values | {"last_at": event.last, "state": str(event.state), "evidence": json.dumps(dict(event.evidence))}


def _event_from_row(row: Mapping[str, Any]) -> Event:
    values = {name: row[name] for name in EVENT_FIELDS}
    return Event(**values | {"state": State(values["state"]), "evidence": json.loads(values["evidence"])})
