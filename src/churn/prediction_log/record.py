"""The columns of the log, and how a record becomes a line of a journal."""

import hashlib
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple

from pydantic_core import to_json

from churn.answers import Arm, PredictionAnswer
from churn.model.model import Prediction
from churn.prediction_log.actions import Possible, add_decision
from churn.retention.banner import Decision

type Column = Literal["text", "texts", "number", "numbers", "count", "flag", "time"]
type Record = dict[str, Any]
"""One record, by column, as `COLUMNS` lists them."""

FEATURE, CONTRIBUTION, CHALLENGER_CONTRIBUTION = "feature_", "contribution_", "challenger_contribution_"
PREFIXES = (FEATURE, CONTRIBUTION, CHALLENGER_CONTRIBUTION)
KEY_BYTES = 16  # enough that no two subscribers share a hashed key
COLUMNS: dict[str, Column] = {
    "prediction_id": "text",
    "time": "time",
    "request_id": "text",
    "attempt": "count",
    "caller_request_hash": "text",
    "trace_id": "text",
    "subscriber": "text",
    "last_offer": "text",
    "contract": "text",
    "horizon_days": "count",
    "model_version": "text",
    "bundle_sha256": "text",
    "probability": "number",
    "base_value": "number",
    FEATURE: "number",
    CONTRIBUTION: "number",
    "reason_features": "texts",
    "reasons": "texts",
    "threshold": "number",
    "banner": "flag",
    "experiment": "text",
    "holdout_share": "number",
    "draw_seed": "text",
    "arm": "text",
    "shown_reasons": "texts",
    "verification": "count",
    "offer": "text",
    "offer_reasons": "texts",
    "withheld_offer": "text",
    "withheld_reasons": "texts",
    "action": "text",
    "decided_by": "text",
    "actions": "texts",
    "action_values": "numbers",
    "action_propensities": "numbers",
    "action_adjustments": "numbers",
    "language": "text",
    "policy_version": "text",
    "policy_sha256": "text",
    "challenger_version": "text",
    "challenger_bundle_sha256": "text",
    "challenger_probability": "number",
    "challenger_base_value": "number",
    CHALLENGER_CONTRIBUTION: "number",
}
"""All columns, in order. A name that ends in `_` stands for one column for each feature, in the contract's order."""

COMMON = ("contract", "model_version", "bundle_sha256", "threshold")
# Null where there is no challenger.
COMMON_OF_CHALLENGER = ("challenger_version", "challenger_bundle_sha256")
# Null in records of versions before.
COMMON_OF_POLICY = (
    *("policy_version", "policy_sha256", "experiment", "holdout_share", "draw_seed", "horizon_days", "verification"),
)
ADDED = (
    *(name for name in COMMON_OF_POLICY if name != "policy_version"),
    *(
        "caller_request_hash",
        "attempt",
        "last_offer",
        "withheld_offer",
        "withheld_reasons",
        "action",
        "decided_by",
        "actions",
        "action_values",
        "action_propensities",
        "action_adjustments",
        "offer_reasons",
    ),
)
"""Columns that segments of versions before do not have. They are read as null, lists as empty."""
OTHER_NUMBERS = ("base_value", "probability")
HEX_DIGITS = 16  # of a number in a line
EPOCH_DAY, DAY_NS = date(1970, 1, 1).toordinal(), 86_400 * 10**9


class Entry(NamedTuple):
    """One prediction that was answered. A line is made from it.

    Args:
        time_ns: the time of the answer, since 1970.
        key: of the subscriber, as received; the log keeps its hash, or nothing.
        decision: what was decided on the banner, if anything was.
        caller_request_hash: of an X-Request-ID that is no id, but free text.
        arm: also of a subscriber without a banner.
        last_offer: the day on which the subscriber last accepted an offer, as received.
        attempt: which try of the request it is.
    """

    time_ns: int
    prediction_id: str
    request_id: str
    key: str | None
    prediction: Prediction
    answer: PredictionAnswer
    decision: Decision | None
    trace_id: str | None = None
    caller_request_hash: str | None = None
    arm: Arm | None = None
    last_offer: date | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class JournalHeader:
    """Values that all records of one process share.

    Args:
        features: the features' names, in the contract's order.
        bundle_sha256, challenger_bundle_sha256: the sha256 of the bundle's manifest.
        threshold: the banner is shown above this probability.
        salt: the secret that keys are hashed with; without it no key is kept in any form.
        possible: what the policy may do; None if there is no policy.
        holdout_share: of the subscribers, who are shown no banner.
        draw_seed: the name by which the hash that draws is keyed.
        horizon_days: within how many days the contract's label says who left.
        verification: the number of the rule by which the banner's reasons are verified.
    """

    contract: str
    features: tuple[str, ...]
    model_version: str
    bundle_sha256: str
    threshold: float
    salt: str | None = None
    challenger_version: str | None = None
    challenger_bundle_sha256: str | None = None
    possible: Possible | None = None
    policy_version: str | None = None
    policy_sha256: str | None = None
    experiment: str | None = None
    holdout_share: float | None = None
    draw_seed: str | None = None
    horizon_days: int | None = None
    verification: int | None = None


