"""What is known of a rollout: its plan, where it stands, and what happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import TypeAdapter

from churn.judging.counts import Counts
from churn.rollout.plan import Plan
from churn.rollout.routers.router import Track
from churn.rollout.tally import Tally

type Tallies = Mapping[Track, Tally]


class State(StrEnum):
    """Where a rollout stands.

    `stepping`, `returning` and `finishing` say what is being done, and is done again if it was interrupted.
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
class Rollout:
    """A rollout as it stands.

    Args:
        number: counted from 1.
        service: what it is a rollout of.
        stable, canary: the versions.
        plan: as it was when it began.
        where: router, source and the like, as whoever started it named them.
        state: where it stands.
        step: the plan's step that is wanted, counted from 0; -1 before the first.
        weight_percent: the canary's share that is wanted.
        since: when the state began, in seconds since 1970.
        reason: why it stands there.
        ends_as: of a rollout that is returning: rolled back or aborted.
        tallies: what both tracks answered in this step.
        reference: what the stable version answered in the step before, for the one in which it gets nothing.
        began, ended: in seconds since 1970.
    """

    number: int
    service: str
    stable: str
    canary: str
    plan: Plan
    where: Mapping[str, Any]
    state: State
    step: int
    weight_percent: int
    since: float
    reason: str
    began: float
    ends_as: State | None = None
    tallies: Tallies = field(default_factory=dict)
    reference: Counts = field(default_factory=Counts)
    ended: float | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in OVER

    def summary(self) -> dict[str, Any]:
        """What a script may want of it."""
        return {
            "number": self.number,
            "service": self.service,
            "stable": self.stable,
            "canary": self.canary,
            "state": str(self.state),
            "step": self.step + 1,
            "steps": len(self.plan.steps),
            "weight_percent": self.weight_percent,
            "since": moment(self.since),
            "reason": self.reason,
            "began": moment(self.began),
            "ended": moment(self.ended) if self.ended else None,
            "requests": {track: tally.total.requests for track, tally in self.tallies.items()},
        }


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, or was decided.

    Args:
        at: in seconds since 1970.
        kind: started, stepping, stepped, judged, routing, trouble, wish, finishing, settling, returning or ended.
        state: after it.
        step, weight_percent: then.
        decision: the verdict's, where there was one.
        reason: in words.
        evidence: verdict and counts, where it was judged.
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

    def summary(self) -> dict[str, Any]:
        """What a script may want of it."""
        return {
            "number": self.number,
            "at": moment(self.at),
            "kind": self.kind,
            "state": str(self.state),
            "step": self.step + 1,
            "weight_percent": self.weight_percent,
            "decision": self.decision,
            "reason": self.reason,
            "evidence": dict(self.evidence),
        }


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody wants of a rollout that another process carries out.

    Args:
        number: counted from 1.
        what: to go forward now, or to end it with all traffic sent back.
        reason: why.
        at_any_hour: also outside the release window.
    """

    number: int
    what: Literal["promote", "abort"]
    reason: str
    at_any_hour: bool = False


_TALLIES: TypeAdapter[dict[Track, Tally]] = TypeAdapter(dict[Track, Tally])
_COUNTS: TypeAdapter[Counts] = TypeAdapter(Counts)


def to_columns(rollout: Rollout) -> dict[str, Any]:
    """A rollout as the columns of its row."""
    return {
        "service": rollout.service,
        "stable": rollout.stable,
        "canary": rollout.canary,
        "plan": rollout.plan.model_dump_json(by_alias=True),
        "place": json.dumps(dict(rollout.where)),
        "state": str(rollout.state),
        "step": rollout.step,
        "weight_percent": rollout.weight_percent,
        "since": rollout.since,
        "reason": rollout.reason,
        "began": rollout.began,
        "ends_as": str(rollout.ends_as) if rollout.ends_as else None,
        "tallies": _TALLIES.dump_json(dict(rollout.tallies)).decode(),
        "reference": _COUNTS.dump_json(rollout.reference).decode(),
        "ended": rollout.ended,
    }


def from_columns(row: Mapping[str, Any]) -> Rollout:
    """The rollout of a row."""
    return Rollout(
        number=row["number"],
        service=row["service"],
        stable=row["stable"],
        canary=row["canary"],
        plan=Plan.model_validate_json(row["plan"]),
        where=json.loads(row["place"]),
        state=State(row["state"]),
        step=row["step"],
        weight_percent=row["weight_percent"],
        since=row["since"],
        reason=row["reason"],
        began=row["began"],
        ends_as=State(row["ends_as"]) if row["ends_as"] else None,
        tallies=_TALLIES.validate_json(row["tallies"]),
        reference=_COUNTS.validate_json(row["reference"]),
        ended=row["ended"],
    )


def moment(at: float) -> str:
    """A moment as people and scripts read it, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
