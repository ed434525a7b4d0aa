"""What a tick leaves in the store: where the rollout stands, and an event if there is something new."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from churn.judging.judge import JudgeInput, Verdict
from churn.rollout.decision import Decision
from churn.rollout.judge_input import build_evidence
from churn.rollout.state import Command, Event, Rollout
from churn.rollout.store import RolloutStore

RECORDS_PER_STEP = 200  # verdicts that say nothing new


class Recorder:
    """Keep a rollout, and write each change of it to the store. The store's lock for the service must be held."""

    def __init__(self, rollout: Rollout, store: RolloutStore, clock: Callable[[], float]) -> None:
        self.rollout = rollout
        self._store = store
        self._clock = clock
        self._last: tuple[object, ...] = ()  # the last trouble or verdict that was recorded
        self._last_at = 0.0

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

    def save_once(self, kind: str, reason: str) -> None:
        """Write an event, unless it repeats the last one."""
        if self._last != (kind, reason):
            self._last, self._last_at = (kind, reason), self._clock()
            self.save(self.rollout, kind, reason)

    def save_verdict(self, judge_input: JudgeInput, verdict: Verdict, decision: Decision) -> None:
        """Write a verdict with its evidence, if it says something new or the last one is some time ago."""
        new = (decision.move, verdict.decision, *((finding.check, finding.decision) for finding in verdict.findings))
        interval_s = self.rollout.plan.hold_s(self.rollout.step) / RECORDS_PER_STEP
        if new == self._last and self._clock() - self._last_at < interval_s:
            return
        self._last, self._last_at = new, self._clock()
        evidence = build_evidence(judge_input, verdict)
        self.save(self.rollout, "judged", decision.reason, decision=verdict.decision, evidence=evidence)
