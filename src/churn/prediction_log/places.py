"""Where the log of a contract lies: journals on this machine, segments beside them or in an object store."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from churn.errors import SettingsError

OBJECT_STORES = ("s3", "gs", "az")
JOURNALS = "journals"


@dataclass(frozen=True, slots=True)
class Places:
    """A folder or the URL of an object store for closed segments, and a folder for journals."""

    where: str
    journals: Path

    @property
    def is_remote(self) -> bool:
        """Whether segments lie in an object store, which may be out of reach at times."""
        return "://" in self.where

    def prepare(self) -> None:
        """Make the folder for journals. They are personal data, so only user and group may enter it.

        Raises:
            OSError: it cannot be written.
        """
        self.journals.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        self.journals.mkdir(exist_ok=True, mode=0o750)
        if not os.access(self.journals, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self.journals))


def locate_log(where: str | None, contract: str, *, home: Path) -> Places:
    """Return the places of a contract's log, below the folder or URL that the setting names.

    Args:
        where: `predictions` under CHURN_HOME if None.
        home: CHURN_HOME. Journals lie there if segments lie in an object store.

    Raises:
        SettingsError: predictions cannot be logged to this kind of URL.
    """
    own = home / "predictions"
    where = (where or str(own)).removeprefix("file://").rstrip("/")
    if "://" not in where:
        return Places(str(Path(where) / contract), Path(where) / contract / JOURNALS)
    url = urlsplit(where)
    if url.scheme not in OBJECT_STORES or not url.netloc:
        raise SettingsError(
            f"PREDICTION_LOG: predictions cannot be logged to {where}",
            instead=f"name a folder, a bucket ({', '.join(f'{kind}://NAME' for kind in OBJECT_STORES)}), or `off`",
        )
    return Places(f"{where}/{contract}", own / contract / JOURNALS)
