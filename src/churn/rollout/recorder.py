"""What a tick hands to the judge, and what it leaves in the store."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from churn.clocks import Clock, read_clock
from churn.errors import RolloutError
from churn.judging.counts import Counts, StepAnswers
from churn.judging.judge import JudgeInput, Verdict
from churn.rollout.decision import Decision
from churn.rollout.evidence import EvidenceSource
from churn.rollout.paired import Evidence
from churn.rollout.routers.router import BASELINE, TRACKS, Track
from churn.rollout.state import JUDGED, Command, Event, Reading, Rollout, State, StepCounts, TrackCounts
from churn.rollout.timekeeping import look_at_clock, tell_time

MOST_LETTERS = 2000  # of a reason, whatever others answer


class Store(Protocol):
    """Keep rollouts: `RolloutStore`, or the memory of a rollout that is only played."""

    def save(self, rollout: Rollout, event: Event | None = None, *, taken: Command | None = None) -> Rollout:
        """Write where a rollout stands now, what happened, and which command was taken."""

    def find_command(self, number: int) -> Command | None:
        """Return the command to take next."""


@dataclass(eq=False)
class Recorder:
    """Keep a rollout, and write each change of it to the store. The store's lock for the service must be held."""

    rollout: Rollout
    store: Store
    read_clock: Callable[[], Clock] = read_clock

    def look(self) -> None:
        """Begin a look at the rollout. A jump of the wall clock is on disk before anything is decided."""
        rollout, what = look_at_clock(self.rollout, self.read_clock())
        if what:
            self.save(rollout, "clock", what)
        self.rollout = rollout

    def now(self) -> float:
        """Return the rollout's time in seconds since 1970."""
        return tell_time(self.rollout, self.read_clock())

    def read_evidence(self, source: EvidenceSource | None) -> Evidence:
        """Return what both versions said of the same subscribers so far. What is left out of it is an event."""
        evidence = source.look(self.rollout) if source else Evidence(None)
        if evidence.trouble:
            self.save(self.rollout, "trouble", evidence.trouble)
        return evidence

    def save(
        self,
        rollout: Rollout,
        kind: str | None = None,
        reason: str = "",
        *,
        command: Command | None = None,
        decision: str | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        """Write where the rollout stands now, the event of that kind if any, and which command was taken."""
        rollout, event = replace(rollout, reason=rollout.reason[:MOST_LETTERS]), None
        if kind:
            stands = (rollout.state, rollout.step, rollout.weight_percent)
            at = tell_time(rollout, self.read_clock())
            event = Event(at, kind, *stands, reason[:MOST_LETTERS], decision, evidence or {})
        self.rollout = self.store.save(rollout, event, taken=command)

    def note_trouble(self, reason: str) -> None:
        """Write what went wrong at this look, if the store can be written."""
        with suppress(RolloutError):  # its last look grows old, which others see
            self.save(self.rollout, "trouble", reason)

    def save_verdict(self, judge_input: JudgeInput, verdict: Verdict, decision: Decision) -> None:
        """Write a verdict with its evidence: all that it takes to judge again."""
        evidence = {"verdict": asdict(verdict), "seen": asdict(judge_input)}
        self.save(self.rollout, "judged", decision.reason, decision=verdict.decision, evidence=evidence)


def choose_stable_counts(rollout: Rollout) -> Counts:
    """Return what the stable version answered in this step; in the bake, in the step before."""
    return rollout.stable_before if rollout.state == State.BAKING else sum_stable_counts(rollout.counts)


def sum_stable_counts(counts: TrackCounts) -> Counts:
    """Return what the stable version answered, the baseline's answers included."""
    return sum((of_track.total for track, of_track in counts.items() if track != "canary"), Counts())


def find_baseline_counts(counts: TrackCounts) -> Counts | None:
    """Return what the baseline answered; None if there is none."""
    return counts[BASELINE].total if BASELINE in counts else None


def list_answered(rollout: Rollout) -> tuple[StepAnswers, ...]:
    """List what both tracks answered in each step until now, with the one that ends."""
    if rollout.state not in JUDGED:
        return rollout.answered
    counts = rollout.counts
    answers = StepAnswers(
        sum_stable_counts(counts), counts["canary"].total, counts["stable"].earlier, find_baseline_counts(counts)
    )
    return *rollout.answered, answers


def build_judge_input(
    rollout: Rollout, counts: TrackCounts, now: float, *, canary_up: bool, complete: bool, evidence: Evidence
) -> JudgeInput:
    """Build the judge's input at `now`, in seconds since 1970.

    It holds what both tracks have answered in this step and in those before, and what both versions said of the same
    subscribers in the whole rollout.
    """
    # In the bake the stable version gets no requests, so its figures may be old. The baseline's are of the step before.
    is_baking = rollout.state == State.BAKING
    tracks: tuple[Track, ...] = ("canary",) if is_baking else TRACKS
    # Without its baseline a canary is judged as one that has none, so a bad one is still sent back.
    baseline = counts.get(BASELINE)
    is_old = baseline is not None and (baseline.gap or now - baseline.at > rollout.plan.stale_after_seconds)
    return JudgeInput(
        stable=rollout.stable_before if is_baking else sum_stable_counts(counts),
        canary=counts["canary"].total,
        weight=rollout.weight_percent,
        earlier=counts["stable"].earlier,
        age_s=max(0.0, *(now - counts[track].at for track in tracks)),
        canary_up=canary_up,
        gap=not complete or any(counts[track].gap for track in tracks),
        pairs=evidence.pairs,
        no_pairs=evidence.no_pairs,
        guardrails=evidence.guardrails,
        steps=rollout.answered,
        steps_left=rollout.plan.count_left(rollout.step),
        baseline=None if is_old and not is_baking else find_baseline_counts(counts),
    )


def start_counts(rollout: Rollout, readings: Mapping[Track, Reading], now: float, state: State) -> TrackCounts:
    """Count from these readings on. They were read before the step's share was given."""
    counts = {track: StepCounts.start_from(reading, now) for track, reading in readings.items()}
    if state == State.BAKING:
        # The bake compares with stable's answers of the step before. Only what came before that step is earlier, so
        # that no answer counts twice.
        before = rollout.counts.get("stable", StepCounts(0.0))
        counts["stable"] = replace(counts["stable"], earlier=before.earlier)
        counts |= {BASELINE: rollout.counts[BASELINE]} if BASELINE in rollout.counts else {}
    return counts
