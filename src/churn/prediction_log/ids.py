"""Ids of predictions. An id says when it was made, so that its record is found without reading all segments."""

import random
import re
import time
from datetime import UTC, datetime

PREDICTION_ID = re.compile("[0-9a-f]{32}")
_VERSION, _VARIANT = 7, 0b10


def make_prediction_id() -> str:
    """Make a new id: 32 hex digits, a UUID of version 7 (RFC 9562, section 5.7) with 74 random bits."""
    first, second = random.getrandbits(12), random.getrandbits(62)
    return f"{time.time_ns() // 1_000_000:012x}{_VERSION << 12 | first:04x}{_VARIANT << 62 | second:016x}"


def time_from_id(prediction_id: str) -> datetime | None:
    """Return when an id was made, to the millisecond; None if it is not of version 7."""
    if int(prediction_id[12], 16) != _VERSION:
        return None
    return datetime.fromtimestamp(int(prediction_id[:12], 16) / 1000, UTC)
