"""The tables of rollouts in SQLite, which only grow, and events in them: what repeats is one row."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from churn.rollout.folding import MOST_OF_A_KIND, group_unfolded, name_others
from churn.web.database import Tables, open_database

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
# What came later. An earlier program leaves these columns alone, so either may follow the other.
LATER_COLUMNS = {
    "rollout": {
        "stable_sha256": "TEXT",
        "canary_sha256": "TEXT",
        "looked_at": "REAL",
        "mixed_since": "REAL",
        "clock": "TEXT NOT NULL DEFAULT 'null'",
        "clock_jumped_at": "REAL",
        "clock_steady_since": "REAL",
        "looks": "INTEGER NOT NULL DEFAULT 0",
        "answered": "TEXT NOT NULL DEFAULT '[]'",
    },
    "event": {
        "times": "INTEGER NOT NULL DEFAULT 1",
        "last_at": "REAL",
        "alike": "TEXT",
        "look": "INTEGER NOT NULL DEFAULT 0",
    },
}
LATER_INDEXES = {
    "alike": "event (rollout, alike)",
    "unfolded": "event (rollout) WHERE alike IS NULL",
    "latest": "rollout (service)",
}


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, with all tables and columns.

    Raises:
        sqlite3.Error, OSError: it cannot be used, or is of a later version.
    """
    return open_database(path, Tables([SCHEMA], _list_lacking), synchronous="FULL")


def _list_lacking(connection: sqlite3.Connection) -> list[str]:
    """Return the changes that add the later columns and indexes to the tables of an earlier program."""
    indexes = {row["name"] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")}
    columns_lacking = [
        f"ALTER TABLE {table} ADD COLUMN {name} {kind}"
        for table, columns in LATER_COLUMNS.items()
        for present in [{row["name"] for row in connection.execute(f"PRAGMA table_info({table})")}]
        for name, kind in columns.items()
        if name not in present
    ]
    indexes_lacking = [f"CREATE INDEX {name} ON {on}" for name, on in LATER_INDEXES.items() if name not in indexes]
    return [*columns_lacking, *indexes_lacking]


def insert(connection: sqlite3.Connection, table: str, columns: Mapping[str, Any]) -> None:
    """Write a row."""
    names, marks = ", ".join(columns), ", ".join("?" for _ in columns)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", [*columns.values()])  # noqa: S608 - names of our own


def insert_event(connection: sqlite3.Connection, rollout: int, alike: str, columns: Mapping[str, Any]) -> None:
    """Write an event, or count it where one like it is."""
    if _count_alike(connection, rollout, alike, columns):
        return
    counted = "SELECT COUNT(*) FROM event WHERE rollout = ? AND kind = ?"
    many = connection.execute(counted, [rollout, columns["kind"]]).fetchone()[0] >= MOST_OF_A_KIND
    if many and columns["kind"] != "judged":  # verdicts are few, since time makes them alike
        alike = name_others(columns["kind"])
        if _count_alike(connection, rollout, alike, columns):
            return
    insert(connection, "event", {"rollout": rollout, "alike": alike, **columns})


def _count_alike(connection: sqlite3.Connection, rollout: int, alike: str, columns: Mapping[str, Any]) -> bool:
    """Count an event where one like it is. Return whether there is one."""
    latest = {"last_at": columns["at"], **{name: columns[name] for name in ("look", "reason", "evidence")}}
    assigned = ", ".join(f"{name} = ?" for name in latest)
    return bool(
        connection.execute(
            f"UPDATE event SET times = times + 1, {assigned} WHERE rollout = ? AND alike = ?",  # noqa: S608 - own names
            [*latest.values(), rollout, alike],
        ).rowcount
    )


def fold(connection: sqlite3.Connection, rollout: int) -> None:
    """Leave one event of each group: the first one, with the count, the last time and what the last one says."""
    rows = connection.execute(
        "SELECT number, kind, state, step, weight_percent, decision, reason, "
        """kind = 'judged' AND evidence LIKE '%"findings": [{%' AS has_findings """
        "FROM event WHERE rollout = ? AND alike IS NULL ORDER BY number",
        [rollout],
    ).fetchall()
    for first, *others in group_unfolded(rows):
        last = others[-1] if others else first
        connection.execute(
            "UPDATE event SET alike = 'earlier|' || number, times = ?, (last_at, reason, evidence) = "
            "(SELECT at, reason, evidence FROM event WHERE number = ?) WHERE number = ?",
            [1 + len(others), last, first],
        )
        connection.executemany("DELETE FROM event WHERE number = ?", [[number] for number in others])
