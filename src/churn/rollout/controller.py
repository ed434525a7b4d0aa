"""Carries a rollout out: one tick reads, judges, decides, acts, reads back and records.

What is going to be done is on disk before it is done, and doing it twice is doing it once. So whoever is killed, at
whatever point, is continued by whoever ticks next.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from churn.errors import ChurnError, RolloutError
from churn.judging.checks import Check
from churn.judging.judge import JudgeInput, Verdict
from churn.rollout.decision import Decision, Situation, decide
from churn.rollout.evidence import kept, seen, stable_counts
from churn.rollout.fleets.fleet import Fleet
from churn.rollout.record import JUDGED, Command, Event, Rollout, State, Tallies
from churn.rollout.routers.router import TRACKS, Router, unchanged
from churn.rollout.sources import Source
from churn.rollout.store import Store
from churn.rollout.tally import Tally

NEARLY_PERCENT = 0.5  # two weights may not give a whole number of percent
LISTEN_S = 0.5  # how often to see whether somebody wants something
RECORDS_A_STEP = 200  # verdicts that say nothing new


class Judge(Protocol):
    """`churn.judging.judge.judge`, or what a test puts in its place."""

    def __call__(
        self, checks: Sequence[Check], judge_input: JudgeInput, *, false_rollback: float, stale_after_s: float
    ) -> Verdict:
        """Counts in, verdict out."""


class Controller:
    """One rollout's hands.

    Args:
        rollout: as the store has it.
        store: whose lock for the service is held.
        router, source: what it acts on and reads.
        judge: decides whether the canary is good, by the plan's checks.
        closed_because: why no step forward may be made at a moment; None if one may.
        promote: makes the new version the champion; called again if it failed or was interrupted.
        fleet: what starts and stops the tasks; None if somebody else does.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        rollout: Rollout,
        *,
        store: Store,
        router: Router,
        source: Source,
        judge: Judge,
        closed_because: Callable[[datetime], str | None],
        promote: Callable[[Rollout], None],
        fleet: Fleet | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.rollout = rollout
        self._store = store
        self._router = router
        self._source = source
        self._judge = judge
        self._closed_because = closed_because
        self._promote = promote
        self._fleet = fleet
        self._clock = clock
        self._told: tuple[object, ...] = ()  # the last trouble or verdict that was recorded
        self._told_at = 0.0

    def run(self, stop: threading.Event, *, after_tick: Callable[[Rollout], None] = lambda _: None) -> Rollout:
        """Ticks until the rollout is over, or until it is told to stop; then it can be resumed."""
        while not (self.tick().over or stop.is_set()):
            after_tick(self.rollout)
            self._wait(stop)
        after_tick(self.rollout)
        return self.rollout

    def tick(self) -> Rollout:
        """One turn. Trouble with router or figures is recorded, and the next turn tries again."""
        command = self._store.next_command(self.rollout.number)
        do = {
            State.STARTING: self._start,
            State.STEPPING: self._step,
            State.HOLDING: self._watch,
            State.BAKING: self._watch,
            State.FINISHING: self._finish,
            State.RETURNING: self._return,
        }.get(self.rollout.state)
        try:
            if command and command.what == "abort" and self.rollout.state in {State.STARTING, State.STEPPING}:
                self._back(Decision("back", command.reason, State.ABORTED), command=command)
            elif command and self.rollout.state not in JUDGED:
                self._save(
                    self.rollout, "wish", f"{command.what} came at the wrong time: {command.reason}", command=command
                )
            elif do:
                do()
        except ChurnError as error:
            self._trouble(error)
        return self.rollout

    def _wait(self, stop: threading.Event) -> None:
        # What is half done is tried again at once: traffic must be back within seconds.
        hurry = self.rollout.state in {State.STEPPING, State.RETURNING}
        until = time.monotonic() + (LISTEN_S if hurry else self.rollout.plan.tick_seconds)
        while (left := until - time.monotonic()) > 0 and not self._store.next_command(self.rollout.number):
            if stop.wait(min(left, LISTEN_S)):
                return

    def _start(self) -> None:
        """Waits for a canary that can answer, and for the window."""
        if self._held_s() >= self.rollout.plan.maximum_hold_s(0):
            return self._back(Decision("back", "the canary could not be started in time", State.ABORTED))
        if missing := self._missing_tasks(0):
            return self._save(replace(self.rollout, reason=missing))
        if not self._router.healthy("canary"):
            return self._save(replace(self.rollout, reason="waiting until the router finds the canary healthy"))
        closed = self._closed_because(self._moment())
        if closed and not self.rollout.where.get("override"):
            return self._save(replace(self.rollout, reason=f"no step forward now: {closed}"))
        return self._forward(0, "the canary is healthy")

    def _forward(self, step: int, reason: str, *, command: Command | None = None) -> None:
        """Records which share is to be given, then gives it."""
        wanted = replace(
            self.rollout,
            state=State.STEPPING,
            step=step,
            weight_percent=self.rollout.plan.steps[step].weight_percent,
            since=self._clock(),
            reason=reason,
            reference=stable_counts(self.rollout),
        )
        self._save(wanted, "stepping", reason, command=command)
        self._step()

    def _step(self) -> None:
        """Gives the share that is recorded: for the first time, or again after an interruption."""
        rollout = self.rollout
        if not self._router.healthy("canary"):
            return self._back(Decision("back", "the canary is down", State.ROLLED_BACK))
        readings = self._source.read()
        if missing := [name for reading in readings.values() for name in reading.missing]:
            if self._held_s() >= rollout.plan.maximum_hold_s(rollout.step):
                return self._back(Decision("back", "its figures could not be read in time", State.ROLLED_BACK))
            raise RolloutError(f"{', '.join(missing)} cannot be seen, so the step would not start from known figures")
        tallies = {track: Tally.from_now_on(reading) for track, reading in readings.items()}
        self._set_weight(rollout.weight_percent)
        state = State.BAKING if rollout.step == rollout.plan.last else State.HOLDING
        if state == State.BAKING:
            # It is known from the step before; earlier is what came before that, for nothing may count twice.
            before = rollout.tallies.get("stable", Tally(0.0))
            tallies["stable"] = replace(tallies["stable"], earlier=before.earlier)
        held = replace(rollout, state=state, since=self._clock(), tallies=tallies)
        return self._save(held, "stepped", f"the canary gets {rollout.weight_percent} %: {rollout.reason}")

    def _watch(self) -> None:
        """Judges, and does what follows."""
        found = self._router.weight()
        canary_up = self._router.healthy("canary")
        tallies, read = self._read()
        shown = seen(self.rollout, tallies, self._clock(), canary_up=canary_up, read=read)
        plan = self.rollout.plan
        verdict = self._judge(
            plan.checks,
            shown,
            false_rollback=plan.false_rollback / len(plan.steps),  # each step is judged anew, so they share the risk
            stale_after_s=plan.stale_after_seconds,
        )
        command = self._store.next_command(self.rollout.number)
        decision = decide(
            Situation(
                plan=plan,
                step=self.rollout.step,
                held_s=self._held_s(),
                requests=shown.canary.requests,
                verdict=verdict,
                closed_because=self._closed_because(self._moment()),
                command=command,
                withdrawn=found < NEARLY_PERCENT,
            )
        )
        # More tasks come before more weight.
        more = decision.move == "forward" and self.rollout.step < plan.last
        if more and (missing := self._missing_tasks(self.rollout.step + 1)):
            decision = Decision("stay", f"{missing}; then: {decision.reason}")
        self.rollout = replace(self.rollout, tallies=tallies, reason=decision.reason)
        self._record(shown, verdict, decision)
        if decision.move == "back":
            self._back(decision, command=command)
        elif decision.move == "stay":
            self._save(self.rollout, "wish" if command else None, decision.reason, command=command)
            self._put_right(found)
        elif self.rollout.step == self.rollout.plan.last:
            finishing = replace(self.rollout, state=State.FINISHING, since=self._clock())
            self._save(finishing, "finishing", decision.reason, command=command)
            self._finish()
        else:
            self._forward(self.rollout.step + 1, decision.reason, command=command)

    def _put_right(self, found: float) -> None:
        """Routing that is not what was recorded, such as that of a router that was restarted, is made so."""
        wanted = self.rollout.weight_percent
        if abs(found - wanted) > NEARLY_PERCENT:
            self._set_weight(wanted)
            self._save(self.rollout, "routing", f"the router gave the canary {found:g} %; it gets {wanted} % again")

    def _missing_tasks(self, step: int) -> str:
        """Which tasks that step still lacks, in words."""
        return self._fleet.provide(self.rollout.plan.steps[step].weight_percent) if self._fleet else ""

    def _finish(self) -> None:
        if self._fleet and not self._settled(self._fleet):
            return
        self._promote(self.rollout)
        ended = replace(self.rollout, state=State.PROMOTED, since=self._clock(), ended=self._clock())
        self._save(ended, "ended", f"{self.rollout.canary} is champion: {self.rollout.reason}")

    def _settled(self, fleet: Fleet) -> bool:
        """Whether the stable tasks run the new version and have all requests, and the canary's are stopped."""
        if missing := fleet.take_over(self.rollout.canary):
            self._tell("settling", missing)
            return False
        if self.rollout.weight_percent:
            if not self._router.healthy("stable"):
                self._tell("settling", "waiting until the router finds the stable version healthy")
                return False
            self._set_weight(0)
            reason = f"the stable tasks run {self.rollout.canary} and have all requests"
            self._save(replace(self.rollout, weight_percent=0), "settling", reason)
        fleet.retire()
        return True

    def _back(self, decision: Decision, *, command: Command | None = None) -> None:
        """Records that all traffic goes back, then sends it."""
        returning = replace(
            self.rollout,
            state=State.RETURNING,
            weight_percent=0,
            since=self._clock(),
            reason=decision.reason,
            ends_as=decision.ends_as,
        )
        self._save(returning, "returning", decision.reason, command=command)
        self._return()

    def _return(self) -> None:
        if self._router.weight() >= NEARLY_PERCENT:
            # Into the void is no way back: a bad answer is better than none.
            if not self._router.healthy("stable") and self._router.healthy("canary"):
                raise RolloutError("the stable version is down, so nothing can be sent back to it", instead="start it")
            self._set_weight(0)
        if self._fleet:
            self._fleet.retire()
        ended = replace(
            self.rollout, state=self.rollout.ends_as or State.ROLLED_BACK, since=self._clock(), ended=self._clock()
        )
        self._save(ended, "ended", f"all traffic is back at {self.rollout.stable}: {self.rollout.reason}")

    def _set_weight(self, percent: int) -> None:
        self._router.set_weight(percent)
        found = self._router.weight()
        if abs(found - percent) > NEARLY_PERCENT:
            raise unchanged(percent, found)

    def _read(self) -> tuple[Tallies, bool]:
        """What both tracks have answered in this step, and whether the counters could be read."""
        try:
            readings = self._source.read()
        except RolloutError as error:
            self._trouble(error)
            return self.rollout.tallies, False
        return {track: self.rollout.tallies[track].after(readings[track]) for track in TRACKS}, True

    def _record(self, shown: JudgeInput, verdict: Verdict, decision: Decision) -> None:
        """A verdict with its evidence, if it says something new or the last one is some time ago."""
        new = (decision.move, verdict.decision, *((each.check, each.decision) for each in verdict.findings))
        interval_s = self.rollout.plan.hold_s(self.rollout.step) / RECORDS_A_STEP
        if new == self._told and self._clock() - self._told_at < interval_s:
            return
        self._told, self._told_at = new, self._clock()
        self._save(self.rollout, "judged", decision.reason, decision=verdict.decision, evidence=kept(shown, verdict))

    def _trouble(self, error: ChurnError) -> None:
        self._tell("trouble", error.message)

    def _tell(self, kind: str, reason: str) -> None:
        """Records what it waits for, once for as long as it is the same."""
        if self._told != (kind, reason):
            self._told, self._told_at = (kind, reason), self._clock()
            self._save(self.rollout, kind, reason)

    def _save(
        self,
        rollout: Rollout,
        kind: str | None = None,
        reason: str = "",
        *,
        command: Command | None = None,
        decision: str | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        event = kind and Event(
            at=self._clock(),
            kind=kind,
            state=rollout.state,
            step=rollout.step,
            weight_percent=rollout.weight_percent,
            reason=reason,
            decision=decision,
            evidence=evidence or {},
        )
        self.rollout = self._store.save(rollout, event or None, taken=command)

    def _held_s(self) -> float:
        return self._clock() - self.rollout.since

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
