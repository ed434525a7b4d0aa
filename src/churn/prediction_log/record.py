"""The columns of the log, and how a record becomes a line of a journal and is read again."""

import hashlib
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict

from pydantic import Field, TypeAdapter
from pydantic_core import to_json

from churn.answers import PredictionAnswer, Retention
from churn.model.model import Prediction

type Column = Literal["text", "texts", "number", "flag", "time"]
type Record = dict[str, Any]
"""One record, by column, as `COLUMNS` lists them."""

FEATURE, CONTRIBUTION, CHALLENGER_CONTRIBUTION = "feature_", "contribution_", "challenger_contribution_"
PREFIXES = (FEATURE, CONTRIBUTION, CHALLENGER_CONTRIBUTION)
KEY_BYTES = 16  # enough that no two subscribers share a hashed key
COLUMNS: dict[str, Column] = {
    "prediction_id": "text",
    "time": "time",
    "request_id": "text",
    "caller_request_hash": "text",
    "trace_id": "text",
    "subscriber": "text",
    "contract": "text",
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
    "arm": "text",
    "shown_reasons": "texts",
    "offer": "text",
    "language": "text",
    "policy_version": "text",
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
OTHER_NUMBERS = ("base_value", "probability")
HEX_DIGITS = 16  # of a number in a line


_Text = Annotated[str, Field(strict=True)]
_Bits = Annotated[str, Field(strict=True, pattern=r"\A[0-9a-f]*\z")]
_Time = Annotated[int, Field(strict=True, ge=-62_135_596_800_000_000, lt=253_402_300_800_000_000)]  # years 1 to 9999


class _Header(TypedDict):
    """What the first line of a journal must have. Another version may have more."""

    features: list[_Text]
    contract: _Text
    model_version: _Text
    bundle_sha256: _Text
    threshold: Annotated[float, Field(ge=0, le=1)]
    challenger_version: NotRequired[_Text | None]
    challenger_bundle_sha256: NotRequired[_Text | None]


class _Line(TypedDict):
    """What every other line must have."""

    prediction_id: _Text
    time: _Time
    request_id: _Text
    subscriber: _Text | None
    numbers: _Bits
    reason_features: list[_Text]
    reasons: list[_Text]
    banner: Annotated[bool, Field(strict=True)]
    arm: NotRequired[_Text | None]
    shown_reasons: NotRequired[list[_Text]]
    offer: NotRequired[_Text | None]
    language: NotRequired[_Text | None]
    policy_version: NotRequired[_Text | None]
    trace_id: NotRequired[_Text | None]
    caller_request_hash: NotRequired[_Text | None]
    challenger: NotRequired[_Bits]


_HEADER, _LINE = TypeAdapter(_Header), TypeAdapter(_Line)


class Entry(NamedTuple):
    """One prediction that was answered. A line is made from it.

    Args:
        time_ns: the time of the answer, since 1970.
        key: of the subscriber, as received; the log keeps its hash, or nothing.
        retention: the content of the banner, if there is one.
        caller_request_hash: of an X-Request-ID that is no id, but free text.
    """

    time_ns: int
    prediction_id: str
    request_id: str
    key: str | None
    prediction: Prediction
    answer: PredictionAnswer
    retention: Retention | None
    trace_id: str | None = None
    caller_request_hash: str | None = None


@dataclass(frozen=True, slots=True)
class JournalHeader:
    """Values that all records of one process share.

    Args:
        features: the features' names, in the contract's order.
        bundle_sha256, challenger_bundle_sha256: the sha256 of the bundle's manifest.
        threshold: the banner is shown above this probability.
        salt: the secret that keys are hashed with; without it no key is kept in any form.
    """

    contract: str
    features: tuple[str, ...]
    model_version: str
    bundle_sha256: str
    threshold: float
    salt: str | None = None
    challenger_version: str | None = None
    challenger_bundle_sha256: str | None = None


class LineMaker:
    """Make the lines of a journal: a header with the values that all records share, then one JSON object for each.

    Each request waits for its line, so a line is cheap to make: all numbers stand in one text, as their bits.
    """

    def __init__(self, header: JournalHeader) -> None:
        self._salt = header.salt
        # IEEE 754, 64 bits each, big-endian
        self._numbers = struct.Struct(f">{len(list_number_columns(header.features))}d")
        self._challenger = struct.Struct(f">{len(list_challenger_columns(header.features))}d")
        common = {name: getattr(header, name) for name in ("features", *COMMON, *COMMON_OF_CHALLENGER)}
        self.header = to_json(common) + b"\n"

    def make_line(self, entry: Entry) -> bytes:
        """Make a line. It ends with a line break, which says that it is whole."""
        time_ns, prediction_id, request_id, key, prediction, answer, banner, trace_id, caller_hash = entry
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
        if banner:
            offer = banner["offer"]
            line["arm"] = banner["arm"]
            line["shown_reasons"] = [reason["code"] for reason in banner["reasons"]]
            line["offer"] = offer and offer["code"]
            line["language"] = banner["language"]
            line["policy_version"] = banner["policy_version"]
        if trace_id:
            line["trace_id"] = trace_id
        if caller_hash:
            line["caller_request_hash"] = caller_hash
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


def read_header(line: bytes) -> Mapping[str, Any]:
    """Read the first line of a journal: the values that all its records share.

    Raises:
        ValueError: the line is damaged.
    """
    return _HEADER.validate_json(line)


def read_fields(line: bytes, header: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read a line as JSON. Its numbers stay one text.

    Raises:
        ValueError: the line is damaged.
    """
    fields = _LINE.validate_json(line)
    if len(fields["numbers"]) != HEX_DIGITS * len(list_number_columns(header["features"])):
        raise ValueError("not all numbers of a record")
    if len(fields.get("challenger", "")) not in {0, HEX_DIGITS * len(list_challenger_columns(header["features"]))}:
        raise ValueError("not all numbers of a challenger")
    return fields


def hash_key(key: str | None, salt: str | None) -> str | None:
    """Hash a subscriber's key as the log keeps it: BLAKE2b (RFC 7693) of 128 bits with the salt, as 32 hex digits.

    HMAC-SHA-256 would be as safe, but costs each request 3 microseconds more.
    """
    if key is None or not salt:
        return None
    return hashlib.blake2b(key.encode(), key=salt.encode(), digest_size=KEY_BYTES).hexdigest()
