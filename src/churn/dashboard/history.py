"""Read how a rollout went so far from its events and the evidence in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from typing import Any, Final, Literal, get_args

from pydantic import TypeAdapter, ValidationError

from churn.judging.counts import Counts
from churn.judging.findings import Finding, VerdictDecision
from churn.rollout.folding import SAMPLES
from churn.rollout.state import Event, Rollout, State
from churn.rollout.status import find_trouble

type Standing = Literal["within", "unsure", "outside"]

DECISIONS: Final = get_args(VerdictDecision.__value__)
COUNTS: TypeAdapter[Counts] = TypeAdapter(Counts)
TAIL = 0.04  # of a rollout's length, drawn after its end


class RecordedFinding(Finding):
    """A finding as the evidence has it. `low` and `high` are None if they are unknown, too."""

    __slots__ = ()

    @classmethod
    def read(cls, finding: Mapping[str, Any]) -> RecordedFinding:
        """Read a finding of the evidence. What is missing, or is no number, counts as unknown."""
        effect, low, high = (_number_from(finding.get(name)) for name in ("effect", "low", "high"))
        decision: Any = finding.get("decision")
        return cls(
            check=str(finding.get("check", "")),
            decision=decision if decision in DECISIONS else "hold",
            reason=str(finding.get("reason", "")),
            effect=effect,
            low=low,
            high=high,
            tolerance=_number_from(finding.get("tolerance")) or 0.0,
            critical=bool(finding.get("critical", True)),
            requests_stable=int(_number_from(finding.get("requests_stable")) or 0),
            requests_canary=int(_number_from(finding.get("requests_canary")) or 0),
            enough=_number_from(finding.get("enough")),
        )

    @property
    def standing(self) -> Standing:
        """Return where the interval lies: surely within the tolerance, surely outside, or neither."""
        if self.is_outside:
            return "outside"
        # A check that nobody waits for passes while nobody is sure of it.
        return "within" if self.is_within and not self.is_unsure else "unsure"


@dataclass(frozen=True, eq=False)  # each is read once, so that it is itself a key of what was drawn of it
class Observation:
    """What the judge was asked once, and what it found."""

    at: float
    state: State
    step: int
    weight_percent: int
    decision: str
    reason: str
    findings: tuple[RecordedFinding, ...]
    seen: Mapping[str, Any]

    def checks_that_are(self, standing: Standing) -> list[str]:
        """Return the names of the checks of that standing."""
        return [finding.check for finding in self.findings if finding.standing == standing]

    @cached_property
    def stable(self) -> Counts:
        """Return what the stable version had answered since the step began."""
        return _counts_from(self.seen.get("stable"))

    @cached_property
    def canary(self) -> Counts:
        """Return what the canary had answered since the step began."""
        return _counts_from(self.seen.get("canary"))

    @property
    def subscribers(self) -> int | None:
        """Return how many subscribers both versions answered; None if none were compared."""
        pairs = self.seen.get("pairs")
        number = _number_from(pairs.get("subscribers")) if isinstance(pairs, Mapping) else None
        return None if number is None else int(number)


def observation_from_event(event: Event) -> Observation | None:
    """Return the observation that an event records, if it records one."""
    verdict = event.evidence.get("verdict")
    if not isinstance(verdict, Mapping):
        return None
    return Observation(
        event.last,
        event.state,
        event.step,
        event.weight_percent,
        str(verdict.get("decision", event.decision)),
        str(verdict.get("reason", event.reason)),
        tuple(RecordedFinding.read(finding) for finding in verdict.get("findings", ())),
        event.evidence.get("seen", {}),
    )


@dataclass(frozen=True)
class History:
    """A rollout with all that happened in it, oldest first."""

    rollout: Rollout
    events: Sequence[Event]
    observations: tuple[Observation, ...]

    @property
    def last(self) -> Observation | None:
        """Return the last observation with findings, or else the last one."""
        return next((look for look in reversed(self.observations) if look.findings), self.verdict)

    @property
    def verdict(self) -> Observation | None:
        """Return the last observation."""
        return self.observations[-1] if self.observations else None

    @property
    def looks(self) -> int:
        """How often the canary was judged."""
        return sum(event.times for event in self.events if event.kind == "judged")

    @property
    def trouble(self) -> Event | None:
        """Return the trouble or alarm of the last look, if there was one."""
        return find_trouble(self.rollout, self.events)

    def weights(self, now: float) -> list[tuple[float, int]]:
        """Return the canary's share from each time on, until the end or now."""
        began, ended = self.rollout.began, self.rollout.ended
        shares = [(began, 0)]
        for event in self.events:
            if event.kind in {"stepped", "returning", "settling", "ended"} and event.weight_percent != shares[-1][1]:
                shares.append((event.at, event.weight_percent))
        last, weight = shares[-1]
        return [*shares, (ended + TAIL * (ended - began) if ended else max(now, last), weight)]

    def planned(self, now: float) -> list[tuple[float, int]]:
        """Return the share from now on if each step comes as early as the plan allows; empty without a plan."""
        rollout = self.rollout
        if rollout.state not in {State.HOLDING, State.BAKING}:
            return []
        at, shares = max(now, rollout.since + rollout.plan.hold_s(rollout.step)), [(now, rollout.weight_percent)]
        for step in range(rollout.step + 1, len(rollout.plan.steps)):
            shares.append((at, rollout.plan.steps[step].weight_percent))
            at += rollout.plan.hold_s(step)
        return [*shares, (at, shares[-1][1])]

    def merged_events(self) -> list[Event]:
        """Return the events, newest first. Equal verdicts at one share are one: the newest, with all their times."""
        groups: dict[object, list[Event]] = {}
        for event in self.events:
            key = (event.state, event.step, event.decision) if event.kind == "judged" else event.number
            groups.setdefault(key, []).append(event)
        merged = [_merge_events(events) if len(events) > 1 else events[0] for events in groups.values()]
        return sorted(merged, key=lambda event: event.order, reverse=True)


def _merge_events(events: Sequence[Event]) -> Event:
    newest = max(events, key=lambda event: event.order)
    return replace(newest, at=min(event.at for event in events), times=sum(event.times for event in events))


def thin_out[Look: (Observation, Event)](observations: Sequence[Look], most: int = SAMPLES) -> list[Look]:
    """Return at most about so many, evenly spread. The first and last of each step stay."""
    every = max(1, -(-len(observations) // most))
    return [
        look
        for at, look in enumerate(observations)
        if at % every == 0
        or at + 1 == len(observations)
        or observations[at - 1].step != look.step
        or observations[at + 1].step != look.step
    ]


def _number_from(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _counts_from(value: object) -> Counts:
    try:
        return COUNTS.validate_python(value)
    except ValidationError:  # of another version of this program
        return Counts()
