"""From counters that begin anew when an instance does, and that are not always there, to what a track has answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from churn.judging.counts import Counts


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at one track found.

    Args:
        at: when the oldest of it was counted, in seconds since 1970.
        counts: of each instance that answered, since it started, by its name.
        missing: the instances that should have answered and did not.
        versions: of the models that they serve.
    """

    at: float
    counts: Mapping[str, Counts]
    missing: tuple[str, ...] = ()
    versions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Tally:
    """What a track has answered since a step began.

    Args:
        at: when the last of it was counted, in seconds since 1970.
        total: of all instances together.
        last: the counters of each instance, as they were read last.
        gap: whether the last reading leaves out what was answered meanwhile: an instance was not seen, or began anew.
        earlier: what its instances had answered before the step, since they started.
    """

    at: float
    total: Counts = field(default_factory=Counts)
    last: Mapping[str, Counts] = field(default_factory=dict)
    gap: bool = False
    earlier: Counts = field(default_factory=Counts)

    @classmethod
    def from_now_on(cls, reading: Reading) -> Tally:
        """Nothing answered yet; what the counters say now is what was before."""
        return cls(reading.at, last=dict(reading.counts), earlier=sum(reading.counts.values(), Counts()))

    def after(self, reading: Reading) -> Tally:
        """This tally with what a later reading adds. An instance that is new to it started meanwhile, from nothing."""
        total, anew = self.total, False
        for name, now in reading.counts.items():
            before = self.last.get(name, Counts())
            if began_anew(before, now):
                before, anew = Counts(), True
            total = total + (now - before)
        at = reading.at if reading.counts else self.at
        last = {**self.last, **reading.counts}
        return replace(self, at=at, total=total, last=last, gap=anew or bool(reading.missing))


def began_anew(before: Counts, now: Counts) -> bool:
    """Whether any counter is lower than it was."""
    return any(number < 0 for number in (now - before).numbers())
