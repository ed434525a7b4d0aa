"""Banner events: what a portal reports of a banner after its prediction, and how one becomes a line of a journal.

They have journals and segments of their own, in the folders that `Places.banner_events` names. A version before would
set their lines aside as damaged. All else that is done with the log is done with them too.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple, TypedDict

from pydantic import Field, TypeAdapter
from pydantic_core import to_json

KIND: Final = "banner events"  # of a journal
COLUMNS: Final[Mapping[str, Literal["text", "time"]]] = {
    "time": "time",
    "prediction_id": "text",
    "event": "text",
    "reported_time": "time",
    "model_version": "text",
    "caller": "text",
    "subscriber": "text",
    "request_id": "text",
    "contract": "text",
}

type _Text = Annotated[str, Field(strict=True)]
type _Time = Annotated[int, Field(strict=True, ge=-62_135_596_800_000_000, lt=253_402_300_800_000_000)]  # 1 to 9999


class BannerEvent(NamedTuple):
    """One banner event. Times are in microseconds since 1970.

    Args:
        time: when the service took it.
        event: one of `answers.BANNER_EVENT_NAMES`; a later version may have more.
        reported_time: when it happened, as the portal says; its clock may be wrong.
        model_version: which version predicted, as the portal says. The record of the prediction knows it.
        caller: whose API key sent it; None where no keys are set.
        subscriber: the hashed key; None if none came, or there is no salt.
    """

    time: int
    prediction_id: str
    event: str
    reported_time: int | None = None
    model_version: str | None = None
    caller: str | None = None
    subscriber: str | None = None
    request_id: str | None = None


class EventHeader(TypedDict):
    """What the first line of a journal of banner events must have."""

    kind: Literal["banner events"]
    contract: _Text


class EventLine(TypedDict):
    """What every other line must have. It is written with all of it."""

    time: _Time
    prediction_id: _Text
    event: _Text
    reported_time: _Time | None
    model_version: _Text | None
    caller: _Text | None
    subscriber: _Text | None
    request_id: _Text | None


_LINE = TypeAdapter(EventLine)


def make_event_header(contract: str) -> bytes:
    """Make the first line of a journal."""
    return to_json({"kind": KIND, "contract": contract}) + b"\n"


def make_event_line(event: BannerEvent) -> bytes:
    """Make a line. It ends with a line break, which says that it is whole."""
    return to_json(event._asdict()) + b"\n"


def read_event_fields(line: bytes) -> Mapping[str, Any]:
    """Read a line.

    Raises:
        ValueError: the line is damaged.
    """
    return _LINE.validate_json(line)
