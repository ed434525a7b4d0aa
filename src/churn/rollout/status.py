"""Ask router and instances how a rollout stands at this moment, and say what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from churn.errors import ChurnError, ExitCode
from churn.rollout.decision import text_from_duration
from churn.rollout.routers.router import NEARLY_PERCENT, Router, Track
from churn.rollout.served import describe_wrong
from churn.rollout.state import JUDGED, UNKNOWN, Event, Reading, Rollout, State
from churn.rollout.timekeeping import describe_unsteady_clock

if TYPE_CHECKING:
    from churn.rollout.sources import CountSource

LATE_TICKS = 3  # a controller that has not looked for so many ticks hangs
LATE_S = 15.0  # besides, since a look itself may take a while
MEND_MISSING = "start it, see its log, or set CHURN_API_KEY if it asks for a key"
SEND_BACK = 'send all traffic back, which needs no controller: churn rollout abort --reason "why"'


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, or is not known, and what to do instead."""

    what: str
    instead: str


@dataclass(frozen=True, slots=True)
class Status:
    """A rollout as router, instances and store say now.

    Args:
        now: in seconds since 1970.
        controlled: whether a living process controls it.
        weight_percent, healthy: what the router says; empty if it does not.
        readings: what the instances say; empty if they were not asked, or nothing is known.
        unknown: what could not be asked.
    """

    rollout: Rollout
    events: Sequence[Event]
    now: float
    controlled: bool
    weight_percent: float | None = None
    healthy: dict[Track, bool] = field(default_factory=dict)
    readings: dict[Track, Reading] = field(default_factory=dict)
    unknown: tuple[Problem, ...] = ()

    @property
    def last_event(self) -> Event:
        """What happened last."""
        return max(self.events, key=lambda event: event.order)

    @property
    def subscribers_compared(self) -> int | None:
        """How many subscribers' answers by both versions the last verdict rests on; None if there are none."""
        pairs = self._seen.get("pairs")
        return pairs["subscribers"] if pairs else None

    @property
    def no_pairs(self) -> str:
        """Why there are none, and what to switch on."""
        if not self.rollout.plan.model_checks:
            return "the plan judges without the model's checks"
        return (
            str(self._seen.get("no_pairs") or "the canary was not judged yet")
            if self.subscribers_compared is None
            else ""
        )

    @property
    def _seen(self) -> Mapping[str, Any]:
        """What the judge was asked last."""
        judged = [event for event in self.events if event.evidence.get("seen")]
        return max(judged, key=lambda event: event.order).evidence["seen"] if judged else {}

    @property
    def exit_code(self) -> ExitCode:
        """How a command ends that has shown this."""
        if self.rollout.is_over:
            return ExitCode.DONE if self.rollout.state == State.PROMOTED else ExitCode.ROLLED_BACK
        if [*self.unknown, *self._find_wrong()]:
            return ExitCode.ROLLOUT_TROUBLE
        return ExitCode.DONE if self.controlled else ExitCode.NOT_OVER

    def list_problems(self) -> list[Problem]:
        """Return all that is wrong or not known, the worst first; nothing of a rollout that is over."""
        if self.rollout.is_over:
            return []
        nobody = Problem(
            "nobody controls the rollout: nothing is judged, and a bad canary would not be sent back",
            f"go on with it: churn rollout resume; or {SEND_BACK}",
        )
        return [*([] if self.controlled else [nobody]), *self.unknown, *self._find_wrong()]

    def summarize(self) -> dict[str, Any]:
        """Return the JSON that scripts get."""
        return {
            **self.rollout.summarize(),
            "controlled": self.controlled,
            "subscribers_compared": self.subscribers_compared,
            "no_pairs": self.no_pairs,
            "last": self.last_event.summarize(),
            "router": {"weight_percent": self.weight_percent, "healthy": self.healthy},
            "instances": [
                {
                    "track": track,
                    "instance": instance,
                    "answers": answers,
                    "model_version": version,
                    "bundle_sha256": sha,
                }
                for track, instance, answers, version, sha in self.list_instances()
            ],
            "problems": [{"what": problem.what, "instead": problem.instead} for problem in self.list_problems()],
        }

    def list_instances(self) -> Iterator[tuple[Track, str, bool, str | None, str | None]]:
        """Yield each instance's track and name, whether it answers, and what it serves, if it says so."""
        for track, reading in self.readings.items():
            for instance in reading.counts:
                served = reading.served.get(instance, UNKNOWN)
                yield track, instance, True, served.version or None, served.sha256 or None
            for instance in reading.missing:
                yield track, instance, False, None, None

    def _find_wrong(self) -> Iterator[Problem]:
        rollout = self.rollout
        if self.controlled and is_late(rollout, self.now):
            ago = text_from_duration(self.now - (rollout.looked_at or rollout.since))
            yield Problem(f"its controller has not looked for {ago}", f"stop that process, and resume; or {SEND_BACK}")
        for track, up in self.healthy.items():
            if not up:
                yield Problem(f"the router finds the {track} down", f"start it; or {SEND_BACK}")
        share, recorded = self.weight_percent, rollout.weight_percent
        if share is not None and rollout.state in JUDGED and abs(share - recorded) > NEARLY_PERCENT:
            instead = "its controller puts that right within a tick" if self.controlled else f"resume; or {SEND_BACK}"
            yield Problem(f"the router gives the canary {share:g} % of the requests, not {recorded} %", instead)
        yield from self._find_wrong_instances()
        if unsteady := describe_unsteady_clock(rollout, self.now):
            yield Problem(unsteady, "set the clock of the controller's machine right; the history says what it did")
        if trouble := find_trouble(rollout, self.events):
            yield Problem(f"at the last look: {trouble.reason}", f"mend it; or {SEND_BACK}")

    def _find_wrong_instances(self) -> Iterator[Problem]:
        for track, reading in self.readings.items():
            for instance in reading.missing:
                yield Problem(f"{track}: {instance} does not answer", MEND_MISSING)
            if not reading.counts and not reading.missing:
                yield Problem(f"no instance of the {track} is there", "start one")
            if self.rollout.state != State.FINISHING and (wrong := describe_wrong(self.rollout, track, reading)):
                yield Problem(wrong, "see who deployed it; start what the rollout names, or abort")


