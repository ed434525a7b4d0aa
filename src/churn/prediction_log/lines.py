"""How a line of a journal is read again, and what it must have."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from pydantic import Field, TypeAdapter

from churn.prediction_log.actions import Possible, columns_from_fields
from churn.prediction_log.banner_events import KIND, EventHeader, read_event_fields
from churn.prediction_log.record import HEX_DIGITS, list_challenger_columns, list_number_columns

_Text = Annotated[str, Field(strict=True)]
_Bits = Annotated[str, Field(strict=True, pattern=r"\A[0-9a-f]*\z")]
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Day = Annotated[str, Field(strict=True, pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z")]
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
    offers: NotRequired[list[_Text] | None]
    explore_share: NotRequired[Annotated[float, Field(ge=0, le=1)] | None]
    untried: NotRequired[list[_Text] | None]
    without_offer: NotRequired[Literal["reasons", "nothing"] | None]
    policy_version: NotRequired[_Text | None]
    policy_sha256: NotRequired[_Text | None]
    experiment: NotRequired[_Text | None]
    holdout_share: NotRequired[Annotated[float, Field(ge=0, le=1)] | None]
    draw_seed: NotRequired[_Text | None]
    horizon_days: NotRequired[Annotated[int, Field(ge=1)] | None]
    verification: NotRequired[Annotated[int, Field(ge=1)] | None]


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
    withheld_offer: NotRequired[_Text]
    net: NotRequired[_Number]
    other_nets: NotRequired[list[_Number | None]]
    alone: NotRequired[_Number]
    adjustments: NotRequired[list[_Number]]
    offer_reasons: NotRequired[list[_Text]]
    action: NotRequired[_Text]
    decided_by: NotRequired[_Text]
    withheld_reasons: NotRequired[list[_Text]]
    last_offer: NotRequired[_Day]
    attempt: NotRequired[Annotated[int, Field(strict=True, ge=1, lt=2**63)]]
    language: NotRequired[_Text | None]
    policy_version: NotRequired[_Text | None]
    trace_id: NotRequired[_Text | None]
    caller_request_hash: NotRequired[_Text | None]
    challenger: NotRequired[_Bits]


_HEADER, _LINE = TypeAdapter[_Header | EventHeader](_Header | EventHeader), TypeAdapter(_Line)


def read_header(line: bytes) -> Mapping[str, Any]:
    """Read the first line of a journal, of predictions or of banner events: the values that all its records share.

    Raises:
        ValueError: the line is damaged.
    """
    return _HEADER.validate_json(line)


def read_fields(line: bytes, header: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read a line as JSON; of a prediction with the columns on its actions. Its numbers stay one text.

    Raises:
        ValueError: the line is damaged.
    """
    if header.get("kind") == KIND:
        return read_event_fields(line)
    fields = _LINE.validate_json(line)
    if len(fields["numbers"]) != HEX_DIGITS * len(list_number_columns(header["features"])):
        raise ValueError("not all numbers of a record")
    if len(fields.get("challenger", "")) not in {0, HEX_DIGITS * len(list_challenger_columns(header["features"]))}:
        raise ValueError("not all numbers of a challenger")
    has_policy = header.get("offers") is not None
    return fields | columns_from_fields(fields, Possible.from_header(header)) if has_policy else fields
