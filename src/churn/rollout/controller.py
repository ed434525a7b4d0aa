"""The controller of a rollout: one tick reads, judges, decides, acts, reads back and records.

Each action is on disk before it is done, and may be done twice. So the next controller continues where one was killed.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from churn.errors import ChurnError, RolloutError
from churn.judging.judge import JudgeInput, Verdict
from churn.rollout.decision import Decision, Situation, decide
from churn.rollout.evidence import EvidenceSource
from churn.rollout.fleets.fleet import Fleet
from churn.rollout.recorder import Recorder, build_judge_input, choose_stable_counts, list_answered, start_counts
from churn.rollout.routers.router import BASELINE, NEARLY_PERCENT, Router, Track, move_weight
from churn.rollout.served import Mismatch, compare_served, describe_wrong
from churn.rollout.sources import CountSource
from churn.rollout.state import JUDGED, Command, Reading, Rollout, State, TrackCounts
from churn.rollout.timekeeping import describe_unsteady_clock

POLL_S = 0.5  # how often to look for a command


@dataclass(eq=False, kw_only=True)
class Controller:
    """Carry out one rollout.

    Args:
        judge: `churn.judging.judge.judge`, or a test's own.
        closed_because: returns why no step may be taken at a time; None if one may.
        promote: makes the new version the champion; called again if it failed or was interrupted.
        fleet: what starts and stops the tasks; None if the rollout does neither.
        evidence: what both versions said of the same subscribers; None if the plan has no check that needs it.
    """

    recorder: Recorder
    router: Router
    source: CountSource
    judge: Callable[..., Verdict]
    closed_because: Callable[[datetime], str | None]
    promote: Callable[[Rollout], None]
    fleet: Fleet | None = None
    evidence: EvidenceSource | None = None

    @property
    def rollout(self) -> Rollout:
        """The rollout as it was recorded last."""
        return self.recorder.rollout

    def run(self, stop: threading.Event, *, after_tick: Callable[[Rollout], None] = lambda _: None) -> Rollout:
        """Tick until the rollout is over or `stop` is set. A stopped rollout can be resumed."""
        while not (self.tick().is_over or stop.is_set()):
            after_tick(self.rollout)
            self._wait(stop)
        after_tick(self.rollout)
        return self.rollout

    def tick(self) -> Rollout:
        """Do one turn. Trouble with router or counters is recorded, and the next turn tries again."""
        if self.rollout.is_over:
            return self.rollout
        act = {
            State.STARTING: self._start,
            State.STEPPING: self._step,
            State.HOLDING: self._watch,
            State.BAKING: self._watch,
            State.FINISHING: self._finish,
            State.RETURNING: self._return,
        }[self.rollout.state]
        try:
            self.recorder.look()
            command = self.recorder.store.find_command(self.rollout.number)
            if command and command.what == "abort" and self.rollout.state in {State.STARTING, State.STEPPING}:
                self._begin_return(command.reason, State.ABORTED, command=command)
            elif command and self.rollout.state not in JUDGED:
                reason = f"{command.what} came at the wrong time: {command.reason}"
                self.recorder.save(self.rollout, "wish", reason, command=command)
            else:
                act()
        except ChurnError as error:
            self.recorder.note_trouble(error.message)
        except Exception as error:  # noqa: BLE001 - a controller that is gone judges nothing, whatever it was answered
            self.recorder.note_trouble(f"a fault of this program, or of what it was answered: {error!r}")
        return self.rollout

    def _wait(self, stop: threading.Event) -> None:
        # An action that failed is tried again at once: traffic must be back within seconds.
        hurry = self.rollout.state in {State.STEPPING, State.RETURNING}
        until = time.monotonic() + (POLL_S if hurry else self.rollout.plan.tick_seconds)
        while (left_s := until - time.monotonic()) > 0 and not self.recorder.store.find_command(self.rollout.number):
            if stop.wait(min(left_s, POLL_S)):
                return

    def _start(self) -> None:
        """Wait for a healthy canary and for the window."""
        if self._held_s() >= self.rollout.plan.start_limit_s:
            return self._begin_return("the canary could not be started in time", State.ABORTED)
        if missing := self._start_tasks(0):
            return self.recorder.save(replace(self.rollout, reason=missing))
        started = [track for track in self.rollout.tracks if track != "stable"]
        if down := [track for track in started if not self.router.is_healthy(track)]:
            reason = f"waiting until the router finds the {' and the '.join(down)} healthy"
            return self.recorder.save(replace(self.rollout, reason=reason))
        closed = self._closed_now()
        if closed and not self.rollout.setup.override:
            return self.recorder.save(replace(self.rollout, reason=f"no step forward now: {closed}"))
        return self._begin_step(0, "the canary is healthy")

    def _begin_step(self, step: int, reason: str, *, command: Command | None = None) -> None:
        """Record the share to give, then give it."""
        stepping = replace(
            self.rollout,
            state=State.STEPPING,
            step=step,
            weight_percent=self.rollout.plan.steps[step].weight_percent,
            since=self.recorder.now(),
            reason=reason,
            stable_before=choose_stable_counts(self.rollout),
            answered=list_answered(self.rollout),
        )
        self.recorder.save(stepping, "stepping", reason, command=command)
        self._step()

    def _step(self) -> None:
        """Give the recorded share: for the first time, or again after an interruption."""
        rollout = self.rollout
        if not self.router.is_healthy("canary"):
            return self._begin_return("the canary is down", State.ROLLED_BACK)
        readings = self.source.read()
        if missing := [instance for reading in readings.values() for instance in reading.missing]:
            if self._held_s() >= rollout.plan.maximum_hold_s(rollout.step):
                return self._begin_return("its figures could not be read in time", State.ROLLED_BACK)
            raise RolloutError(f"{', '.join(missing)} cannot be seen, so the step would not start from known figures")
        if mismatch := self._compare_served(readings):
            if mismatch.returns:
                return self._begin_return(mismatch.reason, State.ROLLED_BACK)
            return self.recorder.save(self.rollout, "alarm", mismatch.reason)
        rollout = self.rollout
        now = self.recorder.now()
        move_weight(self.router, rollout.weight_percent)
        state = State.BAKING if rollout.step == rollout.plan.last else State.HOLDING
        counts = start_counts(rollout, readings, now, state)
        held = replace(rollout, state=state, since=self.recorder.now(), counts=counts)
        return self.recorder.save(held, "stepped", f"the canary gets {rollout.weight_percent} %: {rollout.reason}")

    def _watch(self) -> None:
        """Judge the canary, decide, and do what was decided."""
        evidence = self.recorder.read_evidence(self.evidence)  # first, since it may take seconds
        actual_percent = self.router.read_weight()
        canary_up = self.router.is_healthy("canary")
        counts, complete, mismatch = self._read_counts()
        judge_input = build_judge_input(
            self.rollout, counts, self.recorder.now(), canary_up=canary_up, complete=complete, evidence=evidence
        )
        verdict = self._judge(judge_input, mismatch)
        plan = self.rollout.plan
        command = self.recorder.store.find_command(self.rollout.number)
        decision = decide(
            Situation(
                plan=plan,
                step=self.rollout.step,
                held_s=self._held_s(),
                requests=judge_input.canary.requests,
                verdict=verdict,
                closed_because=self._closed_now(),
                command=command,
                withdrawn=actual_percent < NEARLY_PERCENT,
                mismatch=mismatch,
            )
        )
        # More tasks come before more weight.
        steps_on = decision.move == "advance" and self.rollout.step < plan.last
        if steps_on and (missing := self._start_tasks(self.rollout.step + 1)):
            decision = Decision("stay", f"{missing}; then: {decision.reason}")
        self.recorder.rollout = replace(self.rollout, counts=counts, reason=decision.reason)
        if mismatch and not mismatch.returns:
            self.recorder.save(self.rollout, "alarm", mismatch.reason)
        elif not mismatch:
            self.recorder.save_verdict(judge_input, verdict, decision)
        if decision.move == "return":
            self._begin_return(decision.reason, decision.ends_as or State.ROLLED_BACK, command=command)
        elif decision.move == "stay":
            self.recorder.save(self.rollout, "wish" if command else None, decision.reason, command=command)
            self._restore_weight(actual_percent)
        elif self.rollout.step == plan.last:
            finishing = replace(self.rollout, state=State.FINISHING, since=self.recorder.now())
            self.recorder.save(finishing, "finishing", decision.reason, command=command)
            self._finish()
        else:
            self._begin_step(self.rollout.step + 1, decision.reason, command=command)

    def _judge(self, judge_input: JudgeInput, mismatch: Mismatch | None) -> Verdict:
        """Judge the canary, or say why it cannot be judged. That it is down needs no figures."""
        if mismatch and judge_input.canary_up:
            return Verdict("hold", mismatch.reason)
        plan = self.rollout.plan
        return self.judge(
            plan.find_checks(self.rollout.step),
            judge_input,
            false_rollback=plan.false_rollback,
            stale_after_s=plan.stale_after_seconds,
        )

    def _read_counts(self) -> tuple[TrackCounts, bool, Mismatch | None]:
        """Return what both tracks have answered in this step, whether that could be read, and who serves the wrong."""
        before = self.rollout.counts
        try:
            readings = self.source.read()
        except RolloutError as error:
            self.recorder.save(self.rollout, "trouble", error.message)
            return before, False, None
        now = self.recorder.now()
        if mismatch := self._compare_served(readings):
            anew = {track: before[track].start_anew(reading, now) for track, reading in readings.items()}
            # The bake compares with what the baseline answered before.
            kept = {BASELINE: before[BASELINE]} if self.rollout.state == State.BAKING and BASELINE in before else {}
            return anew | kept, True, mismatch
        return {track: before[track].add(reading, now) for track, reading in readings.items()}, True, None

    def _compare_served(self, readings: Mapping[Track, Reading]) -> Mismatch | None:
        self.recorder.rollout, mismatch = compare_served(self.rollout, readings, self.recorder.now())
        return mismatch

    def _restore_weight(self, actual_percent: float) -> None:
        """Give the recorded share again: if the router has another, and where a baseline may be down or up again."""
        recorded = self.rollout.weight_percent
        is_other = abs(actual_percent - recorded) > NEARLY_PERCENT
        if is_other or self.rollout.plan.has_baseline:
            move_weight(self.router, recorded)
        if is_other:
            reason = f"the router gave the canary {actual_percent:g} %; it gets {recorded} % again"
            self.recorder.save(self.rollout, "routing", reason)

    def _start_tasks(self, step: int) -> str:
        """Start the tasks that a step needs. Return what is still missing."""
        return self.fleet.start_canary(self.rollout.plan.steps[step].weight_percent) if self.fleet else ""

    def _finish(self) -> None:
        """Make the new version champion, if it is still what has the requests."""
        rollout = self.rollout
        track: Track = "canary" if rollout.weight_percent else "stable"  # the fleet has handed over
        if wrong := describe_wrong(rollout, track, self.source.read()[track], serves="canary"):
            return self.recorder.save(rollout, "alarm", wrong)
        if self.fleet and not self._hand_over(self.fleet):
            return None
        self.promote(self.rollout)
        return self._end(State.PROMOTED, f"{self.rollout.canary} is champion: {self.rollout.reason}")

    def _hand_over(self, fleet: Fleet) -> bool:
        """Have the stable tasks run the new version with all requests, and stop the canary's. Return whether done."""
        if missing := fleet.replace_stable(self.rollout.canary):
            self.recorder.save(self.rollout, "settling", missing)
            return False
        if self.rollout.weight_percent:
            if not self.router.is_healthy("stable"):
                reason = "waiting until the router finds the stable version healthy"
                self.recorder.save(self.rollout, "settling", reason)
                return False
            move_weight(self.router, 0)
            reason = f"the stable tasks run {self.rollout.canary} and have all requests"
            self.recorder.save(replace(self.rollout, weight_percent=0), "settling", reason)
        fleet.stop_canary()
        return True

    def _begin_return(self, reason: str, ends_as: State, *, command: Command | None = None) -> None:
        """Record that all traffic goes back, then send it."""
        now = self.recorder.now()
        returning = replace(
            self.rollout, state=State.RETURNING, weight_percent=0, since=now, reason=reason, ends_as=ends_as
        )
        self.recorder.save(returning, "returning", reason, command=command)
        self._return()

    def _return(self) -> None:
        # A bad answer is better than none, so traffic stays at the canary while stable is down.
        has_requests = self.router.read_weight() >= NEARLY_PERCENT
        if has_requests and not self.router.is_healthy("stable") and self.router.is_healthy("canary"):
            raise RolloutError("the stable version is down, so nothing can be sent back to it", instead="start it")
        # Whoever gave the canary nothing by hand may have left the baseline its share.
        if has_requests or self.rollout.plan.has_baseline:
            move_weight(self.router, 0)
        if self.fleet:
            self.fleet.stop_canary()
        reason = f"all traffic is back at {self.rollout.stable}: {self.rollout.reason}"
        self._end(self.rollout.ends_as or State.ROLLED_BACK, reason)

    def _end(self, state: State, reason: str) -> None:
        now = self.recorder.now()
        self.recorder.save(replace(self.rollout, state=state, since=now, ended=now), "ended", reason)

    def _held_s(self) -> float:
        return self.recorder.now() - self.rollout.since

    def _closed_now(self) -> str | None:
        now, plan = self.recorder.now(), self.rollout.plan
        unsteady = describe_unsteady_clock(self.rollout, now) if plan.window == "release" else None
        return unsteady or self.closed_because(datetime.fromtimestamp(now, UTC))
