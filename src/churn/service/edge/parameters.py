"""What a request says beside its body: how many reasons it wants, and who asks."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from fastapi import Request

from churn.answers import DAY_PATTERN
from churn.contract.catalogues import Languages
from churn.contract.wording import Code, cut
from churn.judging.metrics import TOP_REASONS
from churn.retention.banner import Visitor
from churn.service.edge.problems import refuse_field

REASONS = "reasons"
INTEGER = re.compile(r"-?[1-9][0-9]*")
KEY, LAST_OFFER, ACCEPT_LANGUAGE = "X-Subscriber-Key", "X-Last-Offer", "Accept-Language"
ATTEMPT, MOST_ATTEMPTS = "X-Attempt", 100
ATTEMPTS = {str(number): number for number in range(1, MOST_ATTEMPTS + 1)}
LONGEST_KEY = 128
KEY_SCHEMA = {"type": "string", "pattern": "^[!-~]+$", "minLength": 1, "maxLength": LONGEST_KEY}
SANE_KEY = re.compile(rf"[!-~]{{1,{LONGEST_KEY}}}")
HEADERS = {name.lower().encode(): name for name in (KEY, LAST_OFFER, ACCEPT_LANGUAGE, ATTEMPT)}


def describe_reasons(most: int) -> dict[str, Any]:
    """Return the parameter `reasons` as the OpenAPI document has it."""
    return {
        "name": REASONS,
        "in": "query",
        "required": False,
        "description": "How many reasons to answer with.",
        "schema": {"type": "integer", "minimum": 0, "maximum": most, "default": TOP_REASONS},
    }


def describe_visitor(codes: Sequence[str]) -> list[dict[str, Any]]:
    """Return the headers that say who asks, as the OpenAPI document has them; `codes` are the languages of answers."""
    languages = ", ".join(f"`{code}`" for code in codes)
    return [
        describe_header(
            KEY,
            "An opaque key, always the same for one subscriber: it decides whether they are held out. "
            "Logged as a keyed hash, or not at all.",
            KEY_SCHEMA,
        ),
        describe_header(
            LAST_OFFER,
            "The day on which this subscriber last accepted an offer; within the policy's cooldown there is no other.",
            {"type": "string", "pattern": DAY_PATTERN, "examples": ["2026-03-01"]},
        ),
        describe_header(
            ACCEPT_LANGUAGE, f"Of headline, reasons and offer: one of {languages}, else English.", {"type": "string"}
        ),
        describe_header(
            ATTEMPT,
            f"Which try of this request it is, 1 to {MOST_ATTEMPTS}: 2 if it is sent again with the same X-Request-ID. "
            "Anything else is ignored.",
            {"type": "string", "examples": ["1"]},
        ),
    ]


def read_reasons(request: Request, *, most: int) -> int:
    """Return how many reasons to answer with.

    Raises:
        Problem: 422; names the parameter, which may be one that does not exist.
    """
    if not request.scope["query_string"]:
        return TOP_REASONS
    given = request.query_params.multi_items()
    for name, _ in given:
        if name != REASONS:
            raise refuse_field(name, "unknown", f"is not a parameter; leave it out: the only one is {REASONS}")
    match [value for _, value in given]:
        case []:
            return TOP_REASONS
        case [value]:
            return _count(value, most)
        case _:
            raise refuse_field(REASONS, "duplicate", "is given twice; give it once")


def read_visitor(request: Request, languages: Languages) -> Visitor:
    """Return who asks, with one of the languages. An attempt that is no number from 1 to 100 is ignored.

    The request's state gets the key as `key`, and `is_retry` if the request is sent again.

    Raises:
        Problem: 422; names the header.
    """
    texts: dict[str, str] = {}
    for raw, value in request.scope["headers"]:
        name = HEADERS.get(raw)
        if name is None:
            continue
        text = value.decode("latin-1")
        if name not in texts:
            texts[name] = text
        elif name in {ACCEPT_LANGUAGE, ATTEMPT}:
            texts[name] += f",{text}"
        else:
            raise refuse_field(name, "duplicate", "is given twice; give it once")
    attempt = ATTEMPTS.get(texts.get(ATTEMPT, ""))
    if attempt is not None and attempt > 1:
        request.scope["state"]["is_retry"] = True
    key = _key(texts.get(KEY))
    if key is not None:
        request.scope["state"]["key"] = key
    return Visitor(
        key,
        _day(texts.get(LAST_OFFER)),
        languages.choose(texts.get(ACCEPT_LANGUAGE)),
        attempt,
    )


def read_subscriber_key(request: Request) -> str | None:
    """Return the subscriber's key; None if none came.

    Raises:
        Problem: 422; it cannot be one, or there are two.
    """
    values = [value.decode("latin-1") for name, value in request.scope["headers"] if HEADERS.get(name) == KEY]
    if len(values) > 1:
        raise refuse_field(KEY, "duplicate", "is given twice; give it once")
    return _key(values[0]) if values else None


def is_sent_again(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Say whether a request names an earlier one: by an X-Request-ID, and an X-Attempt from 2 to 100."""
    sent = [name for name, _ in headers]
    attempts = [value.decode("latin-1") for name, value in headers if HEADERS.get(name) == ATTEMPT]
    return ATTEMPTS.get(",".join(attempts), 1) > 1 and b"x-request-id" in sent


def find_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the first subscriber's key as it came, for a request that ended before its headers were read."""
    return next((value.decode("latin-1") for name, value in headers if HEADERS.get(name) == KEY), None)


def _count(value: str, most: int) -> int:
    allowed = {str(count): count for count in range(most + 1)}
    if value not in allowed:
        code: Code = "out_of_range" if INTEGER.fullmatch(value) else "wrong_type"
        shown = json.dumps(cut(value), ensure_ascii=False)
        raise refuse_field(REASONS, code, f"must be a whole number from 0 to {most}, got {shown}")
    return allowed[value]


def _key(text: str | None) -> str | None:
    if text is not None and not SANE_KEY.fullmatch(text):
        raise refuse_field(
            KEY, "out_of_range", f"must be 1 to {LONGEST_KEY} visible ASCII characters without spaces; hash other keys"
        )
    return text


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise refuse_field(
            LAST_OFFER, "wrong_type", f"must be a day as YYYY-MM-DD, got {cut(text)}; leave it out if there was none"
        ) from error


def describe_header(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a header that a caller may send, as the OpenAPI document has it."""
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}
