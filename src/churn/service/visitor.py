"""What a request's headers say of who asks."""

from __future__ import annotations

import re
from datetime import date
from http import HTTPStatus
from typing import Any

from fastapi import Request

from churn.contract.language import language_codes, preferred_language
from churn.contract.wording import Code, FieldError, cut
from churn.retention.banner import Visitor
from churn.service.problems import Problem

KEY, LAST_OFFER, ACCEPT_LANGUAGE = "X-Subscriber-Key", "X-Last-Offer", "Accept-Language"
LONGEST_KEY = 128
SANE_KEY = re.compile(rf"[!-~]{{1,{LONGEST_KEY}}}")
NAMES = {name.lower().encode(): name for name in (KEY, LAST_OFFER, ACCEPT_LANGUAGE)}


def visitor_parameters() -> list[dict[str, Any]]:
    """The headers as the OpenAPI document describes them."""
    languages = ", ".join(f"`{code}`" for code in language_codes())
    return [
        _parameter(
            KEY,
            "An opaque key, always the same for one subscriber: it decides whether they are held out. "
            "Logged as a keyed hash, or not at all.",
            {"type": "string", "pattern": "^[!-~]+$", "minLength": 1, "maxLength": LONGEST_KEY},
        ),
        _parameter(
            LAST_OFFER,
            "The day on which this subscriber last accepted an offer; within the policy's cooldown there is no other.",
            {"type": "string", "format": "date"},
        ),
        _parameter(
            ACCEPT_LANGUAGE, f"Of headline, reasons and offer: one of {languages}, else English.", {"type": "string"}
        ),
    ]


def visitor_of(request: Request) -> Visitor:
    """Who asks.

    Raises:
        Problem: 422; names the header.
    """
    found: dict[str, str] = {}
    for raw, value in request.scope["headers"]:
        name = NAMES.get(raw)
        if name is None:
            continue
        text = value.decode("latin-1")
        if name not in found:
            found[name] = text
        elif name == ACCEPT_LANGUAGE:
            found[name] += f",{text}"
        else:
            raise _refusal(name, "duplicate", "is given twice; give it once")
    return Visitor(_key(found.get(KEY)), _day(found.get(LAST_OFFER)), preferred_language(found.get(ACCEPT_LANGUAGE)))


def _key(text: str | None) -> str | None:
    if text is not None and not SANE_KEY.fullmatch(text):
        raise _refusal(
            KEY, "out_of_range", f"must be 1 to {LONGEST_KEY} visible ASCII characters without spaces; hash other keys"
        )
    return text


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _refusal(
            LAST_OFFER, "wrong_type", f"must be a day as YYYY-MM-DD, got {cut(text)}; leave it out if there was none"
        ) from error


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _refusal(header: str, code: Code, message: str) -> Problem:
    error = FieldError(field=header, code=code, message=f"{header} {message}")
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.message, errors=[error])
