"""Read from the prediction log what the offers of two versions are expected to bring, from the same subscribers.

A record has the net value of each action that was possible, and how likely each was. On the same values, the other
version's bundle decides here, by the policy of that version. Each version values what it would do itself. Where one has
an uplift, it values both: the canary's, or stable's if the canary has none. Else each would be its own judge.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from arro3.core import RecordBatch

from churn.contract.catalogues import list_languages
from churn.errors import ChurnError, DataError
from churn.judging.net_value import STEPS, NetValues
from churn.model.bundle import Bundle
from churn.model.manifest import REFERENCE
from churn.model.model import ChurnModel
from churn.model.pairs import Flags, Numbers, Whole
from churn.prediction_log.actions import Possible, add_decision, columns_from_fields
from churn.prediction_log.batches import rows_from_batch, values_from_batch
from churn.prediction_log.places import Places
from churn.prediction_log.policies import name_policy
from churn.prediction_log.reader import read_kept_policy, walk_log
from churn.prediction_log.record import Record, day_from_ns, values_from_record
from churn.retention.banner import Visitor, decide_banner
from churn.retention.offers.policy import Policy, build_policy, parse_policy
from churn.retention.offers.selection import find_largest_net
from churn.rollout.first_answers import UNREAD, Keys

MOST_FILES = 10  # of the log, the newest, in which stable's policy is looked for
TIMES_USUAL = 2  # the largest price that is counted, as a multiple of what nine of ten subscribers pay at most
WITHOUT = "or judge without them: guardrails = false in the plan"


@dataclass(eq=False)
class NetValueReader:
    """Read the net values of records of both versions.

    Args:
        canary: None if its bundle is not here. Then no shadow's records are read.
        why: the latest reason why a subscriber's values could not be read; empty if all could.
    """

    places: Places
    stable: Bundle
    canary: Bundle | None
    why: str = field(default="", init=False)
    _policies: dict[str, Policy] = field(default_factory=dict, init=False)
    _stable_policy: Policy | None = field(default=None, init=False)

    def read(self, records: RecordBatch, keys: Keys, has_banner: Flags, *, is_shadow: bool) -> Whole:
        """Return a number for each of n subscribers that stands for both values, or UNREAD, (n,).

        Args:
            records: one of each subscriber, all of one process.
            has_banner: by the version that did not answer: stable, or in a shadow's records the canary.
        """
        try:
            stable_policy = self._find_stable_policy()
            if is_shadow and self.canary:
                other, policy = self.canary.model, self._find_policy(values_from_batch(records, "policy_sha256")[0])
            else:
                other, policy = self.stable.model, stable_policy
        except (ChurnError, OSError) as error:
            self.why = f"{error}; {getattr(error, 'instead', None) or WITHOUT}"
            return np.full(len(keys), UNREAD)
        answered, decided = self._expect_all(records, has_banner, other, policy, is_shadow=is_shadow)
        canary, stable = (decided, answered) if is_shadow else (answered, decided)
        return encode_values(canary, stable, keys, self._find_largest(stable_policy))

    def count(self, codes: Whole) -> NetValues | None:
        """Count the values of subscribers; None if nobody knows how large one may be."""
        policy = self._stable_policy
        if policy is None:
            return None
        known, times = np.unique(codes[codes != UNREAD], return_counts=True)
        steps = zip(*(part.tolist() for part in (*divmod(known, STEPS + 1), times)), strict=True)
        return NetValues(policy.currency, self._find_largest(policy), tuple(steps), int((codes == UNREAD).sum()))

    def _expect_all(
        self, records: RecordBatch, has_banner: Flags, model: ChurnModel, policy: Policy, *, is_shadow: bool
    ) -> tuple[Numbers, Numbers]:
        """Return for each record what was expected by who answered, and what is by this model and policy."""
        answered, decided = np.full((2, len(has_banner)), np.nan)
        for at, record in enumerate(rows_from_batch(records)):
            try:
                expected = expect_answered(record), expect_decided(record, model, policy, has_banner=has_banner[at])
                answered[at], decided[at] = value_both(*expected, is_second_canary=is_shadow)
            except DataError as error:
                self.why = f"{error}; {error.instead}"
            except (KeyError, ValueError, TypeError, IndexError) as error:
                self.why = f"the record {record['prediction_id']} cannot be decided on again: {error!r}; {WITHOUT}"
        return answered, decided

    def _find_stable_policy(self) -> Policy:
        """Find the policy of stable's newest record, once."""
        if self._stable_policy is None:
            self._stable_policy = self._find_policy(find_policy_sha256(self.places, self.stable))
        return self._stable_policy

    def _find_policy(self, sha256: str | None) -> Policy:
        if sha256 is None:
            version = self.stable.model.version
            raise DataError(
                f"no record of {version} in {self.places.where} says by which policy it decides", instead=WITHOUT
            )
        if sha256 not in self._policies:
            contract = self.stable.model.contract
            file = parse_policy(read_kept_policy(self.places, sha256), Path(name_policy(sha256)))
            self._policies[sha256] = build_policy(file, contract, languages=list_languages(contract))
        return self._policies[sha256]

    def _find_largest(self, policy: Policy) -> float:
        return find_largest_net(policy, find_largest_price(self.stable, policy))


