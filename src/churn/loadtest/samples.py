"""The sample of each request, and the check of its answer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple

NOT_SENT = "not sent"
UNANSWERED = "unanswered at the end"
INVALID = "invalid answer"


class Sample(NamedTuple):
    """One counted request. Times are seconds since the run's start."""

    intended_s: float  # when it was due; in a closed loop, when it was sent
    sent_s: float | None  # when the client began to send it, if it did
    ended_s: float  # when the whole answer was there, or the client gave up
    error: str | None  # None for a prediction
    model_version: str | None  # of a prediction

    @property
    def latency_ms(self) -> float:
        """Count from when the request was due: waiting to be sent is waiting, too."""
        return (self.ended_s - self.intended_s) * 1000


@dataclass(frozen=True, slots=True)
class Run:
    """All that was measured."""

    samples: Sequence[Sample]  # in the order in which requests ended
    cpu_s: float  # CPU time of the client


def check_answer(status: int, content: bytes) -> tuple[str | None, str | None]:
    """Return (error, None) for a bad answer, (None, model version) for a prediction."""
    if status != HTTPStatus.OK:
        return f"status {status}", None
    try:
        answer = json.loads(content)
        probability, version = answer["churn_probability"], answer["model_version"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return INVALID, None
    if type(probability) not in {int, float} or not 0 <= probability <= 1 or not isinstance(version, str):
        return INVALID, None
    return None, version
