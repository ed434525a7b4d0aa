"""An SQLite file: opened with its tables, and changed in transactions that are whole or not at all."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY_S = 5.0  # how long to wait for another process that writes


def open_database(path: Path, *, schema: str, version: int, synchronous: str) -> sqlite3.Connection:
    """Open the file for one thread at a time, and make its tables if it is new. Readers wait for no writer.

    Raises:
        sqlite3.Error: it cannot be used, or its tables are of another version.
    """
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        for setting in ("journal_mode = WAL", f"synchronous = {synchronous}", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {setting}")
        known = connection.execute("PRAGMA user_version").fetchone()[0]
        if known not in {0, version}:
            raise sqlite3.DatabaseError(f"its tables are of version {known}, this program's of {version}")
        if not known:
            connection.executescript(f"BEGIN IMMEDIATE; {schema} PRAGMA user_version = {version}; COMMIT;")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def run_transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Yield the connection. Nobody else writes meanwhile. If the block fails, nothing of what it did is kept."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
