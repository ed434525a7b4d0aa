"""Which sessions have ended, kept in a file: a cookie that somebody copied is worth nothing, also after a restart."""

import threading
from pathlib import Path

from churn.errors import SettingsError
from churn.web.database import Tables, explain_trouble, open_database, run_transaction

TABLES = Tables(["CREATE TABLE ended (number INTEGER PRIMARY KEY AUTOINCREMENT, nonce TEXT NOT NULL UNIQUE) STRICT;"])
MOST_ENDED = 100_000  # the oldest are forgotten first; far more than end in the lifetime of a session


class EndedSessions:
    """Remember the nonces of sessions that have ended. Any thread and any number of processes may use one file.

    Raises:
        SettingsError: the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.Lock()
        with explain_trouble(
            path,
            SettingsError,
            instead="see whether it may be written; if it is damaged, move it away: a new one is made, and a cookie of "
            "a session that has ended works until its 12 hours are over",
        ):
            self._connection = open_database(path, TABLES, synchronous="NORMAL")

    def add(self, nonce: str) -> None:
        """Note that a session has ended."""
        with self._lock, run_transaction(self._connection) as run:
            run.execute("INSERT OR IGNORE INTO ended (nonce) VALUES (?)", (nonce,))
            run.execute("DELETE FROM ended WHERE number <= (SELECT max(number) FROM ended) - ?", (MOST_ENDED,))

    def __contains__(self, nonce: str) -> bool:
        with self._lock:
            return bool(self._connection.execute("SELECT 1 FROM ended WHERE nonce = ?", (nonce,)).fetchone())

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
