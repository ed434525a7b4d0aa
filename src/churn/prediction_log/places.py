"""Where the log lies: journals in a folder of this machine, closed segments beside it or in an object store."""

from __future__ import annotations

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
    """Where the log of one contract lies.

    Args:
        where: of the closed segments, a folder or the URL of an object store.
        journals: the folder of the journals.
    """

    where: str
    journals: Path

    def prepare(self) -> None:
        """Makes the folder of the journals; it holds personal data, so not everybody may look into it.

        Raises:
            OSError: it cannot be written.
        """
        self.journals.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        self.journals.mkdir(exist_ok=True, mode=0o750)
        if not os.access(self.journals, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self.journals))


def locate_log(where: str | None, contract: str, *, home: Path) -> Places:
    """The places of a contract's log.

    Args:
        where: what the setting names, a folder or a URL; `predictions` under the home if it is None.
        contract: its name.
        home: CHURN_HOME, where journals lie when the closed segments lie in an object store.

    Raises:
        SettingsError: the URL is of a kind that cannot be written to.
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
