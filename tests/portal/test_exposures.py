"""What was shown is written while others hold the file, and what is lost is counted."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from structlog import wrap_logger
from structlog.testing import LogCapture

from portal.business import load_business
from portal.exposures import MOST_WAITING, ExposureRecorder
from portal.records import Exposure
from portal.store import Store

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def exposure(number: int) -> Exposure:
    key = load_business("streamflow").subscribers[0].key
    return Exposure(f"p{number}", key, "exposure", "treatment", "v1", "v2.3.1", ("tenure.short",), "en", None)


def test_at_the_end_what_waits_is_written_or_counted_as_lost(tmp_path: Path) -> None:
    path = tmp_path / "portal.sqlite"
    capture = LogCapture()
    with (
        closing(Store(path, load_business("streamflow").subscribers)) as store,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        recorder = ExposureRecorder(store, wrap_logger(None, processors=[capture]))
        other.execute("BEGIN IMMEDIATE")
        assert asyncio.run(recorder.record(exposure(1), NOON))
        recorder.close()  # the file stays locked
        assert recorder.lost == 1
        assert [entry["event"] for entry in capture.entries] == ["exposure_not_recorded"]
        assert store.unwritten == {}


def test_no_more_wait_than_stated(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "portal.sqlite", load_business("streamflow").subscribers)) as store:
        recorder = ExposureRecorder(store, wrap_logger(None, processors=[LogCapture()]))
        store.unwritten |= {f"x{number}": (exposure(number), NOON) for number in range(MOST_WAITING)}
        assert not asyncio.run(recorder.record(exposure(1), NOON))
        assert recorder.lost == 1
        recorder.close()
