"""What was seen of two tracks, read from a JSON file."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from churn.errors import DataError
from churn.judging.counts import Counts
from churn.judging.judge import Seen
from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BINS


def read_seen(path: Path) -> Seen:
    """The counts of a file; what it leaves out is as by default, what nobody knows is refused.

    Raises:
        DataError: the file holds something else.
    """
    instead = 'give {"stable": {"requests": 900, ...}, "canary": {...}, "weight": 10}; docs/judge.md has an example'
    try:
        content = json.loads(path.read_bytes())
        _require_known(content, Seen, "")
        for part in ("stable", "canary", *({"earlier"} & content.keys())):
            _require_known(content.get(part), Counts, f"{part}: ")
        seen = TypeAdapter(Seen).validate_python(content)
    except ValidationError as error:
        words = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise DataError(f"{path} holds no counts: {words}", instead=instead) from error
    except ValueError as error:
        raise DataError(f"{path} holds no counts: {error}", instead=instead) from error
    for counts in (seen.stable, seen.canary, seen.earlier):
        if len(counts.latency) != len(LATENCY_BOUNDS_S) + 1 or len(counts.probability) != PROBABILITY_BINS:
            raise DataError(
                f"{path}: latency needs {len(LATENCY_BOUNDS_S) + 1} numbers, probability {PROBABILITY_BINS}",
                instead="give one for each bucket, not summed up",
            )
    if any(number < 0 for number in seen.earlier.numbers()):
        raise DataError(
            f"{path}: earlier has a number below zero", instead="give what stable answered before, or leave it out"
        )
    return seen


def _require_known(content: Any, kind: type[Any], where: str) -> None:
    if not isinstance(content, dict):
        raise ValueError(f"{where}no object")  # noqa: TRY004 - a value of the file, told like the others
    if unknown := content.keys() - {field.name for field in fields(kind)}:
        raise ValueError(f"{where}there is no {', '.join(sorted(unknown))}")
