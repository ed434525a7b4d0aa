"""What is kept of one prediction: the columns of the log, and how a record becomes a line of a journal."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from pydantic_core import from_json, to_json

from churn.answers import PredictionAnswer, Retention
from churn.model import Prediction

type Column = Literal["text", "texts", "number", "flag", "time"]
type Record = Mapping[str, Any]
"""One record, by column, as `COLUMNS` lists them."""

FEATURE, CONTRIBUTION = "feature_", "contribution_"
# Of the subscriber's key, hashed: 128 bits, so that no two subscribers share one.
KEY_DIGITS = 32
COLUMNS: dict[str, Column] = {
    "prediction_id": "text",
    "time": "time",
    "request_id": "text",
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
}
"""In order. The two that end in `_` stand for a column for each feature, in the contract's order."""


class Noted(NamedTuple):
    """A prediction as the service has it when it has answered; what a record is made of, later and elsewhere."""

    time_ns: int
    prediction_id: str
    request_id: str
    key: str | None
    prediction: Prediction
    answer: PredictionAnswer
    retention: Retention | None


@dataclass(frozen=True, slots=True)
class Source:
    """What all records of one process have in common.

    Args:
        contract: its name.
        features: their names, in the contract's order.
        model_version: of the bundle.
        bundle_sha256: of the bundle's manifest.
        threshold: the banner is shown above this probability.
        salt: the secret with which subscribers' keys are hashed; without one no key is kept in any form.
    """

    contract: str
    features: tuple[str, ...]
    model_version: str
    bundle_sha256: str
    threshold: float
    salt: str | None = None


class LineMaker:
    """Makes lines of what was noted, one JSON object each, its keys in the order of the columns."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._features = tuple(FEATURE + name for name in source.features)
        self._contributions = tuple(CONTRIBUTION + name for name in source.features)

    def line(self, noted: Noted) -> bytes:
        """The line, with the line break that says that it is whole."""
        source, prediction, banner = self._source, noted.prediction, noted.retention
        reasons = noted.answer["top_reasons"]
        record = {
            "prediction_id": noted.prediction_id,
            "time": noted.time_ns // 1000,
            "request_id": noted.request_id,
            "subscriber": hashed_key(noted.key, source.salt),
            "contract": source.contract,
            "model_version": source.model_version,
            "bundle_sha256": source.bundle_sha256,
            "probability": prediction.probability,
            "base_value": prediction.base_value,
            **dict(zip(self._features, prediction.values, strict=True)),
            **dict(zip(self._contributions, prediction.contributions, strict=True)),
            "reason_features": [reason["feature"] for reason in reasons],
            "reasons": [reason["plain_language"] for reason in reasons],
            "threshold": source.threshold,
            "banner": noted.answer["show_retention_banner"],
            "arm": banner and banner["arm"],
            "shown_reasons": [reason["code"] for reason in banner["reasons"]] if banner else [],
            "offer": banner["offer"]["code"] if banner and banner["offer"] else None,
            "language": banner and banner["language"],
            "policy_version": banner and banner["policy_version"],
        }
        return to_json(record) + b"\n"


def hashed_key(key: str | None, salt: str | None) -> str | None:
    """A subscriber's key as the log keeps it: HMAC-SHA-256 (RFC 2104) with the salt, cut to 32 hex digits."""
    if key is None or not salt:
        return None
    return hmac.digest(salt.encode(), key.encode(), "sha256").hex()[:KEY_DIGITS]


def column_type(name: str) -> Column:
    """The type of a column.

    Raises:
        KeyError: no record has such a column.
    """
    for prefix in (FEATURE, CONTRIBUTION):
        if name.startswith(prefix):
            return COLUMNS[prefix]
    return COLUMNS[name]


def read_line(line: bytes) -> Record:
    """The record of a line, its time in microseconds since 1970.

    Raises:
        ValueError: the line is damaged.
    """
    record = from_json(line)
    if not isinstance(record, dict) or "prediction_id" not in record:
        raise ValueError("not a record")
    return record
