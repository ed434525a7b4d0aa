"""Read from the prediction log how two versions answered the same subscribers.

The canary's records hold its answers. Stable's bundle answers the same encoded values here, unless a record has its
answer already, as a challenger's. What a shadow logged before is evidence, too: there the canary was the challenger.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from arro3.core import RecordBatch

from churn.errors import ChurnError
from churn.judging.guardrails import Guardrails
from churn.judging.pairs import SCORE_PARTS, PairCounts
from churn.model.bundle import Bundle
from churn.model.pairs import Flags, ModelAnswers
from churn.model.threshold import find_threshold
from churn.prediction_log.batches import (
    numbers_from_batch,
    stack_numbers,
    take_rows,
    us_from_time,
    values_from_batch,
)
from churn.prediction_log.following import LogFollower
from churn.prediction_log.places import Places
from churn.prediction_log.reader import describe_left_out
from churn.prediction_log.record import CHALLENGER_CONTRIBUTION, CONTRIBUTION, FEATURE
from churn.rollout.first_answers import MOST_SUBSCRIBERS, FirstAnswers, flag_parts, keys_from_subscribers
from churn.rollout.net_values import NetValueReader

SHADOW = timedelta(days=14)  # how long before a rollout a shadow's records count
LOOK_S = 5.0  # a look begins no further file after this time; the next look goes on
LIST_S = 60.0  # a bucket is not asked more often, since a segment takes longer to close
WITHOUT = "or judge without the model's checks: model_checks = false in the plan"
SWITCH_ON_KEYS = "set PREDICTION_LOG_SALT where the service runs, and have its callers send X-Subscriber-Key"
CHALLENGER_PROBABILITY = "challenger_probability"
NAMES = (
    *("bundle_sha256", "challenger_bundle_sha256", "subscriber", "time"),
    *("threshold", "probability", CHALLENGER_PROBABILITY),
)
SAME_PLACE = "see that PREDICTION_LOG names the same place here and where the service runs"


class Evidence(NamedTuple):
    """What is known of both versions' answers.

    Args:
        pairs: the counts over all subscribers so far; None if there are none.
        no_pairs: why there are none, and what to switch on.
        trouble: what was left out of it at this look; empty if nothing was.
        guardrails: what the business got; None if nobody looks.
    """

    pairs: PairCounts | None
    no_pairs: str = ""
    trouble: str = ""
    guardrails: Guardrails | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The two bundles of a rollout, and since when the canary answers.

    Args:
        canary: None if it is not here; then no shadow's records count, since its threshold is not known.
        threshold: that the operator sets for both; None if the bundles have their own.
    """

    stable: Bundle
    canary_version: str
    canary_sha256: str
    canary: Bundle | None
    began: datetime
    threshold: float | None = None


