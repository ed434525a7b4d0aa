"""An SQLite file: opened with its tables, stepped from version to version, and changed in whole transactions."""

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from churn.errors import ChurnError

BUSY_S = 5.0  # how long to wait for another process that writes
COPY_DAYS = 30  # how long the copy from before a step is kept; the next opening removes it
PROGRAM = "streamflow-churn"
MADE_BY = "CREATE TABLE IF NOT EXISTS made_by (version INTEGER PRIMARY KEY, program TEXT NOT NULL) STRICT"


def _lacks_nothing(_: sqlite3.Connection) -> list[str]:
    return []


class Tables(NamedTuple):
    """Say how the tables of a store came to be.

    Args:
        steps: scripts of SQL; each statement ends its line. Step n makes version n of n - 1, the first a new file.
        list_lacking: lists the statements that add what came later within the latest version.
    """

    steps: Sequence[str]
    list_lacking: Callable[[sqlite3.Connection], list[str]] = _lacks_nothing


class NewerTablesError(sqlite3.DatabaseError):
    """Tables of a version that this program does not know.

    Args:
        program: the version of the program that made them, if the file says so.
    """

    def __init__(self, known: int, newest: int, program: str | None) -> None:
        super().__init__(f"its tables are of version {known}, and this program knows them up to version {newest}")
        self.instead = (
            f"install {PROGRAM} {program} or later, which made them"
            if program
            else f"install a later {PROGRAM}, such as the one that made them"
        )


def open_database(path: Path, tables: Tables, *, synchronous: str, journal_mode: str = "WAL") -> sqlite3.Connection:
    """Open the file for one thread at a time, with the tables of today. In the mode WAL readers wait for no writer.

    Tables of an earlier version are taken to today's in one transaction, after a copy is made beside the file.

    Raises:
        NewerTablesError: its tables are of a later version; nothing is changed.
        sqlite3.Error, OSError: it cannot be used, or no copy can be made.
    """
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        _read_version(connection, tables)
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        _update(connection, path, tables)
        connection.execute("PRAGMA foreign_keys = ON")
    except (sqlite3.Error, OSError):
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


@contextmanager
def explain_trouble(path: Path, error: type[ChurnError], *, instead: str) -> Iterator[None]:
    """Raise what goes wrong with the file in the block as an error of this class, in a sentence."""
    try:
        yield
    except NewerTablesError as newer:
        raise error(f"{path} cannot be used: {newer}", instead=newer.instead) from newer
    except (sqlite3.Error, OSError) as trouble:
        raise error(f"{path} cannot be used: {trouble}", instead=instead) from trouble


def locate_copy(path: Path) -> Path:
    """Return where the file is kept as it was before the latest step. There is one copy at most."""
    return path.with_name(f"{path.name}.before")


def remove_copy(path: Path) -> None:
    """Remove the copy: somebody who is erased from the file must not stay in it.

    Raises:
        OSError: it cannot be removed.
    """
    _locate_unfinished(path).unlink(missing_ok=True)
    locate_copy(path).unlink(missing_ok=True)


def _update(connection: sqlite3.Connection, path: Path, tables: Tables) -> None:
    """Take the tables to today's, if they are not: all steps or none, also if the process is killed."""
    if _is_current(connection, tables):
        with contextlib.suppress(OSError):  # somebody who may only read the folder can do nothing about it
            if locate_copy(path).stat().st_mtime < time.time() - COPY_DAYS * 86_400:
                remove_copy(path)
        return
    with run_transaction(connection):
        if _is_current(connection, tables):  # another process was faster
            return
        known = _read_version(connection, tables)
        if known:
            _keep_copy(path)
        for number, step in enumerate(tables.steps[known:], start=known + 1):
            _run_script(connection, step)
            connection.execute(MADE_BY)
            connection.execute("INSERT INTO made_by VALUES (?, ?)", [number, version(PROGRAM)])
            connection.execute(f"PRAGMA user_version = {number}")
        for statement in tables.list_lacking(connection):
            connection.execute(statement)
        if connection.execute("PRAGMA foreign_key_check").fetchone():
            raise sqlite3.IntegrityError("a row would refer to one that is not there")


def _is_current(connection: sqlite3.Connection, tables: Tables) -> bool:
    return _read_version(connection, tables) == len(tables.steps) and not tables.list_lacking(connection)


def _read_version(connection: sqlite3.Connection, tables: Tables) -> int:
    """Return the version of the tables; 0 for a new file.

    Raises:
        NewerTablesError: this program does not know it.
    """
    known = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if not known:  # the first programs wrote no number to some files
        return int(connection.execute("SELECT EXISTS (SELECT 1 FROM sqlite_schema)").fetchone()[0])
    if known > len(tables.steps):
        has_names = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'made_by'").fetchone()
        query = "SELECT program FROM made_by WHERE version = ?"
        maker = connection.execute(query, [known]).fetchone() if has_names else None
        raise NewerTablesError(known, len(tables.steps), maker[0] if maker else None)
    return known


def _keep_copy(path: Path) -> None:
    """Copy the file as it stands, in place of an earlier copy. What was deleted from it is not copied."""
    unfinished = _locate_unfinished(path)
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    with closing(sqlite3.connect(path, timeout=BUSY_S)) as reader:
        reader.execute("VACUUM INTO ?", [str(unfinished)])
    shutil.copymode(path, unfinished)
    with unfinished.open("rb+") as file:
        os.fsync(file.fileno())
    unfinished.replace(locate_copy(path))


def _locate_unfinished(path: Path) -> Path:
    return path.with_name(f".unfinished-{path.name}")


def _run_script(connection: sqlite3.Connection, script: str) -> None:
    """Run statements within the transaction that is open; `executescript` would end it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
    connection.execute(statement)
