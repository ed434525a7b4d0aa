"""How subscribers ask, where what they meet is not independent: one who fails each time, and requests sent again.

Events are drawn subscriber by subscriber, so it is known which of them are repeats. None of the service's code is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

LEAST, MOST = 5, 50  # requests of one subscriber in a row, evenly spread
MEAN = (LEAST + MOST) / 2


@dataclass(frozen=True, slots=True)
class Habit:
    """How often subscribers ask, and what follows a failure.

    Args:
        in_a_row: who asks 5 to 50 times within a minute: nobody, everybody, or who fails. Who fails, fails each time.
        retries: how often each failed request is sent again, to fail again.
        is_told: whether the service tells repeats and retries.
    """

    in_a_row: str = "nobody"
    retries: int = 0
    is_told: bool = True


ONCE: Final = Habit()


class Drawn(NamedTuple):
    """The requests of some subscribers in each run, how many failed, and which are retries, or repeats of the minute.

    All retries fail.
    """

    requests: Any
    errors: Any
    retries: Any
    repeats: Any
    repeated_errors: Any


def draw_visits(habit: Habit, subscribers: Any, share: float, random: np.random.Generator) -> Drawn:
    """Draw what so many subscribers meet in each run, of whom this share fails."""
    failing = random.binomial(subscribers, share)
    if habit.in_a_row == "nobody":
        retries = habit.retries * failing
        none = np.zeros_like(failing)
        return Drawn(subscribers + retries, failing + retries, retries, none, none)
    lengths = random.integers(LEAST, MOST, size=(*failing.shape, max(int(failing.max(initial=0)), 1)), endpoint=True)
    errors = np.where(np.arange(lengths.shape[-1]) < failing[..., None], lengths, 0).sum(axis=-1)
    answered = subscribers - failing
    if habit.in_a_row == "everybody":  # of many subscribers, so the sum is as good as normal
        spread = np.sqrt(answered * ((MOST - LEAST + 1) ** 2 - 1) / 12)
        answered = np.rint(random.normal(MEAN * answered, spread)).astype(int)
    # Who asks often asks 5 times at least, so there are no fewer requests than subscribers.
    requests = np.maximum(answered, subscribers - failing) + errors
    return Drawn(requests, errors, np.zeros_like(errors), requests - subscribers, errors - failing)
