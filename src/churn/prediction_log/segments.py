"""Closed segments where they lie: below a folder, or in an object store."""

import re
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, Self

from churn.errors import ChurnError, DataError
from churn.files import UNFINISHED, write_bytes

# ruff: noqa: PLC0415 - with a folder the client of object stores is not loaded

type Progress = Callable[[int, int], None]
"""Called with the number of files that are done, and of all."""

KEPT_TAG = "kept-days"  # of an object: the days after which a rule of the bucket removes it
_TIME = "%Y%m%dT%H%M%S.%fZ"
_NAME = re.compile(
    r"\d{4}-\d\d-\d\d/(?P<first>\d{8}T\d{6}\.\d{6}Z)_(?P<last>\d{8}T\d{6}\.\d{6}Z)_(?P<records>\d+)"
    r"_(?P<origin>[\w-]+)_(?P<crc32>[0-9a-f]{8})\.parquet"
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A closed segment, as its name describes it.

    Args:
        first, last: the times of its earliest and latest record.
        origin: the name of the journal that it was made from.
        crc32: the file's checksum, 8 hex digits.
    """

    first: datetime
    last: datetime
    records: int
    origin: str
    crc32: str

    @property
    def name(self) -> str:
        """Return the file's name: a folder for the day, then all that is known."""
        first, last = (time.astimezone(UTC).strftime(_TIME) for time in (self.first, self.last))
        return f"{self.first:%Y-%m-%d}/{first}_{last}_{self.records}_{self.origin}_{self.crc32}.parquet"

    @classmethod
    def from_name(cls, name: str) -> Self | None:
        """Read a file's name; return None if it is not a segment's."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        first, last = (datetime.strptime(match[part], _TIME).replace(tzinfo=UTC) for part in ("first", "last"))
        return cls(first, last, int(match["records"]), match["origin"], match["crc32"])


class SegmentStore(Protocol):
    """A place of closed segments, at `where`. Every error is an OSError or a ChurnError."""

    where: str

    def list_names(self, after: str = "") -> Iterable[str]:
        """List all files, relative to the store; only those after a name, as texts are sorted."""

    def read(self, name: str) -> bytes:
        """Read a file."""

    def write(self, name: str, content: bytes, *, age_days: int = 0) -> None:
        """Write a file, whole or not at all. A bucket that removes by a rule counts the age of its records."""

    def delete(self, name: str) -> None:
        """Remove a file."""

    def sweep(self, before: datetime) -> None:
        """Remove files that were begun before a time and never finished."""


def open_store(where: str, kept_days: int | None = None, *, patience_s: float | None = None) -> SegmentStore:
    """Open the store that `Places` names.

    Args:
        patience_s: how long one request of a bucket may take, with all that is tried again; minutes if not given.

    Raises:
        ChurnError: it is an object store, and the environment lacks its settings.
    """
    return _ObjectStore(where, kept_days, patience_s) if "://" in where else _Folder(Path(where))


def write_segment(store: SegmentStore, segment: Segment, content: bytes, *, age_days: int = 0) -> None:
    """Write a segment under its name, with the checksum of the content in place of the one given.

    Args:
        age_days: of its latest record, where an older segment is written anew.

    Raises:
        OSError, ChurnError: the store cannot be written.
    """
    store.write(replace(segment, crc32=_crc32(content)).name, content, age_days=age_days)


def read_segment(store: SegmentStore, segment: Segment) -> bytes:
    """Read a segment, and compare its checksum.

    Raises:
        DataError: it is damaged, or the disk does not give it; names it.
        ChurnError: the object store cannot be used.
    """
    path = f"{store.where}/{segment.name}"
    try:
        content = store.read(segment.name)
    except OSError as error:
        raise DataError(
            f"the segment {path} cannot be read: {error.strerror or error}",
            instead="see who may read it, or run it again if it was removed meanwhile; else restore it from a backup",
        ) from error
    if _crc32(content) != segment.crc32:
        raise DataError(
            f"the segment {path} is damaged: its checksum differs from that in its name",
            instead="restore the file from a backup, or remove it: its records are lost",
        )
    return content


def _crc32(content: bytes) -> str:
    return f"{zlib.crc32(content):08x}"


def list_segments(store: SegmentStore, since: datetime | None = None) -> list[Segment]:
    """List the closed segments, the oldest first.

    Args:
        since: leave out what ended before. A bucket is asked for no more than for the days that matter.
    """
    # A name begins with the day of the earliest record, and a journal is open for a day at most.
    after = f"{since.astimezone(UTC) - timedelta(days=1):%Y-%m-%d}" if since else ""
    segments = [segment for name in store.list_names(after) if (segment := Segment.from_name(name))]
    if since:
        segments = [segment for segment in segments if segment.last >= since]
    return sorted(segments, key=lambda segment: (segment.first, segment.name))


class _Folder:
    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self._path = path

    def list_names(self, after: str = "") -> Iterable[str]:
        names = (file.relative_to(self._path).as_posix() for file in self._path.glob("*/*.parquet"))
        return [name for name in names if name > after]

    def read(self, name: str) -> bytes:
        return (self._path / name).read_bytes()

    def write(self, name: str, content: bytes, *, age_days: int = 0) -> None:  # noqa: ARG002 - no rule removes here
        write_bytes(self._path / name, content)

    def delete(self, name: str) -> None:
        path = self._path / name
        path.unlink(missing_ok=True)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()

    def sweep(self, before: datetime) -> None:
        for file in self._path.glob(f"*/{UNFINISHED}*"):
            with suppress(FileNotFoundError):  # another process sweeps, too
                if file.stat().st_mtime < before.timestamp():
                    file.unlink()


class _ObjectStore:
    """S3, Google Cloud Storage or Azure. Credentials, region and endpoint come from the usual environment variables."""

    def __init__(self, url: str, kept_days: int | None, patience_s: float | None) -> None:
        from obstore.store import from_url

        self.where = url
        self._kept_days = kept_days
        options: dict[str, Any] = {}
        if patience_s is not None:
            patience = timedelta(seconds=patience_s)
            options = {"client_options": {"timeout": patience}, "retry_config": {"retry_timeout": patience}}
        self._store: Any = self._call(lambda: from_url(url, **options))

    def list_names(self, after: str = "") -> Iterable[str]:
        return self._call(lambda: [item["path"] for chunk in self._store.list(offset=after or None) for item in chunk])

    def read(self, name: str) -> bytes:
        return bytes(self._call(lambda: self._store.get(name).bytes()))

    def write(self, name: str, content: bytes, *, age_days: int = 0) -> None:
        """Write an object in one request, so that no right is needed but to put it.

        A rule counts from the day on which an object was made, and chooses by its tag how many days it has left.
        """
        tags = {KEPT_TAG: str(max(1, self._kept_days - age_days))} if self._kept_days and age_days else None
        self._call(lambda: self._store.put(name, content, tags=tags, use_multipart=False))

    def delete(self, name: str) -> None:
        self._call(lambda: self._store.delete(name))

    def sweep(self, before: datetime) -> None:
        """Do nothing: an object is there whole or not at all."""

    def _call[Result](self, request: Callable[[], Result]) -> Result:
        from obstore.exceptions import BaseError

        try:
            return request()
        except (BaseError, ValueError, OSError) as error:
            raise ChurnError(
                f"{self.where} cannot be used: {str(error).splitlines()[0]}",
                instead="see whether the bucket exists and the environment has the right credentials and region",
            ) from error
