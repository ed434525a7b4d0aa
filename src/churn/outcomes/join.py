"""Joins outcomes to the predictions they are of, from closed segments and from journals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

from churn.outcomes.file import Kind, Outcome
from churn.prediction_log.batches import rows_from_batch
from churn.prediction_log.places import Places
from churn.prediction_log.reader import read_records

COLUMNS = ("prediction_id", "time", "subscriber", "model_version", "probability", "arm", "offer")
ASSIGNED = ("treatment", "holdout")


class LabelledPrediction(NamedTuple):
    """A prediction whose outcome is known."""

    time: int
    prediction_id: str
    subscriber: str | None
    version: str
    probability: float
    arm: str | None
    offer: str | None
    left: bool
    accepted: bool | None

    @property
    def who(self) -> str:
        """The subscriber; a prediction without a key is one of its own."""
        return self.subscriber or self.prediction_id


@dataclass
class JoinedOutcomes:
    """What is counted, each subscriber once: the first prediction, since that one was not changed by another banner.

    Args:
        by_version: the first of each subscriber by each version.
        assigned: the first of each subscriber at which they were in an arm.
        torn: subscribers who were in both arms, who count in neither.
        matched: of the outcomes, how many have a prediction.
    """

    by_version: dict[tuple[str, str], LabelledPrediction] = field(default_factory=dict)
    assigned: dict[str, LabelledPrediction] = field(default_factory=dict)
    torn: set[str] = field(default_factory=set)
    matched: int = 0

    def versions(self) -> dict[str, list[LabelledPrediction]]:
        """By version, in its order."""
        found: dict[str, list[LabelledPrediction]] = {}
        for (version, _), each in sorted(self.by_version.items()):
            found.setdefault(version, []).append(each)
        return found

    def arms(self) -> dict[str, list[LabelledPrediction]]:
        """By arm, without those who were in both."""
        found: dict[str, list[LabelledPrediction]] = {arm: [] for arm in ASSIGNED}
        for who, each in self.assigned.items():
            if who not in self.torn:
                found[each.arm or ""].append(each)
        return found


def join_outcomes(
    places: Places, outcomes: Sequence[Outcome], *, progress: Callable[[int, int], None] = lambda *_: None
) -> JoinedOutcomes:
    """Reads the log once; an outcome of a prediction's id counts before one of its subscriber.

    Raises:
        DataError: a segment is damaged; names it.
        OSError: a folder cannot be read.
        ChurnError: the object store cannot be used.
    """
    known: dict[tuple[Kind, str], Outcome] = {(each.kind, each.id): each for each in outcomes}
    joined, matched = JoinedOutcomes(), set[tuple[Kind, str]]()
    batches = read_records(places, COLUMNS, progress=progress) if known else ()
    for row in chain.from_iterable(map(rows_from_batch, batches)):
        ids: tuple[tuple[Kind, str], ...] = (
            ("prediction_id", row["prediction_id"]),
            ("subscriber", row["subscriber"] or ""),
        )
        here = [key for key in ids if key in known]
        if here:
            matched.update(here)
            count(joined, _predicted(row, known[here[0]]))
    joined.matched = len(matched)
    return joined


def count(joined: JoinedOutcomes, each: LabelledPrediction) -> None:
    """Takes one more prediction in, in whatever order they come."""
    key = (each.version, each.who)
    joined.by_version[key] = min(joined.by_version.get(key, each), each)
    if each.arm in ASSIGNED:
        first = joined.assigned.get(each.who, each)
        if first.arm != each.arm:
            joined.torn.add(each.who)
        joined.assigned[each.who] = min(first, each)


def _predicted(row: Mapping[str, Any], outcome: Outcome) -> LabelledPrediction:
    return LabelledPrediction(
        row["time"],
        row["prediction_id"],
        row["subscriber"],
        row["model_version"],
        row["probability"],
        row["arm"],
        row["offer"],
        outcome.left,
        outcome.accepted,
    )
