"""Build requests to the service and read its replies. No network: both clients share this module."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from http import HTTPStatus
from typing import Any, NotRequired, TypedDict, Unpack

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from churn.answers import BannerEventName, EventsTaken, RetentionAnswer
from churn.errors import Nonsense, Refused, SettingsError, Unavailable

MOST_BYTES = 1_048_576
# A service refuses connections for a moment while it restarts.
RECONNECT_PAUSE_S = 0.02
KEY = re.compile(r"[!-~]{1,128}")
API_KEY = re.compile(r"[!-~]{1,200}")
LANGUAGE = re.compile(r"[ -~]{1,256}")
SECONDS = re.compile(r"[0-9]{1,9}")


class Asked(TypedDict, total=False):
    """What a caller may add to the subscriber; None adds nothing."""

    subscriber_key: str | None  # opaque, 1 to 128 visible ASCII characters; assigns the arm
    last_offer: date | None  # when the subscriber last accepted an offer
    language: str | None  # as in Accept-Language
    reasons: int | None  # number of top_reasons, three by default


class Reported(TypedDict, total=False):
    """What a caller may add to an event; None adds nothing."""

    time: datetime | None  # when it happened, with its offset; the service notes its own time anyway
    model_version: str | None  # that of the answer, by which /metrics counts
    subscriber_key: str | None  # as in `Asked`


class Health(TypedDict):
    """The health of a service whose model has just answered."""

    status: str
    model_version: str
    model_path: str
    threshold: NotRequired[float]  # the banner is shown above it; services of earlier versions do not say
    threshold_from: NotRequired[str]


class _FieldError(TypedDict):
    field: str
    message: str


class _Problem(TypedDict):
    detail: str
    errors: NotRequired[list[_FieldError]]


@dataclass(frozen=True)
class Reply:
    """A reply. Header names are in lower case; a body of more than MOST_BYTES may be cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class NoReply:
    """The connection failed, before or after it was made."""

    connected: bool


@dataclass(frozen=True)
class Call[T]:
    """A request, and the shape of its answer."""

    method: str
    path: str
    shape: TypeAdapter[T]
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None

    def read(self, reply: Reply | NoReply) -> T:
        """Return the answer, or raise the ClientError that says why there is none."""
        if isinstance(reply, NoReply):
            raise Unavailable(
                "the churn service hung up" if reply.connected else "the churn service takes no connection",
                instead="see whether it runs, and whether the address is right",
            )
        if reply.status == HTTPStatus.OK:
            return self._validate(reply)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable(f"the churn service answers {reply.status}", instead="see its log, or ask again later")
        if reply.status >= HTTPStatus.BAD_REQUEST:
            raise _refusal(reply)
        raise _nonsense(f"status {reply.status}")

    def _validate(self, reply: Reply) -> T:
        if reply.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise _nonsense("a content type other than application/json")
        if len(reply.body) > MOST_BYTES:
            raise _nonsense(f"more than {MOST_BYTES:,} bytes")
        # Raise from None: the causes quote the answer.
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
_TAKEN = TypeAdapter(EventsTaken)
_PROBLEM = TypeAdapter(_Problem)


def build_prediction_call(subscriber: Mapping[str, object], **asked: Unpack[Asked]) -> Call[RetentionAnswer]:
    """Build the call for a prediction. Values that fit no JSON or no header raise Refused."""
    key, last_offer = asked.get("subscriber_key"), asked.get("last_offer")
    language, reasons = asked.get("language"), asked.get("reasons")
    _require_key(key)
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


def build_event_call(prediction_id: str, event: BannerEventName, **reported: Unpack[Reported]) -> Call[EventsTaken]:
    """Build the call that reports what became of a banner. Values that fit no JSON or no header raise Refused."""
    key, moment = reported.get("subscriber_key"), reported.get("time")
    _require_key(key)
    if moment is not None and moment.utcoffset() is None:
        raise Refused(
            "time cannot be sent", instead="give one with its offset", fields={"time": "time must have its offset"}
        )
    body = {
        "prediction_id": prediction_id,
        "event": event,
        "time": None if moment is None else moment.isoformat(),
        "model_version": reported.get("model_version"),
    }
    try:
        content = json.dumps([{name: value for name, value in body.items() if value is not None}]).encode()
    except (TypeError, ValueError):
        raise Refused("the event cannot be written as JSON", instead="give strings") from None
    headers = {"Content-Type": "application/json"}
    return Call("POST", "/events", _TAKEN, headers if key is None else headers | {"X-Subscriber-Key": key}, content)


def build_headers(api_key: str | None) -> dict[str, str]:
    """Return what every call sends, the key among it if there is one. An impossible key raises SettingsError."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "churn-client"}
    if not api_key:
        return headers
    if not API_KEY.fullmatch(api_key):
        raise SettingsError("the key cannot be sent", instead="give one as `churn keys make` printed it")
    return headers | {"Authorization": f"Bearer {api_key}"}


def name_attempt(request_id: str, attempt: int) -> dict[str, str]:
    """Return the headers by which the service counts a request once, however often it is sent."""
    return {"X-Request-ID": request_id, "X-Attempt": str(attempt)}


def choose_pause(reply: Reply | NoReply) -> float | None:
    """Return the seconds to wait before sending again; None if sending again is useless."""
    match reply:
        case NoReply(connected=connected):
            return 0.0 if connected else RECONNECT_PAUSE_S
        case Reply(status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers):
            after = headers.get("retry-after", "")
            return float(after) if SECONDS.fullmatch(after) else None
    return None


def _require_key(key: str | None) -> None:
    if key is not None and not KEY.fullmatch(key):
        raise _unsendable("X-Subscriber-Key", "1 to 128 visible ASCII characters")


def _unsendable(header: str, expected: str) -> Refused:
    return Refused(
        f"{header} cannot be sent", instead=f"give {expected}", fields={header: f"{header} must be {expected}"}
    )


def _refusal(reply: Reply) -> Refused:
    try:
        problem = _PROBLEM.validate_json(reply.body)
    except ValidationError:
        problem = _Problem(detail="")
    reasons: dict[int, tuple[str, str]] = {
        HTTPStatus.UNAUTHORIZED: (
            "it wants a key that is valid now",
            "set CHURN_API_KEY to one, or give it as api_key",
        ),
        HTTPStatus.FORBIDDEN: ("the key may not be used for it", "ask the service's operators for the scope"),
    }
    why, instead = reasons.get(reply.status, ("", "see the error's detail and fields, or whether the address is right"))
    return Refused(
        f"the churn service refuses the call with status {reply.status}" + (f": {why}" if why else ""),
        instead=instead,
        status=reply.status,
        detail=problem["detail"],
        fields={error["field"]: error["message"] for error in problem.get("errors", [])},
    )


def _nonsense(what: str) -> Nonsense:
    return Nonsense(
        f"an answer that is not the churn service's: {what}",
        instead="see whether the address is right, and whether service and client are of one version",
    )
