"""A rollout as it stands: its counts, its setup, its events, and the commands that people leave for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from churn.clocks import Clock
from churn.judging.counts import REPEATS, Counts, StepAnswers
from churn.rollout.plan import Plan
from churn.rollout.routers.router import BASELINE, TRACKS, Track


class Bundle(NamedTuple):
    """What an instance says that it serves; empty texts if it does not say."""

    version: str
    sha256: str
    contract_fingerprint: str = ""


UNKNOWN = Bundle("", "")


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of one track, read once.

    Args:
        age_s: how long ago the oldest of them was counted. Another machine's clock may be wrong, so it is no time.
        counts: by instance, since the instance started.
        missing: instances that did not answer.
        served: what each instance serves, where it says so.
    """

    age_s: float
    counts: Mapping[str, Counts]
    missing: tuple[str, ...] = ()
    served: Mapping[str, Bundle] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepCounts:
    """What a track has answered since a step began.

    Args:
        at: when the last of it was counted, in seconds since 1970.
        total: of all instances together.
        last: the counters of each instance, as read last.
        gap: whether answers may be missing: in the last reading an instance was missing or had restarted.
        earlier: what the instances had answered between their start and the step.
        counts_refused: whether refusals are counted since the step began. An earlier program counted none.
        counts_minutes: the same of retries, and of repeats within a minute.
    """

    at: float
    total: Counts = field(default_factory=Counts)
    last: Mapping[str, Counts] = field(default_factory=dict)
    gap: bool = False
    earlier: Counts = field(default_factory=Counts)
    counts_refused: bool = False
    counts_minutes: bool = False

    @classmethod
    def start_from(cls, reading: Reading, now: float) -> StepCounts:
        """Begin a step: nothing is answered yet, and all that was counted so far is earlier."""
        earlier = sum(reading.counts.values(), Counts())
        at, last = now - reading.age_s, dict(reading.counts)
        return cls(at, last=last, earlier=earlier, counts_refused=True, counts_minutes=True)

    def start_anew(self, reading: Reading, now: float) -> StepCounts:
        """Forget what was answered in this step, since a wrong version answered too."""
        return replace(self.start_from(reading, now), earlier=self.earlier)

    def add(self, reading: Reading, now: float) -> StepCounts:
        """Return these counts with a later reading added. A new instance has started meanwhile, from zero."""
        total, restarted = self.total, False
        for instance, counts in reading.counts.items():
            before = self.last.get(instance, Counts())
            if not self.counts_refused:
                before = replace(before, refused=counts.refused)
            if not self.counts_minutes:
                before = replace(before, **{name: getattr(counts, name) for name in REPEATS})
            if any(number < 0 for number in (counts - before).numbers()):
                before, restarted = Counts(), True
            total = total + (counts - before)
        at = now - reading.age_s if reading.counts else self.at
        last = {**self.last, **reading.counts}
        gap = restarted or bool(reading.missing)
        return replace(self, at=at, total=total, last=last, gap=gap, counts_refused=True, counts_minutes=True)


type TrackCounts = Mapping[Track, StepCounts]


class State(StrEnum):
    """Where a rollout stands.

    `stepping`, `returning` and `finishing` name an action. After an interruption the action is done again.
    """

    STARTING = "starting"
    STEPPING = "stepping"
    HOLDING = "holding"
    BAKING = "baking"
    FINISHING = "finishing"
    RETURNING = "returning"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"
    ABORTED = "aborted"


OVER = frozenset({State.PROMOTED, State.ROLLED_BACK, State.ABORTED})
JUDGED = frozenset({State.HOLDING, State.BAKING})


@dataclass(frozen=True, slots=True)
class Setup:
    """What the start of a rollout named.

    Args:
        router, prometheus, fleet: their addresses.
        stable, canary, baseline: the addresses of the instances, or the one Prometheus selector of the track. Without
            a baseline it has none.
        registry: whether the registry's release gates are held and its alias `champion` moves.
        registered_name: of the registered model; None for the contract's own.
        on_promoted: the command that takes the old version down.
        override: why it was started outside the release window.
    """

    router: str
    prometheus: str | None = None
    stable: tuple[str, ...] = ()
    canary: tuple[str, ...] = ()
    baseline: tuple[str, ...] = ()
    fleet: str | None = None
    contract: str = ""
    registry: bool = True
    on_promoted: str | None = None
    override: str | None = None
    by: str = ""
    registered_name: str | None = None

    @property
    def places(self) -> Mapping[Track, tuple[str, ...]]:
        """Where the counts of each track are read."""
        both: dict[Track, tuple[str, ...]] = {"stable": self.stable, "canary": self.canary}
        return both | ({BASELINE: self.baseline} if self.baseline else {})


