"""What a portal reports of one banner: its shape, and what is wrong with it in words."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from churn.answers import BANNER_EVENT_NAMES, BannerEventName
from churn.contract.wording import Code, describe_kind, show_value
from churn.service.edge.problems import Problem, refuse_field

LONGEST_VERSION: Final = 128
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST, LATEST = (datetime.combine(day, time(), UTC) for day in (date.min, date.max))
CODES: Final[dict[str, Code]] = {
    "missing": "missing",
    "extra_forbidden": "unknown",
    "literal_error": "not_listed",
    "string_pattern_mismatch": "out_of_range",
}
EXPECTED: Final = {
    "prediction_id": "the 32 hex digits of an answer's prediction_id",
    "event": f"one of {', '.join(BANNER_EVENT_NAMES)}",
    "time": "a time with its offset, such as 2026-03-01T09:30:00Z, or left out",
    "model_version": f"1 to {LONGEST_VERSION} visible ASCII characters, as in the answer, or left out",
}


def us_from_text(text: object) -> int | None:
    """Return a time in microseconds since 1970; None for null.

    Raises:
        ValueError: it is no time, or does not say its offset.
    """
    if text is None:
        return None
    moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    if moment is None or moment.tzinfo is None:
        raise ValueError(text)
    # In UTC it may lie outside of all years, where nothing can be written.
    return (min(max(moment, EARLIEST), LATEST) - EPOCH) // timedelta(microseconds=1)


class BannerReport(BaseModel):
    """What happened to one banner."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    prediction_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="Of the answer that had the banner.")]
    event: BannerEventName
    time: Annotated[
        int | None,
        BeforeValidator(us_from_text),
        WithJsonSchema({"type": ["string", "null"], "format": "date-time"}),
        Field(description="When it happened, by the portal's clock."),
    ] = None
    model_version: Annotated[
        Annotated[str, Field(pattern=f"^[!-~]{{1,{LONGEST_VERSION}}}$")] | None,
        Field(description="That of the answer; it is counted by it."),
    ] = None


def read_report(row: Any, index: int) -> BannerReport:
    """Return what a row of the request reports.

    Raises:
        Problem: 422; names the first field that is wrong, and its row.
    """
    place = f"[{index}]"
    if not isinstance(row, dict):
        raise refuse_field(place, "wrong_type", f"must be an object, got {describe_kind(row)}")
    try:
        return BannerReport.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
    raise _refuse(place, str(first["loc"][0]), CODES.get(first["type"], "wrong_type"), first["input"])


def _refuse(place: str, name: str, code: Code, value: Any) -> Problem:
    match code:
        case "unknown":
            message = f"is not a field; leave it out: the fields are {', '.join(EXPECTED)}"
        case "missing":
            message = f"is missing; it must be {EXPECTED[name]}"
        case _:
            message = f"must be {EXPECTED[name]}, got {show_value(value)}"
    return refuse_field(f"{place}.{name}", code, message)
