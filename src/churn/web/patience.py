"""Removes by age, a day late: a clock that jumps forward makes everything look old, and is mended within a day.

What is old is noted with what the clocks show. Once the machine has been seen to run for a day since then, that is
removed. If the clock is set back meanwhile, the day begins anew. Time that nobody saw, such as a restart of the
machine, does not count.
"""

from dataclasses import dataclass, replace

from churn.clocks import Clock, read_clock

__all__ = ["DAY_S", "Clock", "Note", "read_clock", "wait_a_day"]
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Note:
    """What one pass leaves for the next one.

    Args:
        before_s: what is older than this will be removed; seconds since 1970.
        clock: what the clocks showed at the pass.
        waited_s: for how long it has surely been so.
    """

    before_s: float
    clock: Clock
    waited_s: float = 0.0


def wait_a_day(note: Note | None, before_s: float, clock: Clock) -> tuple[Note, float | None]:
    """Return the note of this pass, and before when all may be removed now; None while a day is not over."""
    if note is None or before_s < note.before_s:
        return Note(before_s, clock), None
    waited_s = note.waited_s + clock.measure_since(note.clock)
    if waited_s < DAY_S:
        return replace(note, clock=clock, waited_s=waited_s), None
    return Note(before_s, clock), note.before_s
