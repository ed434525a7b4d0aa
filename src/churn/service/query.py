"""What a request asks for beside its body."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

from fastapi import Request

from churn.contract.wording import Code, FieldError, cut
from churn.retention.reasons import TOP_REASONS
from churn.service.problems import Problem

REASONS = "reasons"
INTEGER = re.compile(r"-?[1-9][0-9]*")


def reasons_parameter(most: int) -> dict[str, Any]:
    """The parameter `reasons` as the OpenAPI document describes it."""
    return {
        "name": REASONS,
        "in": "query",
        "required": False,
        "description": "How many reasons to answer with.",
        "schema": {"type": "integer", "minimum": 0, "maximum": most, "default": TOP_REASONS},
    }


def reasons_asked_for(request: Request, *, most: int) -> int:
    """How many reasons to answer with.

    Raises:
        Problem: 422; names the parameter, which may be one that does not exist.
    """
    if not request.scope["query_string"]:
        return TOP_REASONS
    given = request.query_params.multi_items()
    for name, _ in given:
        if name != REASONS:
            raise _refusal(name, "unknown", f"is not a parameter; leave it out: the only one is {REASONS}")
    match [value for _, value in given]:
        case []:
            return TOP_REASONS
        case [value]:
            return _count(value, most)
        case _:
            raise _refusal(REASONS, "duplicate", "is given twice; give it once")


def _count(value: str, most: int) -> int:
    allowed = {str(count): count for count in range(most + 1)}
    if value not in allowed:
        code: Code = "out_of_range" if INTEGER.fullmatch(value) else "wrong_type"
        shown = json.dumps(cut(value), ensure_ascii=False)
        raise _refusal(REASONS, code, f"must be a whole number from 0 to {most}, got {shown}")
    return allowed[value]


def _refusal(parameter: str, code: Code, message: str) -> Problem:
    error = FieldError(field=cut(parameter), code=code, message=f"{cut(parameter)} {message}")
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.message, errors=[error])
