"""From counters that restart with their instance, and may be missing, to what a track answered in a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from churn.judging.counts import Counts


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of one track, read once.

    Args:
        at: when the oldest of them was counted, in seconds since 1970.
        counts: by instance, since the instance started.
        missing: instances that did not answer.
    """

    at: float
    counts: Mapping[str, Counts]
    missing: tuple[str, ...] = ()
    versions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StepCounts:
    """What a track has answered since a step began.

    Args:
        at: when the last of it was counted, in seconds since 1970.
        total: of all instances together.
        last: the counters of each instance, as read last.
        gap: whether answers may be missing: in the last reading an instance was missing or had restarted.
        earlier: what the instances had answered between their start and the step.
    """

    at: float
    total: Counts = field(default_factory=Counts)
    last: Mapping[str, Counts] = field(default_factory=dict)
    gap: bool = False
    earlier: Counts = field(default_factory=Counts)

    @classmethod
    def start_from(cls, reading: Reading) -> StepCounts:
        """Begin a step: nothing is answered yet, and all that was counted so far is earlier."""
        return cls(reading.at, last=dict(reading.counts), earlier=sum(reading.counts.values(), Counts()))

    def add(self, reading: Reading) -> StepCounts:
        """Return these counts with a later reading added. A new instance has started meanwhile, from zero."""
        total, restarted = self.total, False
        for instance, now in reading.counts.items():
            before = self.last.get(instance, Counts())
            if any(number < 0 for number in (now - before).numbers()):
                before, restarted = Counts(), True
            total = total + (now - before)
        at = reading.at if reading.counts else self.at
        last = {**self.last, **reading.counts}
        return replace(self, at=at, total=total, last=last, gap=restarted or bool(reading.missing))
