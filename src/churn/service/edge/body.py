"""From the bytes of a request to JSON, with every way in which that can fail."""

import asyncio
import re
from http import HTTPStatus
from typing import Any

import jiter
from fastapi import Request
from starlette.requests import ClientDisconnect

from churn.contract.wording import cut, describe_kind
from churn.service.edge.problems import Problem, refuse_field

BODY_TIMEOUT_S = 10.0
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
DUPLICATE_KEY = re.compile(r'Detected duplicate key "(.*)" at line \d+ column \d+$', re.DOTALL)
# Python reads no integer of more digits, since that takes quadratic time.
DIGITS = 4300
# Of commas and opening brackets in a batch. Each value of JSON has one of them, so they bound the memory; bytes do not.
SIGNS_PER_ROW = 128
LONG_NUMBER = re.compile(rb'"([^"\\]{1,100})"\s*:\s*-?\d{%d}' % DIGITS)


def require_json(request: Request) -> None:
    """Refuse a body that does not claim to be plain JSON.

    Raises:
        Problem: 415.
    """
    content_type = _header(request, b"content-type")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        got = f"got {cut(content_type)}" if content_type else "there is none"
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send the body with Content-Type: application/json; {got}")
    encoding = _header(request, b"content-encoding") or "identity"
    if encoding.lower() != "identity":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send the body uncompressed, not as {cut(encoding)}")


async def read_body(
    request: Request, *, max_bytes: int, instead: str = "send one subscriber", timeout_s: float = BODY_TIMEOUT_S
) -> bytes:
    """Read the body, and give up as soon as it is too large: memory stays bounded whatever is sent.

    Args:
        instead: what the sender of a larger body is told to do.
        timeout_s: in which the whole body must come.

    Raises:
        Problem: 413 past max_bytes, 408 past timeout_s (a body that never ends would hold up a shutdown).
        ClientDisconnect: nobody is left to answer.
    """
    declared = _header(request, b"content-length")
    if declared.isdecimal() and (len(declared) > DIGITS or int(declared) > max_bytes):
        raise _too_large(max_bytes, instead)
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                body += message.get("body", b"")
                if len(body) > max_bytes:
                    raise _too_large(max_bytes, instead)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError as error:
        raise Problem(
            HTTPStatus.REQUEST_TIMEOUT, f"the body did not arrive within {timeout_s:g} s; send it again, whole"
        ) from error


def parse_json(body: bytes, wanted: str = "one JSON object") -> Any:
    """Parse JSON, or say that `wanted` was expected. NaN and Infinity pass, so that validation can name their field.

    Raises:
        Problem: 422; names the key of a duplicate, and of a number too long to read.
    """
    try:
        return jiter.from_json(body, catch_duplicate_keys=True)
    except ValueError as error:
        raise _unreadable(body, str(error), wanted) from error


def parse_rows(body: bytes, *, max_rows: int, of: str = "subscriber") -> list[Any]:
    """Parse a JSON array of anything; an empty one lacks one `of`.

    Raises:
        Problem: 422 if it is no array, is empty, or cannot be read; 413 past max_rows, or if it holds so many values
            that it is not even read.
    """
    most_signs = SIGNS_PER_ROW * max_rows
    if sum(body.count(sign) for sign in (b",", b"{", b"[")) > most_signs:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the body has more than {most_signs:,} commas and opening brackets, more than {max_rows:,} rows need; "
            "send fewer rows",
        )
    rows = parse_json(body, "a JSON array of objects")
    if not isinstance(rows, list):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"the body must be a JSON array, got {describe_kind(rows)}")
    if not rows:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"the array is empty; send at least one {of}")
    if len(rows) > max_rows:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the array has {len(rows):,} rows; send at most {max_rows:,} in each request",
        )
    return rows


def _header(request: Request, name: bytes) -> str:
    """Return the first header of that lower-case name; empty if there is none."""
    for given, value in request.scope["headers"]:
        if given == name:
            return bytes(value).decode("latin-1")
    return ""


def _too_large(max_bytes: int, instead: str) -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {max_bytes:,} bytes; {instead}")


def _unreadable(body: bytes, reason: str, wanted: str) -> Problem:
    if duplicate := DUPLICATE_KEY.search(reason):
        return refuse_field(duplicate[1], "duplicate", "is given twice; give it once")
    if reason.startswith("number out of range") and (long := LONG_NUMBER.search(body)):
        message = f"is a number of more than {DIGITS:,} digits; send one within the field's limits"
        return refuse_field(long[1].decode(errors="replace"), "out_of_range", message)
    if not body:
        reason = "it is empty"
    elif body.startswith(BYTE_ORDER_MARK):
        reason = "it begins with a byte order mark"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"the body is not JSON: {reason}; send {wanted} in UTF-8")