class LineMaker:
    """Make the lines of a journal: a header with the values that all records share, then one JSON object for each.

    Each request waits for its line, so a line is cheap to make: all numbers stand in one text, as their bits.
    """

    def __init__(self, header: JournalHeader) -> None:
        self._salt = header.salt
        # IEEE 754, 64 bits each, big-endian
        self._numbers = struct.Struct(f">{len(list_number_columns(header.features))}d")
        self._challenger = struct.Struct(f">{len(list_challenger_columns(header.features))}d")
        names = ("features", *COMMON, *COMMON_OF_CHALLENGER, *COMMON_OF_POLICY)
        possible = header.possible._asdict() if header.possible else {"offers": None}
        self.header = to_json({**{name: getattr(header, name) for name in names}, **possible}) + b"\n"

    def make_line(self, entry: Entry) -> bytes:
        """Make a line. It ends with a line break, which says that it is whole."""
        time_ns, prediction_id, request_id, key, prediction, answer, decision = entry[:7]
        probability, values, contributions, base_value = prediction
        reasons = answer["top_reasons"]
        line: dict[str, Any] = {
            "prediction_id": prediction_id,
            "time": time_ns // 1000,
            "request_id": request_id,
            "subscriber": hash_key(key, self._salt),
            "numbers": self._numbers.pack(*values, *contributions, base_value, probability).hex(),
            "reason_features": [reason["feature"] for reason in reasons],
            "reasons": [reason["plain_language"] for reason in reasons],
            "banner": answer["show_retention_banner"],
        }
        if entry.arm:
            line["arm"] = entry.arm
        if decision:
            add_decision(line, decision)
            line["shown_reasons"] = [reason["code"] for reason in decision.shown["reasons"]]
            line["language"] = decision.shown["language"]
        if entry.last_offer:
            line["last_offer"] = entry.last_offer.isoformat()
        if entry.attempt:
            line["attempt"] = entry.attempt
        if entry.trace_id:
            line["trace_id"] = entry.trace_id
        if entry.caller_request_hash:
            line["caller_request_hash"] = entry.caller_request_hash
        return to_json(line) + b"\n"

    def add_challenger(self, line: bytes, challenger: Prediction) -> bytes:
        """Add the challenger's prediction to a line; it is known only later."""
        probability, _, contributions, base_value = challenger
        numbers = self._challenger.pack(*contributions, base_value, probability).hex()
        return b'%b,"challenger":"%b"}\n' % (line.removesuffix(b"}\n"), numbers.encode())


def list_number_columns(features: Sequence[str]) -> list[str]:
    """List the columns of a line's numbers, in order."""
    return [*(FEATURE + name for name in features), *(CONTRIBUTION + name for name in features), *OTHER_NUMBERS]


def list_challenger_columns(features: Sequence[str]) -> list[str]:
    """List the columns of the challenger's numbers, in order."""
    others = (f"challenger_{name}" for name in OTHER_NUMBERS)
    return [*(CHALLENGER_CONTRIBUTION + name for name in features), *others]


def list_columns(features: Sequence[str]) -> list[str]:
    """List all columns, in order."""
    by_prefix = {prefix: [prefix + name for name in features] for prefix in PREFIXES}
    return [name for column in COLUMNS for name in by_prefix.get(column, [column])]


def values_from_record(record: Record, features: Sequence[str]) -> tuple[float, ...]:
    """Return the encoded values of a record, with NaN for one that was unknown."""
    values = (record[FEATURE + name] for name in features)
    return tuple(math.nan if value is None else value for value in values)


def day_from_ns(time_ns: int) -> date:
    """Return the day of a time in UTC; offers hold on it."""
    return date.fromordinal(EPOCH_DAY + time_ns // DAY_NS)


def hash_key(key: str | None, salt: str | None) -> str | None:
    """Hash a subscriber's key as the log keeps it: BLAKE2b (RFC 7693) of 128 bits with the salt, as 32 hex digits.

    HMAC-SHA-256 would be as safe, but costs each request 3 microseconds more.
    """
    if key is None or not salt:
        return None
    return hashlib.blake2b(key.encode(), key=salt.encode(), digest_size=KEY_BYTES).hexdigest()
