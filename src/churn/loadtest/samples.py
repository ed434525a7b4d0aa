"""What is noted down of each request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple

NOT_SENT = "not sent"
UNANSWERED = "unanswered at the end"


class Sample(NamedTuple):
    """One counted request. All times are in seconds since the run's start.

    Args:
        intended_s: when it was due; in a closed loop, when it was sent.
        sent_s: when the client began to send it; None if it never did.
        ended_s: when the whole answer was there, or when the request was given up.
        error: what went wrong; None if it was answered with a prediction.
        model_version: the model that answered; None if none did.
    """

    intended_s: float
    sent_s: float | None
    ended_s: float
    error: str | None
    model_version: str | None

    @property
    def latency_ms(self) -> float:
        """From when the request was due: a client that was kept waiting has waited, too."""
        return (self.ended_s - self.intended_s) * 1000


@dataclass(frozen=True, slots=True)
class Run:
    """All that was measured.

    Args:
        samples: one for each counted request, in the order in which they ended.
        cpu_s: the processor time the client itself used meanwhile.
    """

    samples: Sequence[Sample]
    cpu_s: float


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
