"""How retraining stands, in a file below CHURN_HOME: the dashboard shows it, and needs no MLflow for that."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn.files import encode_json, write_bytes

if TYPE_CHECKING:
    from churn.retraining.attempts import Attempt

RETRAINING = "retraining"
SHOWN = 5


def locate_standing(home: Path, contract: str) -> Path:
    """Return the file of a contract."""
    return home / RETRAINING / f"{contract}.json"


def build_standing(
    attempts: "Sequence[Attempt]",
    *,
    now: datetime,
    next_by_date: datetime | None,
    due: str | None,
    unfinished: str | None,
) -> dict[str, Any]:
    """Collect how retraining stands, ready for JSON; times are in ISO 8601.

    Args:
        attempts: the newest first.
        now: when this was found out.
        next_by_date: when the date makes it due; None if none does.
        due: what makes it due now; None if nothing does.
        unfinished: the version that is registered and not yet in the shadow.
    """
    return {
        "as_of": now.isoformat(timespec="seconds"),
        "next_by_date": next_by_date.isoformat(timespec="seconds") if next_by_date else None,
        "due": due,
        "unfinished": unfinished,
        "attempts": [_write_attempt(attempt) for attempt in attempts[:SHOWN]],
    }


def write_standing(path: Path, standing: Mapping[str, Any]) -> None:
    """Write the file, whole or not at all. Raise OSError if it cannot be written."""
    write_bytes(path, encode_json(dict(standing)))


def read_standing(path: Path) -> dict[str, Any] | None:
    """Read the file; None if there is none, or if it is of another form."""
    try:
        content = json.loads(path.read_bytes())
        attempts = [dict(attempt) for attempt in content["attempts"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {**content, "attempts": attempts}


def _write_attempt(attempt: "Attempt") -> dict[str, Any]:
    return {
        name: value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
        for name, value in asdict(attempt).items()
    }