def is_late(rollout: Rollout, now: float, *, allowed_s: float = LATE_S) -> bool:
    """Return whether a controller that lives should have looked since."""
    since = rollout.since if rollout.looked_at is None else rollout.looked_at
    return now - since > late_after_s(rollout, allowed_s=allowed_s)


def late_after_s(rollout: Rollout, *, allowed_s: float = LATE_S) -> float:
    """Return how long after a look the next one is late."""
    return LATE_TICKS * rollout.plan.tick_seconds + allowed_s


def find_trouble(rollout: Rollout, events: Sequence[Event]) -> Event | None:
    """Return the trouble or alarm of the last look; None if there was none, or the rollout is over."""
    ordered = sorted(events, key=lambda event: event.order)
    looked_at = rollout.looked_at if rollout.looked_at is not None or not ordered else ordered[-1].last
    latest = [event for event in ordered if event.look == rollout.looks and event.last >= (looked_at or 0.0)]
    troubles = [event for event in latest if event.kind in {"trouble", "alarm"}]
    return troubles[-1] if troubles and not rollout.is_over else None


def ask_status(
    rollout: Rollout,
    events: Sequence[Event],
    *,
    now: float,
    controlled: bool,
    open_router: Callable[[], Router],
    open_source: Callable[[], CountSource],
) -> Status:
    """Ask the router and all instances; nobody if the rollout is over. What does not answer is named as not known."""
    if rollout.is_over:
        return Status(rollout, events, now, controlled)
    weight, healthy, readings, unknown = None, {}, {}, []
    try:
        router = open_router()
        weight, healthy = router.read_weight(), {track: router.is_healthy(track) for track in rollout.tracks}
    except ChurnError as error:
        instead = f"{error.instead or 'see its log'}; the canary's share is not known"
        unknown.append(Problem(f"the router: {error.message}", instead))
    try:
        readings = dict(open_source().read())
    except ChurnError as error:
        unknown.append(Problem(f"the instances: {error.message}", error.instead or "see their logs"))
    return Status(rollout, events, now, controlled, weight, healthy, readings, tuple(unknown))
