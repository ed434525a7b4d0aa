"""The pairs of the prediction log, summed up for each two bundles that answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple

import numpy as np
from arro3.core import RecordBatch

from churn.contract.declaration import Contract
from churn.model.pairs import Numbers, Side
from churn.prediction_log.batches import numbers_from_batch, take_rows, values_from_batch
from churn.prediction_log.places import Places
from churn.prediction_log.reader import EARLIEST, LATEST, read_records
from churn.prediction_log.record import CHALLENGER_CONTRIBUTION, CONTRIBUTION, FEATURE
from churn.shadow.tally import Block, Tally

NAMES = ("model_version", "bundle_sha256", "challenger_version", "challenger_bundle_sha256")
EVER = (EARLIEST, LATEST)

type Range = tuple[datetime, datetime]


class Bundles(NamedTuple):
    """Which two bundles answered."""

    champion: str
    champion_sha256: str
    challenger: str
    challenger_sha256: str

    def __str__(self) -> str:
        """Both versions, and what tells apart bundles of one version."""
        return (
            f"{self.champion} ({self.champion_sha256[:8]}) and challenger {self.challenger} "
            f"({self.challenger_sha256[:8]})"
        )


def read_pairs(
    places: Places,
    contract: type[Contract],
    *,
    during: Range = EVER,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> dict[Bundles, Tally]:
    """What the log has of each two bundles that answered the same.

    Args:
        places: of the log.
        contract: whose.
        during: only records of this time.
        progress: told (done, total) segments.

    Raises:
        DataError: a segment is damaged; names it.
        OSError: a folder cannot be read.
        ChurnError: the object store cannot be used.
    """
    tallies: dict[Bundles, Tally] = {}
    # Segments of other versions of the contract or the log lack columns, and are left out.
    for batch in read_records(places, _columns(contract), *during, progress=progress):
        _add(tallies, batch, contract)
    return tallies


def choose(tallies: dict[Bundles, Tally], champion: str | None, challenger: str | None) -> Bundles | None:
    """The two bundles that are asked for; of several, those that answered last."""

    def meant(asked: str | None, version: str, sha256: str) -> bool:
        return asked is None or asked == version or sha256.startswith(asked)

    fitting = [
        each
        for each in tallies
        if tallies[each].last_us is not None
        and meant(champion, each.champion, each.champion_sha256)
        and meant(challenger, each.challenger, each.challenger_sha256)
    ]
    return max(fitting, key=lambda each: tallies[each].last_us or 0, default=None)


def _columns(contract: type[Contract]) -> list[str]:
    prefixes = (FEATURE, CONTRIBUTION, CHALLENGER_CONTRIBUTION)
    numbers = [prefix + name for prefix in prefixes for name in contract.feature_names()]
    return ["time", "threshold", "probability", "challenger_probability", *NAMES, *numbers]


def _add(tallies: dict[Bundles, Tally], batch: RecordBatch, contract: type[Contract]) -> None:
    # All records of a batch are of one process, which has one champion and one challenger.
    answered_by = [values_from_batch(batch, name)[0] for name in NAMES]
    if None in answered_by:
        return
    tally = tallies.setdefault(Bundles(*answered_by), Tally(contract))
    times = numbers_from_batch(batch, "time")
    tally.saw(int(times.min()), int(times.max()))
    paired = np.flatnonzero(~np.isnan(numbers_from_batch(batch, "challenger_probability")))
    tally.unpaired += batch.num_rows - len(paired)
    if len(paired):
        tally.add(_block(take_rows(batch, paired), contract.feature_names()))


def _block(batch: RecordBatch, features: list[str]) -> Block:
    numbers = partial(numbers_from_batch, batch)

    def each(prefix: str) -> Numbers:
        return np.column_stack([numbers(prefix + name) for name in features])

    return Block(
        each(FEATURE),
        numbers("threshold"),
        Side(numbers("probability"), each(CONTRIBUTION)),
        Side(numbers("challenger_probability"), each(CHALLENGER_CONTRIBUTION)),
    )
