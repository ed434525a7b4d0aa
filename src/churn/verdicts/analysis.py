"""Judge a canary that somebody else rolls out: at each question a look at the counters, and a verdict.

An analysis has a name, such as the revision's. A new name begins a new analysis, which knows nothing. What is known is
kept in memory alone. So after a restart the verdict is `hold` until the evidence is there again.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from churn.errors import RolloutError
from churn.judging.checks import Check
from churn.judging.judge import Verdict, judge
from churn.rollout.evidence import EvidenceSource
from churn.rollout.paired import Evidence
from churn.rollout.plan import Plan
from churn.rollout.recorder import build_judge_input
from churn.rollout.routers.router import TRACKS, Track
from churn.rollout.served import compare_served, describe_bundle
from churn.rollout.sources import CountSource
from churn.rollout.state import UNKNOWN, Reading, Rollout, Setup, State, StepCounts, TrackCounts

LEAST_S: Final = 5.0  # from one look to the next; who asks sooner hears the last verdict
WAIT_S: Final = 10.0
BEGUN: Final = "the analysis has just begun"

type Readings = Mapping[Track, Reading]


class BusyError(Exception):
    """The look that somebody else asked for takes too long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict, and what it is of.

    Args:
        analysis: its name.
        since: when the analysis began, in seconds since 1970; None if it has not.
        requests: how many each track has answered since the weight changed last.
        subscribers: how many both versions answered; None if that is not known.
        is_trouble: whether the canary cannot be judged now.
    """

    verdict: Verdict
    analysis: str
    since: float | None = None
    requests: Mapping[Track, int] = field(default_factory=dict)
    subscribers: int | None = None
    is_trouble: bool = False


@dataclass(eq=False)
class _Analysis:
    """One analysis.

    Args:
        weight: percent of the requests that the canary should get; None if nobody says it.
        steps: how often the weight was another.
        rollout: both versions, as the instances said at its begin; None before.
        counts: since the weight changed last; none if they must begin anew.
        looked_s: when the last look ended, by the machine's own clock.
    """

    name: str
    weight: int | None
    steps: int = 1
    rollout: Rollout | None = None
    counts: TrackCounts | None = None
    evidence: EvidenceSource | None = None
    last: Answer | None = None
    looked_s: float = 0.0


@dataclass(eq=False, kw_only=True)
class Analyst:
    """Answer questions about one canary, one analysis at a time.

    Args:
        source: where the counters of both tracks are read.
        plan: the chance of a false rollback, and how old counters may be. Its steps are not used.
        checks: what is judged.
        open_evidence: opens what reads pairs, of an analysis that began at this time; None if nothing needs pairs.
        now_s: the machine's own clock.
        wait_s: how long a question waits for the look that somebody else asked for.
    """

    source: CountSource
    plan: Plan
    checks: Sequence[Check]
    open_evidence: Callable[[float], EvidenceSource] | None = None
    now_s: Callable[[], float] = time.monotonic
    wait_s: float = WAIT_S
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _analysis: _Analysis | None = field(default=None, init=False)

    def ask(self, name: str, weight: int | None) -> Answer:
        """Return the verdict of an analysis. Once it says to roll back, it says so until another one begins.

        Raises:
            BusyError: another question takes too long.
        """
        if not self._lock.acquire(timeout=self.wait_s):
            raise BusyError
        try:
            analysis = self._find(name, weight)
            is_young = analysis.last and self.now_s() - analysis.looked_s < LEAST_S
            if analysis.last and (is_young or analysis.last.verdict.decision == "roll back"):
                return analysis.last
            analysis.last = self._look(analysis)
            analysis.looked_s = self.now_s()
            return analysis.last
        finally:
            self._lock.release()

    def _find(self, name: str, weight: int | None) -> _Analysis:
        analysis = self._analysis
        if analysis is None or analysis.name != name:
            analysis = self._analysis = _Analysis(name, weight)
        elif weight != analysis.weight:
            analysis.weight, analysis.counts, analysis.steps = weight, None, analysis.steps + 1
            if analysis.last and analysis.last.verdict.decision != "roll back":
                analysis.last = None
        return analysis

    def _look(self, analysis: _Analysis) -> Answer:
        try:
            readings = self.source.read()
        except RolloutError as error:
            return self._hold(analysis, error.message)
        if why := _describe_unreadable(readings):
            return self._hold(analysis, why)
        rollout = analysis.rollout or self._begin(analysis, readings)
        now_s = self.now_s()
        rollout, mismatch = compare_served(replace(rollout, weight_percent=analysis.weight or 0), readings, now_s)
        analysis.rollout = rollout
        if mismatch:
            analysis.counts = None
            if mismatch.returns:
                return Answer(Verdict("roll back", mismatch.reason), analysis.name, rollout.began)
            return self._hold(analysis, mismatch.reason)
        if analysis.counts is None:
            analysis.counts = {track: StepCounts.start_from(readings[track], now_s) for track in TRACKS}
            return Answer(Verdict("hold", BEGUN), analysis.name, rollout.began)
        analysis.counts = {track: analysis.counts[track].add(readings[track], now_s) for track in TRACKS}
        return self._judge(analysis, rollout, analysis.counts)

    def _begin(self, analysis: _Analysis, readings: Readings) -> Rollout:
        """Begin an analysis with the versions that the instances serve."""
        (stable,), (canary,) = ({*readings[track].served.values()} for track in TRACKS)
        began, now_s = time.time(), self.now_s()
        if self.open_evidence:
            analysis.evidence = self.open_evidence(began)
        return Rollout(
            number=0,
            service=analysis.name,
            stable=stable.version,
            canary=canary.version,
            plan=self.plan,
            setup=Setup(router=""),
            state=State.HOLDING,
            step=0,
            weight_percent=analysis.weight or 0,
            since=now_s,
            reason="",
            began=began,
            stable_sha256=stable.sha256,
            canary_sha256=canary.sha256,
        )

    def _judge(self, analysis: _Analysis, rollout: Rollout, counts: TrackCounts) -> Answer:
        evidence = analysis.evidence.look(rollout) if analysis.evidence else Evidence(None)
        judge_input = build_judge_input(rollout, counts, self.now_s(), canary_up=True, complete=True, evidence=evidence)
        # Each weight is judged anew. The parts of all weights, 1/2 + 1/6 + 1/12 + ..., are one.
        part = 1 / (analysis.steps * (analysis.steps + 1))
        verdict = judge(
            [check for check in self.checks if analysis.weight is not None or not check.measure.is_split],
            judge_input,
            false_rollback=self.plan.false_rollback * part,
            stale_after_s=self.plan.stale_after_seconds,
        )
        return Answer(
            verdict,
            analysis.name,
            rollout.began,
            {track: counts[track].total.requests for track in TRACKS},
            evidence.pairs.subscribers if evidence.pairs else None,
            is_trouble=judge_input.gap or bool(evidence.trouble),
        )

    def _hold(self, analysis: _Analysis, why: str) -> Answer:
        began = analysis.rollout.began if analysis.rollout else None
        return Answer(Verdict("hold", why), analysis.name, began, is_trouble=True)


def _describe_unreadable(readings: Readings) -> str:
    """Say why these readings are of no two tracks; empty if they are."""
    if both := sorted(readings["stable"].counts.keys() & readings["canary"].counts.keys()):
        return f"{both[0]} counts for both tracks, so nothing can be compared; see the addresses or selectors"
    for track in TRACKS:
        reading = readings[track]
        if reading.missing:
            return f"{reading.missing[0]} of the {track} does not answer"
        if not reading.counts:
            return f"no instance of the {track} answers"
        served = {reading.served.get(instance, UNKNOWN) for instance in reading.counts}
        if UNKNOWN in served:
            return f"an instance of the {track} does not say what it serves"
        if len(served) > 1:
            named = " and ".join(sorted(map(describe_bundle, served)))
            return f"instances of the {track} serve {named}; the analysis waits until they serve the same"
    return ""
