"""What can be asked of the service, and what to make of what comes back: no network, so both clients share it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from typing import Any, NotRequired, TypedDict, Unpack

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from churn.answers import RetentionAnswer
from churn.errors import Nonsense, Refused, Unavailable

MOST_BYTES = 1_048_576
# A service that is just being restarted refuses connections for a moment.
RECONNECT_PAUSE_S = 0.02
KEY = re.compile(r"[!-~]{1,128}")
LANGUAGE = re.compile(r"[ -~]{1,256}")
SECONDS = re.compile(r"[0-9]{1,9}")


class Asked(TypedDict, total=False):
    """What may be said beside the subscriber; None says nothing."""

    subscriber_key: str | None  # opaque, 1 to 128 visible ASCII characters; assigns the arm
    last_offer: date | None  # when the subscriber last accepted one
    language: str | None  # as in Accept-Language
    reasons: int | None  # how many top_reasons; without it three


class Health(TypedDict):
    """Of a service whose model has just answered a prediction."""

    status: str
    model_version: str
    model_path: str


class _FieldError(TypedDict):
    field: str
    message: str


class _Problem(TypedDict):
    detail: str
    errors: NotRequired[list[_FieldError]]


@dataclass(frozen=True)
class Reply:
    """What came back. The headers' names are in lower case; a body may be cut once it has more than MOST_BYTES."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class NoReply:
    """The connection failed, before or after it was made."""

    connected: bool


@dataclass(frozen=True)
class Call[T]:
    """A request, and the shape of the answer to it."""

    method: str
    path: str
    shape: TypeAdapter[T]
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None

    def read(self, outcome: Reply | NoReply) -> T:
        """The answer.

        Raises:
            ClientError: there is none; the class says why.
        """
        if isinstance(outcome, NoReply):
            raise Unavailable(
                "the churn service hung up" if outcome.connected else "the churn service takes no connection",
                instead="see whether it runs, and whether the address is right",
            )
        if outcome.status == HTTPStatus.OK:
            return self._shaped(outcome)
        if outcome.status == HTTPStatus.TOO_MANY_REQUESTS or outcome.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable(f"the churn service answers {outcome.status}", instead="see its log, or ask again later")
        if outcome.status >= HTTPStatus.BAD_REQUEST:
            raise _refusal(outcome)
        raise _nonsense(f"status {outcome.status}")

    def _shaped(self, reply: Reply) -> T:
        if reply.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise _nonsense("a content type other than application/json")
        if len(reply.body) > MOST_BYTES:
            raise _nonsense(f"more than {MOST_BYTES:,} bytes")
        # The causes are left out, for they quote the answer.
        try:
            return self.shape.validate_python(from_json(reply.body, allow_inf_nan=False), strict=True)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise _nonsense(f"{'.'.join(map(str, first['loc'])) or 'all of it'}: {first['msg']}") from None
        except ValueError:
            raise _nonsense("what is not JSON") from None


SCHEMA = Call("GET", "/openapi.json", TypeAdapter(dict[str, Any]))
HEALTH = Call("GET", "/health", TypeAdapter(Health))
_PREDICTION = TypeAdapter(RetentionAnswer)
_PROBLEM = TypeAdapter(_Problem)


def build_prediction_call(subscriber: Mapping[str, object], **asked: Unpack[Asked]) -> Call[RetentionAnswer]:
    """Asks for a prediction and what to show.

    Raises:
        Refused: it cannot be sent: no JSON for the subscriber, or a key or language that fits no header.
    """
    key, last_offer = asked.get("subscriber_key"), asked.get("last_offer")
    language, reasons = asked.get("language"), asked.get("reasons")
    if key is not None and not KEY.fullmatch(key):
        raise _unsendable("X-Subscriber-Key", "1 to 128 visible ASCII characters")
    if language is not None and not LANGUAGE.fullmatch(language):
        raise _unsendable("Accept-Language", "languages in ASCII, such as de")
    headers = {
        "Content-Type": "application/json",
        "X-Subscriber-Key": key,
        "X-Last-Offer": None if last_offer is None else f"{last_offer:%Y-%m-%d}",
        "Accept-Language": language,
    }
    try:
        content = json.dumps(dict(subscriber)).encode()
    except (TypeError, ValueError):
        raise Refused("the subscriber cannot be written as JSON", instead="give numbers, strings, booleans") from None
    return Call(
        "POST",
        "/predict" if reasons is None else f"/predict?reasons={reasons:d}",
        _PREDICTION,
        {name: value for name, value in headers.items() if value is not None},
        content,
    )


def choose_pause(outcome: Reply | NoReply) -> float | None:
    """Seconds to wait before the same call is worth sending again; None if it is not."""
    match outcome:
        case NoReply(connected=connected):
            return 0.0 if connected else RECONNECT_PAUSE_S
        case Reply(status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers):
            after = headers.get("retry-after", "")
            return float(after) if SECONDS.fullmatch(after) else None
    return None


def _unsendable(header: str, expected: str) -> Refused:
    return Refused(
        f"{header} cannot be sent", instead=f"give {expected}", fields={header: f"{header} must be {expected}"}
    )


def _refusal(reply: Reply) -> Refused:
    try:
        problem = _PROBLEM.validate_json(reply.body)
    except ValidationError:
        problem = _Problem(detail="")
    return Refused(
        f"the churn service refuses the call with status {reply.status}",
        instead="see the error's detail and fields, or whether the address is right",
        status=reply.status,
        detail=problem["detail"],
        fields={error["field"]: error["message"] for error in problem.get("errors", [])},
    )


def _nonsense(what: str) -> Nonsense:
    return Nonsense(
        f"an answer that is not the churn service's: {what}",
        instead="see whether the address is right, and whether service and client are of one version",
    )
