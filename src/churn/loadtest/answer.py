"""Whether an answer is a prediction, and of which model: cheap, for it is asked of each while others wait."""

from __future__ import annotations

import json
from http import HTTPStatus

INVALID = "invalid answer"


def read_model_version(content: bytes) -> str | None:
    """The version of the model that gave this prediction; None if it is none."""
    try:
        answer = json.loads(content)
        probability, version = answer["churn_probability"], answer["model_version"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    if type(probability) not in {int, float} or not 0 <= probability <= 1 or not isinstance(version, str):
        return None
    return version


def check_answer(status: int, content: bytes) -> tuple[str | None, str | None]:
    """What is wrong with an answer, and the model version it names; exactly one of them is None."""
    if status != HTTPStatus.OK:
        return f"status {status}", None
    version = read_model_version(content)
    return (INVALID, None) if version is None else (None, version)
