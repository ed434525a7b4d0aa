"""Where the log of a contract lies: journals on this machine, segments beside them or in an object store."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from churn.errors import SettingsError

OBJECT_STORES = ("s3", "gs", "az")
WITH_RULES = "s3"  # only there an object's tag chooses the rule that removes it
JOURNALS = "journals"
# Of banner events. Tools that read a folder of Parquet leave out what begins with an underscore.
EVENTS, EVENT_JOURNALS = "_events", "events"


@dataclass(frozen=True, slots=True)
class Places:
    """A folder or the URL of an object store for closed segments, and a folder for journals.

    Args:
        kept_days: after so many days a rule of the bucket itself removes a segment; None if it has no such rule.
    """

    where: str
    journals: Path
    kept_days: int | None = None

    @property
    def is_remote(self) -> bool:
        """Whether segments lie in an object store, which may be out of reach at times."""
        return "://" in self.where

    @property
    def banner_events(self) -> Places:
        """Where the banner events of the same contract lie, within the folders of its predictions."""
        return Places(f"{self.where}/{EVENTS}", self.journals / EVENT_JOURNALS, self.kept_days)

    def prepare(self) -> None:
        """Make the folder for journals. They are personal data, so only user and group may enter it.

        Raises:
            OSError: it cannot be written.
        """
        self.journals.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        self.journals.mkdir(exist_ok=True, mode=0o750)
        if not os.access(self.journals, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self.journals))


def locate_log(where: str | None, contract: str, *, home: Path, kept_days: int | None = None) -> Places:
    """Return the places of a contract's log, below the folder or URL that the setting names.

    Args:
        where: `predictions` under CHURN_HOME if None.
        home: CHURN_HOME. Journals lie there if segments lie in an object store.
        kept_days: as in `Places`.

    Raises:
        SettingsError: predictions cannot be logged to this kind of URL, or it has no rules that remove segments.
    """
    own = home / "predictions"
    where = (where or str(own)).removeprefix("file://").rstrip("/")
    if kept_days is not None and not where.startswith(f"{WITH_RULES}://"):
        raise SettingsError(
            f"PREDICTION_LOG_REMOVED_BY is `bucket`, but {where} is no bucket of S3: nothing would remove segments",
            instead=f"name a bucket ({WITH_RULES}://NAME) in PREDICTION_LOG, or unset PREDICTION_LOG_REMOVED_BY",
        )
    if "://" not in where:
        return Places(str(Path(where) / contract), Path(where) / contract / JOURNALS)
    url = urlsplit(where)
    if url.scheme not in OBJECT_STORES or not url.netloc:
        raise SettingsError(
            f"PREDICTION_LOG: predictions cannot be logged to {where}",
            instead=f"name a folder, a bucket ({', '.join(f'{kind}://NAME' for kind in OBJECT_STORES)}), or `off`",
        )
    return Places(f"{where}/{contract}", own / contract / JOURNALS, kept_days)
