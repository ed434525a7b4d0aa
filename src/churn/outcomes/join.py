"""Join outcomes to the predictions in the log."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import Any, NamedTuple

from churn.errors import DataError
from churn.outcomes.file import IDS, Kind, Outcome
from churn.outcomes.ripeness import DAY_US, find_label, is_watched
from churn.prediction_log.batches import rows_from_batch
from churn.prediction_log.places import Places
from churn.prediction_log.reader import read_records
from churn.prediction_log.record import COLUMNS as LOGGED
from churn.prediction_log.segments import Progress

ARMS = ("treatment", "holdout")


class LabelledPrediction(NamedTuple):
    """A prediction with its outcome. The first fields are columns of the log; `time` is in microseconds since 1970.

    Args:
        arm: None where the model asked for no banner.
        experiment, holdout_share: None if the record is of a version that did not log them.
        left: None if nobody knows.
        accepted, paid, left_on: as the outcome says; None if it does not.
    """

    time: int
    prediction_id: str
    subscriber: str | None
    model_version: str
    probability: float
    arm: str | None
    offer: str | None
    policy_version: str | None = None
    experiment: str | None = None
    holdout_share: float | None = None
    left: bool | None = None
    accepted: bool | None = None
    paid: float | None = None
    left_on: date | None = None

    @property
    def identity(self) -> str:
        """Return the subscriber; a prediction without a key counts as a subscriber of its own."""
        return self.subscriber or self.prediction_id

    @property
    def draw(self) -> "Draw":
        """Return how the arm was drawn."""
        return Draw(self.experiment, self.holdout_share, self.policy_version)


class Draw(NamedTuple):
    """How an arm was drawn: in which experiment, with which share held out, by which policy."""

    experiment: str | None
    holdout_share: float | None
    policy_version: str | None


COLUMNS = (*(name for name in LabelledPrediction._fields if name in LOGGED), "banner")


@dataclass
class Cohort:
    """The subscribers of one experiment, each by the first prediction that asked for a banner.

    Args:
        experiment: its name; None if no record says it.
        members: by subscriber.
        moved: how many were in the other arm later. They count in their first.
    """

    experiment: str | None
    members: dict[str, LabelledPrediction] = field(default_factory=dict)
    moved: int = 0

    @property
    def last(self) -> int:
        """Return when the latest subscriber came."""
        return max(prediction.time for prediction in self.members.values())


@dataclass
class JoinedOutcomes:
    """The predictions that count. The first of a subscriber counts: no banner had changed it.

    Args:
        by_version: by version and subscriber, those with an outcome.
        assigned: by draw and subscriber, those with an arm.
        labelled: as `assigned`, those with an outcome.
        arms: as `assigned`, all arms that a subscriber was in.
        drawn: by subscriber, all draws, also those after the time that counts.
        treated: subscribers who were ever in the treatment.
        known: by subscriber, the first prediction with an outcome.
        unasked: by draw and subscriber, the first prediction with an outcome that asked for no banner.
        missing: subscribers without an outcome, though outcomes are known of others who came as early and as late.
        matched: the number of outcomes that have a prediction which counts.
        too_young: the number of those whose predictions are all younger than the horizon.
        unwatched: the number of those who were not watched until the horizon of any prediction.
    """

    by_version: dict[tuple[str, str], LabelledPrediction] = field(default_factory=dict)
    assigned: dict[tuple[Draw, str], LabelledPrediction] = field(default_factory=dict)
    labelled: dict[tuple[Draw, str], LabelledPrediction] = field(default_factory=dict)
    arms: dict[tuple[Draw, str], set[str]] = field(default_factory=dict)
    drawn: dict[str, set[Draw]] = field(default_factory=dict)
    treated: set[str] = field(default_factory=set)
    known: dict[str, LabelledPrediction] = field(default_factory=dict)
    unasked: dict[tuple[Draw, str], LabelledPrediction] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    matched: int = 0
    too_young: int = 0
    unwatched: int = 0

    def note_banner(self, prediction: LabelledPrediction) -> None:
        """Note whom the banner may have changed, by any of their predictions."""
        if prediction.arm in ARMS:
            self.drawn.setdefault(prediction.identity, set()).add(prediction.draw)
            if prediction.arm == "treatment":
                self.treated.add(prediction.identity)

    def add(self, prediction: LabelledPrediction) -> None:
        """Add a prediction that counts, in any order."""
        self.note_banner(prediction)
        if prediction.left is not None:
            _keep_first(self.by_version, (prediction.model_version, prediction.identity), prediction)
            _keep_first(self.known, prediction.identity, prediction)
            if prediction.arm not in ARMS:
                _keep_first(self.unasked, (prediction.draw, prediction.identity), prediction)
        if prediction.arm in ARMS:
            key = (prediction.draw, prediction.identity)
            _keep_first(self.assigned, key, prediction)
            self.arms.setdefault(key, set()).add(prediction.arm)
            if prediction.left is not None:
                _keep_first(self.labelled, key, prediction)

    def group_by_version(self) -> dict[str, list[LabelledPrediction]]:
        """Group the predictions by version, in the order of versions."""
        groups: dict[str, list[LabelledPrediction]] = {}
        for (version, _), prediction in sorted(self.by_version.items()):
            groups.setdefault(version, []).append(prediction)
        return groups

    def group_by_experiment(self) -> list[Cohort]:
        """Group the subscribers by experiment, the experiment whose latest subscriber came last first.

        Each counts once in each experiment, by the arm they were in first. Where a record does not say the experiment,
        it is that of later records with the same version of the policy, if these name one.
        """
        draws = self.complete_draws()
        cohorts: dict[str | None, Cohort] = {}
        arms: dict[tuple[str | None, str], set[str]] = {}
        for (logged, identity), prediction in self.assigned.items():
            if identity not in self.known and identity not in self.missing:
                continue
            draw = draws[logged]
            labelled = self.labelled.get((logged, identity)) or self.known.get(identity, prediction)
            first = prediction._replace(
                experiment=draw.experiment,
                holdout_share=draw.holdout_share,
                left=labelled.left,
                accepted=labelled.accepted,
                paid=labelled.paid,
                left_on=labelled.left_on,
            )
            cohort = cohorts.setdefault(draw.experiment, Cohort(draw.experiment))
            _keep_first(cohort.members, identity, first)
            arms.setdefault((draw.experiment, identity), set()).update(self.arms[logged, identity])
        for (experiment, _), own in arms.items():
            cohorts[experiment].moved += len(own) > 1
        return sorted(cohorts.values(), key=lambda cohort: cohort.last, reverse=True)

    def complete_draws(self) -> dict[Draw, Draw]:
        """Map each draw to itself, or to the one that is known of its version of the policy."""
        logged = {draw for draw, _ in (*self.assigned, *self.unasked)}
        known: dict[str | None, set[Draw]] = {}
        for draw in logged:
            if draw.experiment is not None:
                known.setdefault(draw.policy_version, set()).add(draw)
        completed = {}
        for draw in logged:
            others = known.get(draw.policy_version, set())
            completed[draw] = next(iter(others)) if draw.experiment is None and len(others) == 1 else draw
        return completed


def join_outcomes(
    places: Places,
    outcomes: Sequence[Outcome],
    *,
    until: int | None = None,
    horizon_days: int | None = None,
    damaged: list[DataError] | None = None,
    progress: Progress = lambda *_: None,
) -> JoinedOutcomes:
    """Read the log once and join.

    Args:
        places: where the log lies.
        outcomes, until, horizon_days: as `join_rows` takes them.
        damaged: takes what is wrong with segments that are left out.
        progress: told how many segments are read.

    Raises:
        DataError, OSError, ChurnError: as `read_records`.
    """
    batches = read_records(places, COLUMNS, damaged=damaged, progress=progress) if outcomes else ()
    rows = chain.from_iterable(map(rows_from_batch, batches))
    return join_rows(rows, outcomes, until=until, horizon_days=horizon_days)


def join_rows(
    rows: Iterable[Mapping[str, Any]],
    outcomes: Iterable[Outcome],
    *,
    until: int | None = None,
    horizon_days: int | None = None,
) -> JoinedOutcomes:
    """Join records to outcomes. An outcome of the prediction's id counts before one of its subscriber.

    Args:
        rows: the columns of each record, in any order.
        outcomes: who left.
        until: the last moment from which a prediction counts, in microseconds since 1970. After it nobody knows yet.
        horizon_days: who left later than so many days after a prediction had not left in time.
    """
    known: dict[tuple[Kind, str], Outcome] = {(outcome.kind, outcome.id): outcome for outcome in outcomes}
    joined, matched, young = JoinedOutcomes(), set[tuple[Kind, str]](), set[tuple[Kind, str]]()
    unwatched = set[tuple[Kind, str]]()
    by_prediction = any(kind == "prediction_id" for kind, _ in known)
    came: dict[str, int] = {}  # the time of each subscriber's first prediction
    for record in rows:
        row = dict(record)
        if not row.pop("banner"):
            row["arm"] = None  # a later record has the arm of everybody
        keys = [(kind, row[kind]) for kind in IDS if (kind, row[kind]) in known]
        if until is not None and row["time"] > until:
            young.update(keys)
            joined.note_banner(LabelledPrediction(**row))
            continue
        outcome = known[keys[0]] if keys else None
        if outcome and not is_watched(outcome, row["time"], horizon_days):
            unwatched.update(keys)
            joined.note_banner(LabelledPrediction(**row))
            continue
        left = find_label(outcome, row["time"], horizon_days) if outcome else None
        if outcome and left is None:  # they had left before
            continue
        matched.update(keys)
        said = (outcome.accepted, outcome.paid, outcome.left_on) if outcome else (None, None, None)
        prediction = LabelledPrediction(**row, left=left, accepted=said[0], paid=said[1], left_on=said[2])
        joined.add(prediction)
        if prediction.subscriber or by_prediction:  # else nobody can say what became of them
            came[prediction.identity] = min(came.get(prediction.identity, prediction.time), prediction.time)
    joined.matched, joined.too_young = len(matched), len(young - matched)
    joined.unwatched = len(unwatched - young - matched)
    joined.missing = find_missing(came, joined.known)
    return joined


def find_missing(came: Mapping[str, int], known: Collection[str]) -> set[str]:
    """Find whose outcome is missing, though outcomes are known of others who came as early and as late.

    Where those who left are imported as they leave, and those who stayed later, the latter are missing until then.

    Args:
        came: when each subscriber came first, in microseconds since 1970.
        known: subscribers with an outcome.
    """
    days = {identity: time // DAY_US for identity, time in came.items()}
    covered = [day for identity, day in days.items() if identity in known]
    first, last = min(covered, default=0), max(covered, default=-1)
    return {identity for identity, day in days.items() if identity not in known and first <= day <= last}


def _keep_first[Key](first: dict[Key, LabelledPrediction], key: Key, prediction: LabelledPrediction) -> None:
    if key not in first or prediction.time < first[key].time:
        first[key] = prediction
