"""Read what became of subscribers: the one point-in-time reader, for reports and for all that learns from the log.

`join.py` decides which prediction counts: the first of each experiment that asked for a banner, or the first at all of
a subscriber for whom none did. Here its record is read once more, with everything that was known at that moment.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from arro3.core import RecordBatch

from churn.contract.declaration import Contract
from churn.errors import DataError
from churn.outcomes.exposures import Exposures, Flags, Numbers
from churn.outcomes.file import Outcome
from churn.outcomes.join import ARMS, JoinedOutcomes, LabelledPrediction, join_outcomes
from churn.outcomes.ripeness import DAY_US, EPOCH_DAY, find_last_counted
from churn.prediction_log.batches import stack_numbers, take_rows, values_from_batch
from churn.prediction_log.places import Places
from churn.prediction_log.reader import read_records
from churn.prediction_log.record import COLUMNS, FEATURE
from churn.prediction_log.segments import Progress
from churn.retention.offers.actions import BANNER_ALONE, NOTHING

READ = (
    *("prediction_id", "threshold", "policy_sha256", "arm", "shown_reasons", "offer", "actions"),
    "action_propensities",
    *(name for name in ("action", "withheld_reasons") if name in COLUMNS),
)


@dataclass(frozen=True, slots=True)
class ReadExposures:
    """What was read.

    Args:
        everybody: subscribers, n of them.
        is_known: whose outcome is known and ripe, (n,). Of the others `left` says nothing: it is known of some who came
            then, and theirs is missing.
        without_key: subscribers with an outcome who cannot be held out, and are left out.
        unclear: those left out since their record does not say with which chance they were shown what.
        unread: those left out since their record lacks a feature of the contract.
    """

    everybody: Exposures
    is_known: Flags
    without_key: int = 0
    unclear: int = 0
    unread: int = 0

    @property
    def known(self) -> Exposures:
        """Return the subscribers whose outcome is known."""
        return self.everybody.choose(self.is_known)

    @property
    def missing(self) -> Exposures:
        """Return those whose outcome is missing."""
        return self.everybody.choose(~self.is_known)


class _Row(NamedTuple):
    """A prediction that counts, with what its record says; `taken` is an action, `chances` those of the actions."""

    prediction: LabelledPrediction
    features: Numbers
    threshold: float
    policy_sha256: str | None
    is_held_out: bool
    reasons: tuple[str, ...]
    taken: str
    chances: Mapping[str, float]


def read_exposures(
    places: Places,
    outcomes: Sequence[Outcome],
    contract: type[Contract],
    *,
    now: datetime,
    horizon_days: int | None,
    experiment: str | None = None,
    damaged: list[DataError] | None = None,
    progress: Progress = lambda *_: None,
) -> Exposures:
    """Read what became of subscribers, one row for each of them in each experiment, or in this one.

    Args:
        places: where the log lies.
        outcomes: who left.
        now: predictions that are younger than the horizon then do not count.
        horizon_days: within how many days somebody leaves; None if all predictions count.
        damaged: takes what is wrong with segments that are left out.
        progress: told how many segments are read.

    Raises:
        DataError, OSError, ChurnError: as `read_records`.
    """
    until = find_last_counted(now, horizon_days)
    joined = join_outcomes(places, outcomes, until=until, horizon_days=horizon_days, damaged=damaged)
    return collect_exposures(places, joined, contract, experiment=experiment, progress=progress).known


def collect_exposures(
    places: Places,
    joined: JoinedOutcomes,
    contract: type[Contract],
    *,
    experiment: str | None = None,
    progress: Progress = lambda *_: None,
) -> ReadExposures:
    """Read the records of the predictions that count. Segments that are damaged are left out, as when joining.

    Raises:
        OSError, ChurnError: as `read_records`.
    """
    wanted = {prediction.prediction_id: prediction for prediction in list_counted(joined)}
    if experiment is not None:
        wanted = {made: prediction for made, prediction in wanted.items() if prediction.experiment == experiment}
    with_key = {made: prediction for made, prediction in wanted.items() if prediction.subscriber}
    names = contract.feature_names()
    rows: dict[str, _Row | None] = {}
    columns = [*READ, *(FEATURE + name for name in names)]
    for batch in read_records(places, columns, damaged=[], progress=progress):
        rows |= _read_rows(batch, with_key, contract)
    clear = sorted((row for row in rows.values() if row), key=lambda row: row.prediction.time)
    return ReadExposures(
        _build_exposures(clear, names),
        np.array([row.prediction.left is not None for row in clear], dtype=bool),
        without_key=len(wanted) - len(with_key),
        unclear=len(rows) - len(clear),
        unread=len(with_key) - len(rows),
    )


def list_counted(joined: JoinedOutcomes) -> Iterator[LabelledPrediction]:
    """List the predictions that count: of each experiment the cohort, and others with an outcome."""
    asked = set()
    for cohort in joined.group_by_experiment():
        asked |= {(cohort.experiment, identity) for identity in cohort.members}
        yield from cohort.members.values()
    draws, first = joined.complete_draws(), dict[tuple[str | None, str], LabelledPrediction]()
    for (logged, identity), prediction in joined.unasked.items():
        draw = draws[logged]
        key = (draw.experiment, identity)
        if key not in asked and (key not in first or prediction.time < first[key].time):
            first[key] = prediction._replace(experiment=draw.experiment, holdout_share=draw.holdout_share)
    yield from first.values()


def _read_rows(
    batch: RecordBatch, wanted: Mapping[str, LabelledPrediction], contract: type[Contract]
) -> dict[str, _Row | None]:
    """Return by its id each wanted prediction of a batch; None if its record does not say enough."""
    own = [at for at, made in enumerate(values_from_batch(batch, "prediction_id")) if made in wanted]
    if not own:
        return {}
    batch = take_rows(batch, own)
    features = stack_numbers(batch, FEATURE, contract.feature_names())
    groups = {spec.name: spec.group for spec in contract.features}
    columns = {name: values_from_batch(batch, name) for name in READ}
    rows: dict[str, _Row | None] = {}
    for at, values in enumerate(zip(*columns.values(), strict=True)):
        record = dict(zip(columns, values, strict=True))
        prediction = wanted[record["prediction_id"]]
        taken, chances = _find_taken(record), _find_chances(record, prediction.holdout_share)
        if chances is None or not chances.get(taken):
            rows[prediction.prediction_id] = None
            continue
        codes = record.get("withheld_reasons") or record["shown_reasons"]
        rows[prediction.prediction_id] = _Row(
            prediction,
            features[at],
            record["threshold"],
            record["policy_sha256"],
            record["arm"] == "holdout",
            tuple(groups[code.partition(".")[0]] for code in codes if code.partition(".")[0] in groups),
            taken,
            chances,
        )
    return rows


def _find_taken(record: Mapping[str, Any]) -> str:
    """Say which action was taken. A record of a version before does not name it, and has only what was shown."""
    if record["arm"] == "holdout":
        return NOTHING
    if action := record.get("action"):
        return str(action)
    return str(record["offer"] or (BANNER_ALONE if record["shown_reasons"] else NOTHING))


def _find_chances(record: Mapping[str, Any], holdout_share: float | None) -> dict[str, float] | None:
    """Return the chance of each action, with that to be held out; None if the record does not say it."""
    logged = dict(zip(record["actions"], record["action_propensities"], strict=True))
    if logged == {NOTHING: 1.0}:
        return logged
    if not logged or record["arm"] not in ARMS or holdout_share is None:
        return None
    chances = {action: (1 - holdout_share) * chance for action, chance in logged.items()}
    chances[NOTHING] = chances.get(NOTHING, 0.0) + holdout_share
    return chances


def _build_exposures(rows: Sequence[_Row], feature_names: Sequence[str]) -> Exposures:
    actions = tuple(dict.fromkeys([NOTHING, BANNER_ALONE, *(code for row in rows for code in row.chances)]))
    predictions = [row.prediction for row in rows]

    def number(name: str) -> Numbers:
        return np.array([getattr(prediction, name) for prediction in predictions], dtype=float)  # None becomes NaN

    def texts(values: Sequence[str | None]) -> Any:
        return np.array([*values, None], dtype=object)[:-1]

    return Exposures(
        actions=actions,
        feature_names=tuple(feature_names),
        time=np.array([prediction.time for prediction in predictions], dtype=np.int64),
        identity=texts([prediction.identity for prediction in predictions]),
        experiment=texts([prediction.experiment for prediction in predictions]),
        model_version=texts([prediction.model_version for prediction in predictions]),
        policy_sha256=texts([row.policy_sha256 for row in rows]),
        features=np.array([row.features for row in rows], dtype=float).reshape(len(rows), len(feature_names)),
        probability=number("probability"),
        threshold=np.array([row.threshold for row in rows], dtype=float),
        holdout_share=number("holdout_share"),
        held_out=np.array([row.is_held_out for row in rows], dtype=bool),
        propensities=np.array([[row.chances.get(action, 0.0) for action in actions] for row in rows]).reshape(
            len(rows), len(actions)
        ),
        taken=np.array([actions.index(row.taken) for row in rows], dtype=np.int64),
        reasons=[row.reasons for row in rows],
        left=np.array([bool(prediction.left) for prediction in predictions], dtype=bool),
        accepted=number("accepted"),
        paid=number("paid"),
        days_until_left=np.array([_count_days(prediction) for prediction in predictions], dtype=float),
    )


def _count_days(prediction: LabelledPrediction) -> float:
    if not prediction.left or prediction.left_on is None:
        return np.nan
    return float(prediction.left_on.toordinal() - EPOCH_DAY - prediction.time // DAY_US)
