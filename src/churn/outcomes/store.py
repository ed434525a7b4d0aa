"""Outcomes on disk: one SQLite file for each contract. An import is there whole or not at all."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from churn.errors import DataError
from churn.outcomes.file import Outcome
from churn.web.database import Tables, explain_trouble, open_database, remove_copy, run_transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS outcome (
    kind TEXT NOT NULL CHECK (kind IN ('prediction_id', 'subscriber')), id TEXT NOT NULL,
    left INTEGER NOT NULL CHECK (left IN (0, 1)), accepted INTEGER CHECK (accepted IN (0, 1)),
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
"""
TABLES = Tables([SCHEMA])
# Made by the first import, so that an earlier program can go on with the file. It goes with its outcome.
DAYS = """
CREATE TABLE IF NOT EXISTS left_on (
    kind TEXT NOT NULL, id TEXT NOT NULL, day TEXT NOT NULL, PRIMARY KEY (kind, id),
    FOREIGN KEY (kind, id) REFERENCES outcome (kind, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID
"""
# As the days. It holds what somebody said of an outcome besides.
DETAILS = """
CREATE TABLE IF NOT EXISTS outcome_detail (
    kind TEXT NOT NULL, id TEXT NOT NULL, paid REAL CHECK (paid >= 0), watched_until TEXT, PRIMARY KEY (kind, id),
    FOREIGN KEY (kind, id) REFERENCES outcome (kind, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID
"""
# A later file that says nothing of what was paid does not remove what is known of it.
WRITE_DETAIL = """
INSERT INTO outcome_detail VALUES (?, ?, ?, ?) ON CONFLICT (kind, id)
    DO UPDATE SET paid = coalesce(excluded.paid, paid), watched_until = excluded.watched_until
"""
INSTEAD = "if another import runs, wait for it; if the file is damaged, remove it and import the files again"
# A later file that says nothing of acceptance does not remove what is known of it.
WRITE = """
INSERT INTO outcome VALUES (?, ?, ?, ?) ON CONFLICT (kind, id)
    DO UPDATE SET left = excluded.left, accepted = coalesce(excluded.accepted, accepted)
"""


def locate_outcomes(home: Path, contract: str) -> Path:
    """Return the file of a contract's outcomes, below CHURN_HOME."""
    return home / "outcomes" / f"{contract}.sqlite"


def write_outcomes(path: Path, outcomes: Sequence[Outcome]) -> int:
    """Add outcomes, all or none, and replace earlier ones of the same ids. Return how many are known now.

    Raises:
        DataError: the file is damaged or in use.
        OSError: its folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    with _open(path) as connection, run_transaction(connection):
        connection.execute(DAYS)
        connection.execute(DETAILS)
        connection.executemany(WRITE, [outcome[:4] for outcome in outcomes])
        connection.executemany(
            "DELETE FROM left_on WHERE kind = ? AND id = ?", [(outcome.kind, outcome.id) for outcome in outcomes]
        )
        days = [(outcome.kind, outcome.id, outcome.left_on.isoformat()) for outcome in outcomes if outcome.left_on]
        connection.executemany("INSERT INTO left_on VALUES (?, ?, ?)", days)
        connection.executemany(WRITE_DETAIL, [_write_detail(outcome) for outcome in outcomes])
        return int(connection.execute("SELECT count(*) FROM outcome").fetchone()[0])


def load_outcomes(path: Path) -> list[Outcome]:
    """Load all outcomes; none if there is no file.

    Raises:
        DataError: the file is damaged or in use.
    """
    if not path.exists():
        return []
    with _open(path) as connection:
        rows = connection.execute("SELECT kind, id, left, accepted FROM outcome").fetchall()
        days = _read_added(connection, "left_on", "kind, id, day")
        details = _read_added(connection, "outcome_detail", "kind, id, paid, watched_until")
    left_on = {(kind, identity): date.fromisoformat(day) for kind, identity, day in days}
    detail = {
        (kind, identity): (paid, date.fromisoformat(until) if until else None)
        for kind, identity, paid, until in details
    }
    return [
        Outcome(
            kind,
            identity,
            bool(left),
            None if accepted is None else bool(accepted),
            left_on.get((kind, identity)) if left else None,
            *detail.get((kind, identity), (None, None)),
        )
        for kind, identity, left, accepted in rows
    ]


def erase_outcomes(path: Path, subscriber: str, prediction_ids: Sequence[str] = ()) -> int:
    """Remove the outcomes of a subscriber, whose key is hashed, and of their predictions. Return the number of rows.

    Raises:
        DataError: the file is damaged or in use.
    """
    if not path.exists():
        remove_copy(path)
        return 0
    with _open(path) as connection:
        remove_copy(path)
        connection.execute("PRAGMA secure_delete = ON")  # else the text stays in the file until it is written over
        theirs = [("subscriber", subscriber), *(("prediction_id", identity) for identity in prediction_ids)]
        with run_transaction(connection):
            return connection.executemany("DELETE FROM outcome WHERE kind = ? AND id = ?", theirs).rowcount


def _write_detail(outcome: Outcome) -> tuple[str, str, float | None, str | None]:
    until = outcome.watched_until.isoformat() if outcome.watched_until else None
    return outcome.kind, outcome.id, outcome.paid, until


def _read_added(connection: sqlite3.Connection, table: str, columns: str) -> list[tuple[Any, ...]]:
    """Read a table that an import adds; nothing if none has yet."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone():
        return []
    return connection.execute(f"SELECT {columns} FROM {table}").fetchall()  # noqa: S608 - both are written above


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file. Between two commands there is nothing beside it, so that it may lie where one can only read."""
    with (
        explain_trouble(path, DataError, instead=INSTEAD),
        closing(open_database(path, TABLES, synchronous="FULL", journal_mode="DELETE")) as connection,
    ):
        yield connection
