"""A file of tables steps from version to version, whole or not at all."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from churn.errors import SettingsError
from churn.web.database import COPY_DAYS, NewerTablesError, Tables, explain_trouble, locate_copy, open_database

FIRST = "CREATE TABLE offer (code TEXT) STRICT;\n"
SECOND = "ALTER TABLE offer ADD COLUMN dollars INTEGER NOT NULL DEFAULT 0;\nUPDATE offer SET dollars = 20;\n"
EARLIER, TODAY = Tables([FIRST]), Tables([FIRST, SECOND])
ORPHAN = """
CREATE TABLE whole (code TEXT PRIMARY KEY);
CREATE TABLE part (code TEXT REFERENCES whole);
INSERT INTO part SELECT code FROM offer;
"""
KILLED = """
import os, sys
from pathlib import Path
from churn.web.database import Tables, open_database

def die(connection):
    assert connection.execute("SELECT dollars FROM offer").fetchall()
    os.kill(os.getpid(), 9)

open_database(Path(sys.argv[1]), Tables(sys.argv[2:], die), synchronous="FULL")
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of an earlier program, with a row."""
    path = tmp_path / "store.db"
    with closing(open_database(path, EARLIER, synchronous="FULL")) as connection:
        connection.execute("INSERT INTO offer VALUES ('yearly')")
    return path


def read(path: Path, tables: Tables = TODAY) -> list[tuple[object, ...]]:
    with closing(open_database(path, tables, synchronous="FULL")) as connection:
        return [tuple(row) for row in connection.execute("SELECT * FROM offer")]


def test_an_earlier_file_becomes_one_of_today_and_a_copy_of_it_stays(path: Path) -> None:
    path.chmod(0o640)
    assert read(path) == [("yearly", 20)]
    copy = locate_copy(path)
    assert copy.stat().st_mode & 0o777 == 0o640
    assert read(copy, EARLIER) == [("yearly",)]
    assert not list(path.parent.glob(".unfinished*"))


def test_a_process_that_is_killed_in_the_middle_leaves_the_earlier_file(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, path, *TODAY.steps], check=False)
    assert done.returncode == -signal.SIGKILL
    assert read(path, EARLIER) == [("yearly",)]
    locate_copy(path).rename(path.with_name(f".unfinished-{path.name}"))  # as if killed while it copied
    assert read(path) == [("yearly", 20)]
    assert {each.name for each in path.parent.iterdir()} == {"store.db", "store.db.before"}


@pytest.mark.parametrize(
    "step",
    [
        "UPDATE offer SET code = 'none';\nNONSENSE;\n",
        ORPHAN,
    ],
    ids=["wrong SQL", "a row without the one that it refers to"],
)
def test_a_step_that_fails_changes_nothing(path: Path, step: str) -> None:
    with pytest.raises(sqlite3.Error):
        read(path, Tables([FIRST, step]))
    assert read(path, EARLIER) == [("yearly",)]


def test_many_that_open_it_at_once_step_once_and_the_copy_is_the_earlier_file(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, [path] * 8)) == [[("yearly", 20)]] * 8
    assert read(locate_copy(path), EARLIER) == [("yearly",)]


def test_a_later_file_is_refused_with_the_program_to_install_and_stays_as_it_is(path: Path) -> None:
    read(path)
    before = path.read_bytes()
    with (
        pytest.raises(SettingsError, match=r"store\.db cannot be used.*version 2.*up to version 1") as refused,
        explain_trouble(path, SettingsError, instead="try"),
    ):
        read(path, EARLIER)
    assert refused.value.instead == "install streamflow-churn 0.1.0 or later, which made them"
    assert path.read_bytes() == before
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE made_by")
    with pytest.raises(NewerTablesError) as unnamed:
        read(path, EARLIER)
    assert unnamed.value.instead == "install a later streamflow-churn, such as the one that made them"


def test_a_file_that_the_first_programs_did_not_number_is_of_version_1(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 0")
    assert read(path, EARLIER) == [("yearly",)]
    assert read(path) == [("yearly", 20)]


def test_nothing_steps_without_a_copy(path: Path) -> None:
    path.with_name(f".unfinished-{path.name}").mkdir()
    with (
        pytest.raises(SettingsError, match=r"store\.db cannot be used"),
        explain_trouble(path, SettingsError, instead="try"),
    ):
        read(path)
    assert read(path, EARLIER) == [("yearly",)]


def test_the_copy_goes_when_it_is_old(path: Path) -> None:
    read(path)
    for days, stays in ((COPY_DAYS - 1, True), (COPY_DAYS + 1, False)):
        made = time.time() - days * 86_400
        os.utime(locate_copy(path), (made, made))
        read(path)
        assert locate_copy(path).exists() == stays
