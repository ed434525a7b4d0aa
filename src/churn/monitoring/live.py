"""The latest predictions of a version as columns of numbers, from the prediction log."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.prediction_log.finding import journal_records
from churn.prediction_log.places import Places
from churn.prediction_log.record import FEATURE
from churn.prediction_log.segments import columns
from churn.prediction_log.stores import open_store, read_segment, segments_of

MICROSECONDS = 1_000_000
PROBABILITY, VERSION, TIME = "probability", "model_version", "time"


@dataclass(frozen=True)
class Live:
    """What was predicted lately.

    Args:
        values: float64 (records,) for each feature and for `probability`.
        records: of the version, among those looked at.
        versions: how many of all that were looked at each version made.
        first, last: the times of the earliest and the latest, in seconds since 1970; 0 of nothing.
    """

    values: Mapping[str, NDArray[np.float64]]
    records: int
    versions: Mapping[str, int]
    first: float
    last: float


def latest(places: Places, features: Sequence[str], version: str, *, most: int, since: float = 0.0) -> Live:
    """Looks at the latest predictions in closed segments and, if those are fewer than `most`, in journals.

    Args:
        places: of the log.
        features: of the version.
        version: whose predictions.
        most: about so many records are looked at.
        since: none earlier than this, in seconds since 1970.

    Raises:
        OSError: a folder cannot be read.
        ChurnError: an object store cannot be used, or a segment is damaged.
    """
    names = {FEATURE + name: name for name in features} | {PROBABILITY: PROBABILITY}
    gathered: dict[str, list[NDArray[np.float64]]] = {name: [] for name in (*names.values(), TIME)}
    versions: Counter[str] = Counter()
    for batch in _batches(places, [*names, VERSION, TIME], most, since):
        late = np.array(batch[TIME], dtype=float) >= since * MICROSECONDS
        made_by = np.array(batch[VERSION], dtype=object)
        versions.update(map(str, made_by[late]))
        chosen = late & (made_by == version)
        for column, name in (names | {TIME: TIME}).items():
            gathered[name].append(np.array(batch[column], dtype=float)[chosen])
    values = {name: np.concatenate(parts) if parts else np.zeros(0) for name, parts in gathered.items()}
    times = values.pop(TIME) / MICROSECONDS
    first, last = (float(times.min()), float(times.max())) if len(times) else (0.0, 0.0)
    return Live(values, len(times), versions, first, last)


def _batches(places: Places, wanted: Sequence[str], most: int, since: float) -> Iterator[Mapping[str, Sequence[Any]]]:
    """The latest records by columns; those of another contract's features are left out."""
    store, seen = open_store(places.where), 0
    for segment in sorted(segments_of(store), key=lambda each: each.last, reverse=True):
        if seen >= most:
            return
        if segment.last.timestamp() < since:  # and all after it
            break
        for batch in columns(read_segment(store, segment), wanted):
            if len(batch) == len(wanted):
                seen += len(batch[TIME])
                yield batch
    own = (each for each in journal_records(places) if all(name in each for name in wanted))
    rest = deque(own, maxlen=max(most - seen, 0))
    if rest:
        yield {name: [record[name] for record in rest] for name in wanted}
