"""Join outcomes to the predictions in the log."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from churn.errors import DataError
from churn.outcomes.file import IDS, Kind, Outcome
from churn.prediction_log.batches import rows_from_batch
from churn.prediction_log.places import Places
from churn.prediction_log.reader import read_records
from churn.prediction_log.segments import Progress

ARMS = ("treatment", "holdout")


class LabelledPrediction(NamedTuple):
    """A prediction with its outcome. The first fields are columns of the log; `time` is in microseconds since 1970."""

    time: int
    prediction_id: str
    subscriber: str | None
    model_version: str
    probability: float
    arm: str | None
    offer: str | None
    left: bool
    accepted: bool | None

    @property
    def identity(self) -> str:
        """Return the subscriber; a prediction without a key counts as a subscriber of its own."""
        return self.subscriber or self.prediction_id


COLUMNS = LabelledPrediction._fields[:-2]


@dataclass
class JoinedOutcomes:
    """The predictions that count. The first of a subscriber counts: no banner had changed it.

    Args:
        by_version: by version and subscriber.
        assigned: by subscriber, of those that had an arm.
        torn: subscribers who were in both arms; they count in neither.
        matched: the number of outcomes that have a prediction which counts.
        too_young: the number of those whose predictions are all younger than the horizon.
    """

    by_version: dict[tuple[str, str], LabelledPrediction] = field(default_factory=dict)
    assigned: dict[str, LabelledPrediction] = field(default_factory=dict)
    torn: set[str] = field(default_factory=set)
    matched: int = 0
    too_young: int = 0

    def add(self, prediction: LabelledPrediction) -> None:
        """Add a prediction, in any order."""
        key = (prediction.model_version, prediction.identity)
        self.by_version[key] = min(self.by_version.get(key, prediction), prediction)
        if prediction.arm in ARMS:
            first = self.assigned.get(prediction.identity, prediction)
            if first.arm != prediction.arm:
                self.torn.add(prediction.identity)
            self.assigned[prediction.identity] = min(first, prediction)

    def group_by_version(self) -> dict[str, list[LabelledPrediction]]:
        """Group the predictions by version, in the order of versions."""
        groups: dict[str, list[LabelledPrediction]] = {}
        for (version, _), prediction in sorted(self.by_version.items()):
            groups.setdefault(version, []).append(prediction)
        return groups

    def group_by_arm(self) -> dict[str, list[LabelledPrediction]]:
        """Group the predictions by arm, without subscribers who were in both."""
        groups: dict[str, list[LabelledPrediction]] = {arm: [] for arm in ARMS}
        for identity, prediction in self.assigned.items():
            if identity not in self.torn:
                groups[prediction.arm or ""].append(prediction)
        return groups


def join_outcomes(
    places: Places,
    outcomes: Sequence[Outcome],
    *,
    until: int | None = None,
    damaged: list[DataError] | None = None,
    progress: Progress = lambda *_: None,
) -> JoinedOutcomes:
    """Read the log once and join. An outcome of the prediction's id counts before one of its subscriber.

    Args:
        places: where the log lies.
        outcomes: who left.
        until: the last moment from which a prediction counts, in microseconds since 1970. After it nobody knows yet.
        damaged: takes what is wrong with segments that are left out.
        progress: told how many segments are read.

    Raises:
        DataError, OSError, ChurnError: as `read_records`.
    """
    known: dict[tuple[Kind, str], Outcome] = {(outcome.kind, outcome.id): outcome for outcome in outcomes}
    joined, matched, young = JoinedOutcomes(), set[tuple[Kind, str]](), set[tuple[Kind, str]]()
    batches = read_records(places, COLUMNS, damaged=damaged, progress=progress) if known else ()
    for row in chain.from_iterable(map(rows_from_batch, batches)):
        keys = [(kind, row[kind]) for kind in IDS if (kind, row[kind]) in known]
        if keys and until is not None and row["time"] > until:
            young.update(keys)
        elif keys:
            matched.update(keys)
            outcome = known[keys[0]]
            joined.add(LabelledPrediction(**row, left=outcome.left, accepted=outcome.accepted))
    joined.matched, joined.too_young = len(matched), len(young - matched)
    return joined
