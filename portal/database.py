"""An SQLite file: short transactions from any thread, safe beside other processes."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from churn.errors import ChurnError
from churn.web.database import Tables, explain_trouble, open_database, remove_copy, run_transaction

# What came within version 1: earlier programs leave it alone.
LATER_TABLES = {
    # How many events were removed as too old, so that the experiment can still be judged. It names nobody.
    "past_events": "CREATE TABLE past_events (policy_version TEXT NOT NULL, arm TEXT NOT NULL, kind TEXT NOT NULL, "
    "events INTEGER NOT NULL, subscribers INTEGER NOT NULL, PRIMARY KEY (policy_version, arm, kind)) STRICT, "
    "WITHOUT ROWID",
    # What the latest removal leaves for the next one: one row of JSON.
    "removal": "CREATE TABLE removal (one INTEGER PRIMARY KEY CHECK (one = 1), note TEXT NOT NULL) STRICT",
}


def _list_lacking(connection: sqlite3.Connection) -> list[str]:
    present = {row["name"] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return [statement for name, statement in LATER_TABLES.items() if name not in present]


TABLES = Tables([Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")], _list_lacking)
INSTEAD = "see whether it may be written and its disk has room; if it is damaged, restore it as the runbook says"


class StoreError(ChurnError):
    """The portal's file cannot be used."""


class Database:
    """Make the file with its folder and tables if it is not there. Readers wait for no writer.

    There is a connection for writing and one for reading, each used by one thread at a time.

    Raises:
        StoreError: the file cannot be written, or is something else.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = path
        self._lock, self._reading_lock = threading.Lock(), threading.Lock()
        with ExitStack() as opened:
            self._connection, self._reader = (opened.enter_context(closing(_open(path))) for _ in range(2))
            opened.pop_all()

    def close(self) -> None:
        """End the connections."""
        self._reader.close()
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection. If the block fails, nothing of what it did is kept."""
        with self._lock, run_transaction(self._connection) as connection:
            yield connection

    def overwrite_deleted(self) -> None:
        """Write the file anew, so that nothing of what was deleted is left in it or beside it.

        Raises:
            StoreError: another process uses the file, so something may be left.
        """
        remove_copy(self._path)
        with self._lock, self._reading_lock:
            self._connection.execute("VACUUM")
            is_busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_busy:
            raise StoreError(
                f"{self._path} is in use, and what was deleted may still be read in the file beside it",
                instead="do it again",
            )

    def query(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Return the rows that a query finds."""
        with self._reading_lock:
            return self._reader.execute(query, values).fetchall()


def _open(path: Path) -> sqlite3.Connection:
    with explain_trouble(path, StoreError, instead=INSTEAD):
        return open_database(path, TABLES, synchronous="NORMAL")
