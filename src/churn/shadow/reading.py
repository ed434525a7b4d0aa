"""The pairs of the prediction log, summed up for each two bundles that answered."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple

import numpy as np
from arro3.core import RecordBatch

from churn.contract.declaration import Contract
from churn.errors import DataError
from churn.model.pairs import ModelAnswers
from churn.prediction_log.batches import numbers_from_batch, stack_numbers, take_rows, values_from_batch
from churn.prediction_log.places import Places
from churn.prediction_log.reader import EARLIEST, LATEST, read_records
from churn.prediction_log.record import CHALLENGER_CONTRIBUTION, CONTRIBUTION, FEATURE
from churn.shadow.sums import PairBlock, PairSums

NAMES = ("model_version", "bundle_sha256", "challenger_version", "challenger_bundle_sha256")
EVER = (EARLIEST, LATEST)

type Period = tuple[datetime, datetime]


class BundlePair(NamedTuple):
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
    during: Period = EVER,
    damaged: list[DataError] | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> dict[BundlePair, PairSums]:
    """Sum up the pairs of the log, for each two bundles that answered the same subscribers.

    `progress` is called with (done, total) segments.

    Raises:
        DataError, OSError, ChurnError: as `read_records`.
    """
    sums: dict[BundlePair, PairSums] = {}
    # Segments of other versions of the contract or the log lack columns, and are left out.
    for batch in read_records(places, _columns(contract), *during, damaged=damaged, progress=progress):
        _add(sums, batch, contract)
    return sums


def choose_bundles(sums: dict[BundlePair, PairSums], champion: str | None, challenger: str | None) -> BundlePair | None:
    """Choose the two bundles that answered last, of those with this champion and this challenger."""

    def fits(asked: str | None, version: str, sha256: str) -> bool:
        return asked is None or asked == version or sha256.startswith(asked)

    fitting = [
        (last_us, bundles)
        for bundles, pair_sums in sums.items()
        if (last_us := pair_sums.last_us) is not None
        and fits(champion, bundles.champion, bundles.champion_sha256)
        and fits(challenger, bundles.challenger, bundles.challenger_sha256)
    ]
    return max(fitting, key=lambda timed: timed[0], default=(0, None))[1]


def _columns(contract: type[Contract]) -> list[str]:
    prefixes = (FEATURE, CONTRIBUTION, CHALLENGER_CONTRIBUTION)
    numbers = [prefix + name for prefix in prefixes for name in contract.feature_names()]
    return ["time", "threshold", "probability", "challenger_probability", *NAMES, *numbers]


def _add(sums: dict[BundlePair, PairSums], batch: RecordBatch, contract: type[Contract]) -> None:
    # All records of a batch are of one process, which has one champion and one challenger.
    answered_by = [values_from_batch(batch, name)[0] for name in NAMES]
    if None in answered_by:
        return
    pair_sums = sums.setdefault(BundlePair(*answered_by), PairSums(contract))
    times = numbers_from_batch(batch, "time")
    pair_sums.extend_period(int(times.min()), int(times.max()))
    paired = np.flatnonzero(~np.isnan(numbers_from_batch(batch, "challenger_probability")))
    pair_sums.unpaired += batch.num_rows - len(paired)
    if len(paired):
        pair_sums.add(_block_from_batch(take_rows(batch, paired), contract.feature_names()))


def _block_from_batch(batch: RecordBatch, features: list[str]) -> PairBlock:
    numbers = partial(numbers_from_batch, batch)
    stack = partial(stack_numbers, batch, features=features)
    return PairBlock(
        stack(FEATURE),
        numbers("threshold"),
        ModelAnswers(numbers("probability"), stack(CONTRIBUTION)),
        ModelAnswers(numbers("challenger_probability"), stack(CHALLENGER_CONTRIBUTION)),
    )
