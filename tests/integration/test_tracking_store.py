"""Somebody else's MLflow store is never changed, and what is wrong with a store is one sentence."""

import sqlite3
from importlib.resources import files
from pathlib import Path

import mlflow.store.tracking.dbmodels.initial_models as first_models
import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config
from mlflow import MlflowClient
from support.broken_servers import always
from support.processes import churn
from support.small_server import http, small_server

from churn.errors import ExitCode, RegistryError
from churn.training.registry import Registry
from churn.training.tracking_store import hide_password, make_database, require_usable_store

pytestmark = [
    pytest.mark.xdist_group("registry"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # SQLAlchemy warns of MLflow's tables
]

OF_MLFLOW_2_9 = "acf3f17fdcc7"


def make_older_store(path: Path) -> str:
    """Make the store that MLflow 2.9 made, by MLflow's own steps."""
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    first_models.Base.metadata.create_all(engine)
    config = Config()
    config.set_main_option("script_location", str(files("mlflow") / "store" / "db_migrations"))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, OF_MLFLOW_2_9)
    engine.dispose()
    return f"sqlite:///{path}"


def write_revision(path: Path, revision: str) -> str:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES (?)", [revision])
    database.close()
    return f"sqlite:///{path}"


def test_an_older_store_has_the_same_bytes_after_commands(tmp_path: Path) -> None:
    path = tmp_path / "theirs" / "mlflow.db"
    path.parent.mkdir()
    uri = make_older_store(path)
    before = path.read_bytes()
    for arguments in (["models"], ["promote", "v1"]):
        refused = churn(tmp_path, *arguments, MLFLOW_TRACKING_URI=uri)
        assert (refused.code, "made by an older MLflow" in refused.err) == (ExitCode.REGISTRY_TROUBLE, True), arguments
        assert f"mlflow db upgrade {uri}" in refused.err
        assert "Traceback" not in refused.err
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    uri = write_revision(tmp_path / "newer.db", "ffffffffffff")
    with pytest.raises(RegistryError, match="made by a newer MLflow: its revision ffffffffffff"):
        Registry(tmp_path, uri)


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as database:
        database.execute("CREATE TABLE customers (name TEXT)")
    database.close()
    with pytest.raises(RegistryError, match="none of MLflow"):
        require_usable_store(f"sqlite:///{tmp_path}/other.db")


def test_a_store_that_somebody_has_locked_is_told_in_a_sentence(tmp_path: Path) -> None:
    uri = write_revision(tmp_path / "busy.db", "any")
    database = sqlite3.connect(tmp_path / "busy.db", isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    with pytest.raises(RegistryError, match="database is locked"):
        require_usable_store(uri)
    database.close()


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("./mlruns", "folder of files"),
        ("file:///nowhere/mlruns", "folder of files"),
        ("s3://bucket/models", "no MLflow store"),
        ("sqlite:///nowhere/typo.db", "no database at"),
        ("sqlite://", "no database at"),
        ("postgresql://me:hidden@127.0.0.1/runs", "the driver psycopg is not installed"),
        ("mysql+nothing://me:hidden@127.0.0.1/runs", "the driver mysql.nothing is not installed"),
        ("postgresql://me:hidden@127.0.0.1:port/runs", "cannot be read"),
        ("http://[bad", "could not open the store"),
        ("unheard://of", "could not open the store"),
    ],
)
def test_an_address_that_is_no_store_is_told_in_a_sentence_and_makes_nothing(
    uri: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RegistryError, match=complaint) as refused:
        Registry(tmp_path / "home", uri)
    assert refused.value.instead
    assert "hidden" not in f"{refused.value}{refused.value.instead}"
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("some notes\n" * 200)
    with pytest.raises(RegistryError, match="cannot be read: file is not a database"):
        require_usable_store(f"sqlite:///{tmp_path}/notes.txt")
    (tmp_path / "empty.db").touch()
    with pytest.raises(RegistryError, match="is an empty database"):
        require_usable_store(f"sqlite:///{tmp_path}/empty.db")


def test_a_server_that_answers_every_path_is_no_store_without_versions(tmp_path: Path) -> None:
    with small_server(always(http(200, b"{}"))) as address:
        store = Registry(tmp_path, address)
        with pytest.raises(RegistryError, match="no MLflow server: it has an answer to every question"):
            store.list_versions("a")


def test_a_password_is_in_no_message(tmp_path: Path) -> None:
    store = Registry(tmp_path, "http://me:hidden@127.0.0.1:9")
    with pytest.raises(RegistryError, match=r"me:\*\*\*@127\.0\.0\.1") as refused:
        store.list_versions("a")
    assert "hidden" not in str(refused.value)
    assert hide_password("http://[bad") == "http://[bad"


def test_the_second_process_that_makes_a_store_leaves_the_first_ones(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"

    def initialize(uri: str) -> None:
        Path(uri.removeprefix("sqlite:///")).write_bytes(b"second")
        path.write_bytes(b"first")

    make_database(path, initialize)
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_store_of_our_own_is_whole_from_the_start(tmp_path: Path) -> None:
    def fail(_: str) -> None:
        raise RegistryError("interrupted")

    with pytest.raises(RegistryError):
        make_database(tmp_path / "mlflow" / "mlflow.db", fail)
    assert list((tmp_path / "mlflow").iterdir()) == []
    make_database(tmp_path / "mlflow" / "mlflow.db", lambda uri: MlflowClient(uri, uri))
    assert Registry(tmp_path).list_versions("a") == []
