"""What is noted down of each request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