def encode_values(canary: Numbers, stable: Numbers, keys: Keys, largest: float) -> Whole:
    """Return a number for each pair of values, (n,); UNREAD where one is NaN.

    Both are rounded to a step, up or down by the subscriber's key: so the mean stays as it is, and what is equal stays
    so. A value beyond the largest counts as the largest, and one below 0, as lots may bring it, as 0.
    """
    by_chance = keys / 2.0**64
    steps = [
        np.clip(np.floor(np.nan_to_num(values) / largest * STEPS + by_chance), 0, STEPS).astype(np.int64)
        if largest > 0
        else np.zeros(len(keys), dtype=np.int64)
        for values in (canary, stable)
    ]
    return np.asarray(np.where(np.isnan(canary) | np.isnan(stable), UNREAD, steps[0] * (STEPS + 1) + steps[1]))


class Expected(NamedTuple):
    """What a version does for one subscriber, and what it expects of it.

    Args:
        propensities: how likely each action is, by its name.
        nets: what each is expected to bring.
        has_uplift: whether an uplift adjusted that.
    """

    propensities: Mapping[str, float]
    nets: Mapping[str, float]
    has_uplift: bool

    def value(self, by: Mapping[str, float]) -> float:
        """Return what is expected of what it does. An action that is not among `by` is worth what it says itself."""
        return sum(share * by.get(action, self.nets[action]) for action, share in self.propensities.items())


NO_BANNER = Expected({}, {}, has_uplift=False)


def value_both(first: Expected, second: Expected, *, is_second_canary: bool) -> tuple[float, float]:
    """Value what two versions do: each by itself, or both by one uplift, the canary's if it has one."""
    canary, stable = (second, first) if is_second_canary else (first, second)
    judge = canary if canary.has_uplift else stable if stable.has_uplift else None
    return (
        first.value(first.nets if judge is None else judge.nets),
        second.value(second.nets if judge is None else judge.nets),
    )


def expect_answered(record: Record) -> Expected:
    """Return what was done for a subscriber by the version that answered.

    It is nothing below the threshold, also where a banner was tried: the other version has none to compare.

    Raises:
        DataError: the record is of a version that logged none.
    """
    if not record["actions"]:
        raise DataError(
            f"the records of {record['model_version']} have no net values, since its program is of a version before",
            instead=f"serve it with the program of today; {WITHOUT}",
        )
    return _read_expected(record) if record["banner"] else NO_BANNER


def expect_decided(record: Record, model: ChurnModel, policy: Policy, *, has_banner: bool) -> Expected:
    """Return the same of what a model and a policy decide for a subscriber with a banner.

    Raises:
        ValueError, KeyError, TypeError, IndexError: the record does not fit the contract.
    """
    if not has_banner:
        return NO_BANNER
    specs = model.contract.features
    values = values_from_record(record, [spec.name for spec in specs])
    decoded = {spec.name: spec.decode(value) for spec, value in zip(specs, values, strict=True)}
    [prediction] = model.predict_encoded([values])
    last = record["last_offer"]
    fields: dict[str, Any] = {"arm": record["arm"]}
    decision = decide_banner(
        model,
        policy,
        model.contract.model_validate(decoded),
        prediction,
        Visitor(last_offer=None if last is None else date.fromisoformat(last)),
        today=day_from_ns(record["time"] * 1000),
    )
    add_decision(fields, decision)
    return _read_expected(columns_from_fields(fields, Possible.from_policy(policy)))


def _read_expected(columns: Mapping[str, Any]) -> Expected:
    return Expected(
        dict(zip(columns["actions"], columns["action_propensities"], strict=True)),
        dict(zip(columns["actions"], columns["action_values"], strict=True)),
        bool(columns["action_adjustments"]),
    )


def find_policy_sha256(places: Places, bundle: Bundle) -> str | None:
    """Find the policy of a bundle's newest record; None if the newest files have no record of it.

    Raises:
        OSError, ChurnError: the log cannot be read.
    """
    for number, file in enumerate(walk_log(places, newest_first=True)):
        if number >= MOST_FILES:
            break
        for batch in file.read_batches(damaged=[]):
            if values_from_batch(batch, "bundle_sha256")[0] == bundle.sha256:
                sha256: str | None = values_from_batch(batch, "policy_sha256")[-1]
                return sha256
    return None


def find_largest_price(bundle: Bundle, policy: Policy) -> float:
    """Return the largest monthly price that is counted: twice what nine of ten of the holdout pay at most.

    Where the bundle does not know its holdout, it is twice the price of the contract's example.
    """
    name = policy.document.price_field
    if name is None:
        return 0.0
    if REFERENCE in bundle.files:
        edges = json.loads(bytes(bundle.files[REFERENCE]))["features"][name]["edges"]
        if edges:
            return TIMES_USUAL * float(edges[-1])
    return TIMES_USUAL * float(bundle.model.contract.example()[name] or 0)
