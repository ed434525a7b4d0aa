"""How a rollout went so far, as its pages show it: a thin layer over what the store and the judge's evidence hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from churn.judging.counts import Counts
from churn.rollout.state import Event, Rollout, State

type Standing = Literal["within", "unsure", "outside"]

COUNTS: TypeAdapter[Counts] = TypeAdapter(Counts)
TAIL = 0.04  # of a rollout's length, drawn after its end
MOST_OBSERVATIONS = 90  # more cannot be told apart in a chart


@dataclass(frozen=True, slots=True)
class RecordedFinding:
    """What one check found once; `low` and `high` are the ends of its confidence sequence, None if unknown."""

    check: str
    decision: str
    reason: str
    effect: float | None
    low: float | None
    high: float | None
    tolerance: float
    critical: bool
    requests_stable: int
    requests_canary: int

    @classmethod
    def read(cls, finding: Mapping[str, Any]) -> RecordedFinding:
        """A finding as the evidence has it; what is missing or no number counts as unknown."""
        effect, low, high = (_number_from(finding.get(name)) for name in ("effect", "low", "high"))
        return cls(
            check=str(finding.get("check", "")),
            decision=str(finding.get("decision", "hold")),
            reason=str(finding.get("reason", "")),
            effect=effect,
            low=low,
            high=high,
            tolerance=_number_from(finding.get("tolerance")) or 0.0,
            critical=bool(finding.get("critical", True)),
            requests_stable=int(_number_from(finding.get("requests_stable")) or 0),
            requests_canary=int(_number_from(finding.get("requests_canary")) or 0),
        )

    @property
    def standing(self) -> Standing:
        """Where the interval lies: surely within the tolerance, surely outside, or neither."""
        if self.low is not None and self.low > self.tolerance:
            return "outside"
        return "within" if self.decision == "promote" else "unsure"


@dataclass(frozen=True)
class Observation:
    """One time at which the judge was asked."""

    at: float
    state: State
    step: int
    weight_percent: int
    decision: str
    reason: str
    findings: tuple[RecordedFinding, ...]
    seen: Mapping[str, Any]

    @cached_property
    def stable(self) -> Counts:
        """What the stable version had answered since the step began."""
        return _counts_from(self.seen.get("stable"))

    @cached_property
    def canary(self) -> Counts:
        """What the canary had."""
        return _counts_from(self.seen.get("canary"))


def observation_from_event(event: Event) -> Observation | None:
    """The observation that an event records, if it records one."""
    verdict = event.evidence.get("verdict")
    if not isinstance(verdict, Mapping):
        return None
    return Observation(
        event.at,
        event.state,
        event.step,
        event.weight_percent,
        str(verdict.get("decision", event.decision)),
        str(verdict.get("reason", event.reason)),
        tuple(RecordedFinding.read(each) for each in verdict.get("findings", ())),
        event.evidence.get("seen", {}),
    )


@dataclass(frozen=True)
class History:
    """A rollout with all that happened in it, oldest first."""

    rollout: Rollout
    events: Sequence[Event]
    observations: Sequence[Observation]

    @property
    def last(self) -> Observation | None:
        """The last observation at which something could be compared, else the last one."""
        return next(
            (each for each in reversed(self.observations) if each.findings),
            self.observations[-1] if self.observations else None,
        )

    @property
    def verdict(self) -> Observation | None:
        """The last observation."""
        return self.observations[-1] if self.observations else None

    @property
    def trouble(self) -> Event | None:
        """What was in the way when something last happened, if anything was."""
        last = self.events[-1] if self.events else None
        return last if last and last.kind == "trouble" and not self.rollout.is_over else None

    def weights(self, now: float) -> list[tuple[float, int]]:
        """The canary's share from each moment on, until the end or now."""
        found = [(self.rollout.began, 0)]
        for each in self.events:
            if each.kind in {"stepped", "returning", "settling", "ended"} and each.weight_percent != found[-1][1]:
                found.append((each.at, each.weight_percent))
        last, weight = found[-1]
        over = self.rollout.ended
        return [*found, (over + TAIL * (over - self.rollout.began) if over else max(now, last), weight)]

    def planned(self, now: float) -> list[tuple[float, int]]:
        """The share from now on, if every step is taken as soon as the plan allows; empty if nothing is planned."""
        rollout = self.rollout
        if rollout.state not in {State.HOLDING, State.BAKING}:
            return []
        at, found = max(now, rollout.since + rollout.plan.hold_s(rollout.step)), [(now, rollout.weight_percent)]
        for step in range(rollout.step + 1, len(rollout.plan.steps)):
            found.append((at, rollout.plan.steps[step].weight_percent))
            at += rollout.plan.hold_s(step)
        return [*found, (at, found[-1][1])]

    def checks(self) -> Iterator[tuple[RecordedFinding, list[tuple[Observation, RecordedFinding]]]]:
        """Each check as it was found last, with what it found at every observation so far."""
        if self.last is None:
            return
        kept = thin_out(self.observations)
        for latest in self.last.findings:
            found = [(each, one) for each in kept for one in each.findings if one.check == latest.check]
            yield latest, found

    def merged_events(self) -> list[tuple[Event, int]]:
        """Return the events, newest first. Equal verdicts in a row are one: the newest, with their number."""
        found: list[tuple[Event, int]] = []
        for each in self.events:
            before = found[-1][0] if found else None
            if before and before.kind == each.kind == "judged" and before.decision == each.decision:
                found[-1] = (each, found[-1][1] + 1)
            else:
                found.append((each, 1))
        return found[::-1]


def thin_out(observations: Sequence[Observation], most: int = MOST_OBSERVATIONS) -> list[Observation]:
    """So many of them, evenly spread; the first and last of each step always."""
    every = max(1, -(-len(observations) // most))
    return [
        each
        for at, each in enumerate(observations)
        if at % every == 0
        or at + 1 == len(observations)
        or observations[at - 1].step != each.step
        or observations[at + 1].step != each.step
    ]


def _number_from(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _counts_from(value: object) -> Counts:
    try:
        return COUNTS.validate_python(value)
    except ValidationError:  # of another version of this program
        return Counts()
