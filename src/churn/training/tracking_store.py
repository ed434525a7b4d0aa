"""Whether MLflow can use a store as it is. Opening an older database would migrate it, and break its owner's MLflow.

The revisions of a database are Alembic's: https://alembic.sqlalchemy.org/en/latest/tutorial.html.
"""

import contextlib
import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import sqlalchemy
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from churn.errors import RegistryError
from churn.files import UNFINISHED

DATABASES = frozenset({"sqlite", "postgresql", "mysql", "mssql"})
LOCKED_S = 5  # the time that another program may hold the database
FOR_ARTIFACTS = frozenset({"abfss", "ftp", "gs", "hdfs", "s3", "sftp", "wasbs"})
OWN_TABLE = "alembic_version"


def require_usable_store(uri: str) -> None:
    """Refuse a store that MLflow cannot use, or would change by opening it. The store is only read.

    A server is asked nothing here: its own MLflow guards its store.

    Raises:
        RegistryError: the store is missing, locked, older or newer than this MLflow, or no store at all.
    """
    scheme = uri.partition(":")[0].partition("+")[0] if ":" in uri else ""
    if scheme in DATABASES:
        _require_current_database(uri)
    elif scheme in FOR_ARTIFACTS:
        raise RegistryError(
            f"{hide_password(uri)} is no MLflow store: models' files may be there, but no runs and no names",
            instead="set MLFLOW_TRACKING_URI to the database, or to the http:// address of the server that has them",
        )
    elif scheme in {"", "file"}:
        raise RegistryError(
            f"{uri!r} is a folder of files: this MLflow does not read such stores",
            instead="copy it into a database by `mlflow migrate-filestore`, and set MLFLOW_TRACKING_URI to that",
        )


def hide_password(uri: str) -> str:
    """Return the address of a store for messages: without the password in it."""
    return re.sub("(?<=://)([^/@]*):[^/@]*(?=@)", r"\1:***", uri)


def build_ui_command(uri: str, host: str, port: int) -> list[str]:
    """Build the command, its program first, that opens MLflow's own pages on a store."""
    return [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--host", host, "--port", str(port)]


def make_database(path: Path, initialize: Callable[[str], object]) -> None:
    """Make a database that others see only once it is whole. If another process is first, its database stays.

    Args:
        path: where the database will be; folders above it are made.
        initialize: makes MLflow's tables in the store of this address.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=path.parent) as folder:
        made, whole = Path(folder) / "made", Path(folder) / "whole"
        initialize(f"sqlite:///{made}")
        # MLflow keeps the first file open. A copy is nobody's but ours.
        shutil.copyfile(made, whole)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(whole)


def _require_current_database(uri: str) -> None:
    shown = hide_password(uri)
    try:
        revision, is_empty = _read_revision(make_url(uri))
    except FileNotFoundError:
        raise RegistryError(f"there is no database at {shown}", instead=_say_how_to_make(shown)) from None
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        driver = getattr(error, "name", None) or str(error).rpartition(":")[2]
        raise RegistryError(
            f"{shown} cannot be opened: the driver {driver} is not installed",
            instead=f"install the Python package of {driver} beside churn, or ask an MLflow server by http://",
        ) from error
    except (DBAPIError, ArgumentError, ValueError) as error:
        said = str(getattr(error, "orig", None) or error).partition("\n")[0]
        raise RegistryError(
            f"{shown} cannot be read: {said}",
            instead="see whether it is a database of MLflow, whether you may read it, and whether nobody has locked it",
        ) from error
    if is_empty:
        raise RegistryError(f"{shown} is an empty database", instead=_say_how_to_make(shown))
    _compare_revision(shown, revision)


def _compare_revision(shown: str, revision: str | None) -> None:
    scripts = ScriptDirectory(str(files("mlflow") / "store" / "db_migrations"))
    if revision is None:
        raise RegistryError(
            f"{shown} is a database, but none of MLflow", instead="correct MLFLOW_TRACKING_URI: nothing was changed"
        )
    if revision in scripts.get_heads():
        return
    try:
        scripts.get_revision(revision)
    except CommandError:
        raise RegistryError(
            f"{shown} was made by a newer MLflow: its revision {revision} is not known here",
            instead="install the MLflow that its owners use, or set MLFLOW_TRACKING_URI to their server's address",
        ) from None
    raise RegistryError(
        f"{shown} was made by an older MLflow: it has revision {revision}, this one needs {scripts.get_current_head()}",
        instead="set MLFLOW_TRACKING_URI to the http:// address of its owners' server. If the database is yours alone, "
        f"copy it, then run `mlflow db upgrade {shown}`: older versions of MLflow cannot open it afterwards",
    )


def _say_how_to_make(shown: str) -> str:
    return f"correct MLFLOW_TRACKING_URI, or make a new store by `mlflow db upgrade {shown}`"


def _read_revision(url: URL) -> tuple[str | None, bool]:
    """Return the revision of a database, if it has one, and whether it has no table at all."""
    engine = _create_engine(url)
    with engine.connect() as connection:
        tables = sqlalchemy.inspect(connection).get_table_names()
        heads = MigrationContext.configure(connection).get_current_heads() if OWN_TABLE in tables else ()
    return (heads[0] if heads else None), not tables


def _create_engine(url: URL) -> Engine:
    """Return an engine that holds no connection afterwards, and for SQLite opens the file for reading only."""
    if url.get_backend_name() != "sqlite":
        return sqlalchemy.create_engine(url, poolclass=NullPool)
    path = Path(url.database or ":memory:")
    if not path.is_file():
        raise FileNotFoundError(path)
    address = f"{path.absolute().as_uri()}?mode=ro"
    return sqlalchemy.create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(address, uri=True, timeout=LOCKED_S), poolclass=NullPool
    )
