"""Read the latest predictions of a version from the log, as columns of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from churn.prediction_log.batches import numbers_from_batch, values_from_batch
from churn.prediction_log.places import Places
from churn.prediction_log.reader import read_records
from churn.prediction_log.record import FEATURE

MICROSECONDS = 1_000_000
PROBABILITY, VERSION, TIME = "probability", "model_version", "time"


@dataclass(frozen=True)
class LivePredictions:
    """The latest predictions of a version.

    Args:
        values: float64 (records,) for each feature and for `probability`.
        records: the number of the version's records.
        versions: the number of records of each version, among all that were read.
        first, last: the times of the earliest and latest record, in seconds since 1970; 0 if there is none.
    """

    values: Mapping[str, NDArray[np.float64]]
    records: int
    versions: Mapping[str, int]
    first: float
    last: float


def read_latest(
    places: Places, features: Sequence[str], version: str, *, most: int, since: float = 0.0
) -> LivePredictions:
    """Read the newest journals and segments first, until `most` records have been read.

    Args:
        places: of the log.
        features: the version's features.
        version: the predictions of this version are returned.
        most: about so many records, of all versions, are read.
        since: leave out earlier records, in seconds since 1970.

    Raises:
        OSError: a folder cannot be read.
        ChurnError: an object store cannot be used, or a segment is damaged.
    """
    names = {FEATURE + name: name for name in features} | {PROBABILITY: PROBABILITY, TIME: TIME}
    parts: dict[str, list[NDArray[np.float64]]] = {name: [np.zeros(0)] for name in names.values()}
    versions: Counter[str] = Counter()
    for batch in read_records(places, [*names, VERSION], datetime.fromtimestamp(since, UTC), newest_first=True):
        made_by = np.array(values_from_batch(batch, VERSION))
        versions.update(made_by.tolist())
        for column, name in names.items():
            parts[name].append(numbers_from_batch(batch, column)[made_by == version])
        if versions.total() >= most:
            break
    values = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    times = values.pop(TIME) / MICROSECONDS
    first, last = (float(times.min()), float(times.max())) if len(times) else (0.0, 0.0)
    return LivePredictions(values, len(times), versions, first, last)