@dataclass(frozen=True, slots=True)
class Rollout:
    """A rollout as it stands.

    Args:
        number: counted from 1.
        stable, canary: the old and the new version.
        plan: as it was when the rollout began.
        step: the step to reach, counted from 0; -1 before the first.
        weight_percent: the canary's share to reach.
        since: when the state began, in seconds since 1970, as are `began` and `ended`.
        reason: why the rollout is in that state.
        ends_as: while it returns: rolled back or aborted.
        counts: what both tracks answered in this step.
        stable_before: in the bake: what the stable version answered in the step before.
        stable_sha256, canary_sha256: of the bundles; None until they are known.
        looked_at: when the controller looked last.
        mixed_since: since when some instances of the canary serve something else, if so.
        clock: what the clocks showed when the controller looked last.
        clock_jumped_at: when the wall clock was last seen to have jumped.
        clock_steady_since: since when it has run steadily; None if it has all the time.
        looks: how often a controller has looked.
        answered: what both tracks answered in each step before, oldest first. An earlier program kept none of it.
    """

    number: int
    service: str
    stable: str
    canary: str
    plan: Plan
    setup: Setup
    state: State
    step: int
    weight_percent: int
    since: float
    reason: str
    began: float
    ends_as: State | None = None
    counts: TrackCounts = field(default_factory=dict)
    stable_before: Counts = field(default_factory=Counts)
    ended: float | None = None
    stable_sha256: str | None = None
    canary_sha256: str | None = None
    looked_at: float | None = None
    mixed_since: float | None = None
    clock: Clock | None = None
    clock_jumped_at: float | None = None
    clock_steady_since: float | None = None
    looks: int = 0
    answered: tuple[StepAnswers, ...] = ()

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks that it has."""
        return (*TRACKS, BASELINE) if self.plan.has_baseline else TRACKS

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in OVER

    def summarize(self) -> dict[str, Any]:
        """Return the JSON that scripts get."""
        named = ("number", "service", "stable", "canary", "weight_percent", "reason", "stable_sha256", "canary_sha256")
        return {name: getattr(self, name) for name in named} | {
            "state": str(self.state),
            "step": self.step + 1,
            "steps": len(self.plan.steps),
            "since": text_from_time(self.since),
            "began": text_from_time(self.began),
            "ended": text_from_time(self.ended) if self.ended else None,
            "looked_at": text_from_time(self.looked_at) if self.looked_at else None,
            "clock_jumped_at": text_from_time(self.clock_jumped_at) if self.clock_jumped_at else None,
            "requests": {track: counts.total.requests for track, counts in self.counts.items()},
        }


@dataclass(frozen=True, slots=True)
class Event:
    """What happened or was decided in a rollout. What repeats is one event; `folding.py` says what is alike.

    Args:
        at: the first time, in seconds since 1970.
        kind: started, stepping, stepped, judged, routing, trouble, alarm, clock (the wall clock has jumped), wish (a
            command was taken), finishing, settling, returning or ended.
        state, step, weight_percent: of the rollout afterwards.
        reason: the latest one.
        decision, evidence: the latest verdict's, and verdict and counts, if the canary was judged.
        times: how often it happened.
        last_at: the last time; None if it happened once.
        look: the number of the look at which it happened last, which the store knows.
    """

    at: float
    kind: str
    state: State
    step: int
    weight_percent: int
    reason: str
    decision: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0
    times: int = 1
    last_at: float | None = None
    look: int = 0

    @property
    def order(self) -> tuple[int, float, int]:
        """What events are sorted by. The clock may have been set back, so the looks come first."""
        return self.look, self.last, self.number

    @property
    def last(self) -> float:
        """When it happened last."""
        return self.at if self.last_at is None else self.last_at

    def summarize(self) -> dict[str, Any]:
        """Return the JSON that scripts get."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "look"}
        times = {"at": text_from_time(self.at), "last_at": text_from_time(self.last)}
        return values | times | {"state": str(self.state), "step": self.step + 1}


@dataclass(frozen=True, slots=True)
class Command:
    """What a person asked of a rollout: to advance to the next step now, or to send all traffic back."""

    number: int
    what: Literal["promote", "abort"]
    reason: str
    at_any_hour: bool = False  # also outside the release window


def text_from_time(at: float) -> str:
    """Return a time for people and scripts, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
