"""What is kept of one prediction: the columns of the log, and how a record becomes a line of a journal."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from pydantic_core import from_json, to_json

from churn.answers import PredictionAnswer, Retention
from churn.model.model import Prediction

type Column = Literal["text", "texts", "number", "flag", "time"]
type Record = Mapping[str, Any]
"""One record, by column, as `COLUMNS` lists them."""

FEATURE, CONTRIBUTION, CHALLENGER_CONTRIBUTION = "feature_", "contribution_", "challenger_contribution_"
PREFIXES = (FEATURE, CONTRIBUTION, CHALLENGER_CONTRIBUTION)
# So many that no two subscribers share a hashed key.
KEY_BYTES = 16
COLUMNS: dict[str, Column] = {
    "prediction_id": "text",
    "time": "time",
    "request_id": "text",
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
"""In order. Those that end in `_` stand for a column for each feature, in the contract's order."""

COMMON = ("contract", "model_version", "bundle_sha256", "threshold")
# Null where there is no challenger.
COMMON_OF_CHALLENGER = ("challenger_version", "challenger_bundle_sha256")
OTHER_NUMBERS = ("base_value", "probability")
HEX_DIGITS = 16  # of a number in a line


class Entry(NamedTuple):
    """A prediction as the service has it when it has answered; what its line is made of."""

    time_ns: int
    prediction_id: str
    request_id: str
    key: str | None
    prediction: Prediction
    answer: PredictionAnswer
    retention: Retention | None
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class JournalHeader:
    """What all records of one process have in common.

    Args:
        contract: its name.
        features: their names, in the contract's order.
        model_version: of the bundle.
        bundle_sha256: of the bundle's manifest.
        threshold: the banner is shown above this probability.
        salt: the secret with which subscribers' keys are hashed; without one no key is kept in any form.
        challenger_version: of the challenger's bundle, where there is one.
        challenger_bundle_sha256: of its manifest.
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
    """Makes the lines of a journal: first one of what its records have in common, then one JSON object for each.

    A line costs the service microseconds of each request, so it is not a record yet: all numbers stand in one text, by
    their bits, and what is the same in all lines only in the first.
    """

    def __init__(self, source: JournalHeader) -> None:
        self._salt = source.salt
        self._numbers = _packed(list_number_columns(source.features))
        self._challenger = _packed(list_challenger_columns(source.features))
        common = {name: getattr(source, name) for name in ("features", *COMMON, *COMMON_OF_CHALLENGER)}
        self.header = to_json(common) + b"\n"

    def make_line(self, noted: Entry) -> bytes:
        """The line, with the line break that says that it is whole."""
        time_ns, prediction_id, request_id, key, prediction, answer, banner, trace_id = noted
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
        return to_json(line) + b"\n"

    def add_challenger(self, line: bytes, challenger: Prediction) -> bytes:
        """The same line with what the challenger said, which is known only later."""
        probability, _, contributions, base_value = challenger
        numbers = self._challenger.pack(*contributions, base_value, probability).hex()
        return b'%b,"challenger":"%b"}\n' % (line.removesuffix(b"}\n"), numbers.encode())


def list_number_columns(features: Sequence[str]) -> list[str]:
    """The columns of a line's numbers, in their order."""
    return [*(FEATURE + name for name in features), *(CONTRIBUTION + name for name in features), *OTHER_NUMBERS]


def list_challenger_columns(features: Sequence[str]) -> list[str]:
    """The columns of a line's numbers of the challenger, in their order."""
    others = (f"challenger_{name}" for name in OTHER_NUMBERS)
    return [*(CHALLENGER_CONTRIBUTION + name for name in features), *others]


def list_columns(features: Sequence[str]) -> list[str]:
    """All columns, in their order."""
    each = {prefix: [prefix + name for name in features] for prefix in PREFIXES}
    return [name for column in COLUMNS for name in each.get(column, [column])]


def _packed(columns: Sequence[str]) -> struct.Struct:
    """How a line's numbers are written: as IEEE 754 has them, 64 bits each, big-endian."""
    return struct.Struct(f">{len(columns)}d")


def read_header(line: bytes) -> dict[str, Any]:
    """What all records of a journal have in common, of its first line.

    Raises:
        ValueError: the line is damaged.
    """
    found = from_json(line)
    if not isinstance(found, dict) or not {"features", *COMMON} <= set(found):
        raise ValueError("not the first line of a journal")
    return found


def read_fields(line: bytes, header: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in a line, its numbers as they are written.

    Raises:
        ValueError: the line is damaged.
    """
    found = from_json(line)
    if not isinstance(found, dict):
        raise ValueError("not a record")  # noqa: TRY004 - of a file, not of a caller
    if len(found.get("numbers", "")) != HEX_DIGITS * len(list_number_columns(header["features"])):
        raise ValueError("not all numbers of a record")
    if len(found.get("challenger", "")) not in {0, HEX_DIGITS * len(list_challenger_columns(header["features"]))}:
        raise ValueError("not all numbers of a challenger")
    return found


def read_line(line: bytes, header: Mapping[str, Any]) -> Record:
    """The record of a line, its time in microseconds since 1970.

    Raises:
        ValueError: the line is damaged.
    """
    found, features = read_fields(line, header), header["features"]
    whole = {"shown_reasons": [], **header, **found}
    for name, columns in (
        ("numbers", list_number_columns(features)),
        ("challenger", list_challenger_columns(features)),
    ):
        if bits := found.get(name):
            whole |= zip(columns, _packed(columns).unpack(bytes.fromhex(bits)), strict=True)
    return {name: whole.get(name) for name in list_columns(features)}


def hash_key(key: str | None, salt: str | None) -> str | None:
    """A subscriber's key as the log keeps it: BLAKE2b (RFC 7693) of 128 bits, keyed with the salt, as 32 hex digits.

    HMAC-SHA-256 would do as well, and costs each request 3 microseconds more.
    """
    if key is None or not salt:
        return None
    return hashlib.blake2b(key.encode(), key=salt.encode(), digest_size=KEY_BYTES).hexdigest()


def column_type(name: str) -> Column:
    """The type of a column.

    Raises:
        KeyError: no record has such a column.
    """
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return COLUMNS[prefix]
    return COLUMNS[name]