@dataclass(eq=False)
class PairReader:
    """Count pairs from a log, at each look what is new in it.

    Args:
        most: beyond so many subscribers no more are counted.
        has_guardrails: whether net values are read, too.
    """

    places: Places
    versions: Versions
    most: int = MOST_SUBSCRIBERS
    has_guardrails: bool = True
    without_key: int = field(default=0, init=False)
    is_other_contract: bool = field(default=False, init=False)
    listed_s: float = field(default=float("-inf"), init=False)

    def __post_init__(self) -> None:
        self._contract = self.versions.stable.model.contract
        self._features = self._contract.feature_names()
        self._first = FirstAnswers(self._contract, self.most)
        self._net_values = NetValueReader(self.places, self.versions.stable, self.versions.canary)
        self._log = LogFollower(self.places, self.versions.began - SHADOW, self._wants)

    def look(self) -> Evidence:
        """Read what is new, for some seconds at most, and return the counts so far."""
        trouble, now_s = "", time.monotonic()
        if not self.places.is_remote or self._log.is_behind or now_s - self.listed_s >= LIST_S:
            self.listed_s = now_s
            try:
                for batch in self._log.read_new(lambda: time.monotonic() - now_s > LOOK_S):
                    self._add(batch)
                trouble = describe_left_out(self._log.damaged)
            except (ChurnError, OSError) as error:
                trouble = f"the prediction log cannot be read: {error}"
            except Exception as error:  # noqa: BLE001 - whatever a log holds, the canary is judged by all else
                trouble = f"the prediction log holds what cannot be read: {error!r}"
        if len(self._first):
            return Evidence(self._first.count(), trouble=trouble, guardrails=self._count_guardrails())
        why = trouble or self._describe_none()
        return Evidence(None, why, trouble, Guardrails(no_net_value=why) if self.has_guardrails else None)

    def _count_guardrails(self) -> Guardrails | None:
        if not self.has_guardrails:
            return None
        return Guardrails(self._net_values.count(self._first.values), self._net_values.why)

    def _describe_none(self) -> str:
        canary, where = self.versions.canary_version, self.places.where
        if self.is_other_contract:
            stable = self.versions.stable.model.version
            return f"{stable} cannot answer the records of {canary}, since the contract has changed; {WITHOUT}"
        if self.without_key:
            return f"none of {self.without_key:,} records of {canary} in {where} names a subscriber; {SWITCH_ON_KEYS}"
        late = ", since it is written when its segment closes" if self.places.is_remote else ""
        return f"no record of {canary} since the rollout began is in {where} yet{late}; {SAME_PLACE}"

    def _wants(self, header: Mapping[str, Any]) -> bool:
        return self._is_evidence(header["bundle_sha256"], header.get("challenger_bundle_sha256"))

    def _is_evidence(self, answered: str, challenger: str | None) -> bool:
        """Return whether one of the two bundles answered, and the other one did or can answer the same."""
        stable, canary = self.versions.stable.sha256, self.versions.canary_sha256
        return answered == canary or ((answered, challenger) == (stable, canary) and self.versions.canary is not None)

    def _add(self, batch: RecordBatch) -> None:
        # All records of a batch are of one process, which has one champion and one challenger.
        if not set(NAMES) <= set(batch.column_names):
            return  # of an earlier version of the log
        answered, challenger = (values_from_batch(batch, name)[0] for name in NAMES[:2])
        if not self._is_evidence(answered, challenger):
            return
        if not {FEATURE + name for name in self._features} <= set(batch.column_names):
            self.is_other_contract = True
            return
        is_shadow = answered != self.versions.canary_sha256
        subscribers, times_us = values_from_batch(batch, "subscriber"), numbers_from_batch(batch, "time")
        counts = times_us >= us_from_time(self.versions.began - SHADOW if is_shadow else self.versions.began)
        if is_shadow:
            counts &= ~np.isnan(numbers_from_batch(batch, CHALLENGER_PROBABILITY))
        has_key = np.array([key is not None for key in subscribers])
        self.without_key += 0 if is_shadow else int((counts & ~has_key).sum())
        rows = np.flatnonzero(counts & has_key)
        keys = keys_from_subscribers([subscribers[row] for row in rows])
        chosen = self._first.choose(keys, times_us[rows])
        if len(chosen):
            records = take_rows(batch, rows[chosen])
            flags = self._flag_shadowed(records) if is_shadow else self._flag_answered(records, challenger)
            values = None
            if self.has_guardrails:
                has_banner = flags[0 if is_shadow else 1][:, len(SCORE_PARTS)]
                values = self._net_values.read(records, keys[chosen], has_banner, is_shadow=is_shadow)
            self._first.put(keys[chosen], times_us[rows[chosen]], *flags, values)

    def _flag_answered(self, records: RecordBatch, challenger: str | None) -> tuple[Flags, Flags]:
        """Say in which parts the canary's answers are, and stable's to the same values."""
        stable = self.versions.stable
        answers = self._read_answers(records, "challenger_", CHALLENGER_CONTRIBUTION)
        missing = np.isnan(answers.probability) | (challenger != stable.sha256)
        if missing.any():
            values = stack_numbers(records, FEATURE, self._features)[missing]
            answered = stable.model.predict_encoded([tuple(row) for row in values.tolist()])
            answers.probability[missing] = [prediction.probability for prediction in answered]
            answers.contributions[missing] = [prediction.contributions for prediction in answered]
        theirs = self._read_answers(records, "", CONTRIBUTION)
        return (
            flag_parts(theirs, numbers_from_batch(records, "threshold"), self._contract),
            flag_parts(answers, find_threshold(stable.model, self.versions.threshold).probability, self._contract),
        )

    def _flag_shadowed(self, records: RecordBatch) -> tuple[Flags, Flags]:
        """Say in which parts the canary's answers as a challenger are, and stable's."""
        assert self.versions.canary is not None  # noqa: S101 - else a shadow's records are no evidence
        threshold = find_threshold(self.versions.canary.model, self.versions.threshold).probability
        challenger = self._read_answers(records, "challenger_", CHALLENGER_CONTRIBUTION)
        answers = self._read_answers(records, "", CONTRIBUTION)
        return (
            flag_parts(challenger, threshold, self._contract),
            flag_parts(answers, numbers_from_batch(records, "threshold"), self._contract),
        )

    def _read_answers(self, records: RecordBatch, prefix: str, contribution: str) -> ModelAnswers:
        probability = np.array(numbers_from_batch(records, f"{prefix}probability"), dtype=float)
        return ModelAnswers(probability, stack_numbers(records, contribution, self._features))
