"""A rollout in memory: a router and a source that a test moves, a judge that says what it is told, and a clock."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from churn.clocks import Clock
from churn.errors import RolloutError
from churn.judging.counts import Counts
from churn.judging.findings import Finding, VerdictDecision
from churn.judging.judge import JudgeInput, Verdict
from churn.rollout.controller import Controller
from churn.rollout.paired import Evidence
from churn.rollout.plan import Plan
from churn.rollout.recorder import Recorder
from churn.rollout.routers.router import Track
from churn.rollout.state import Bundle, Event, Reading, Rollout, Setup, State
from churn.rollout.store import RolloutStore

SERVICE = "api"
V1, V2, V3 = (Bundle(version, f"{version}'s bundle") for version in ("v1", "v2", "v3"))
SHORT_PLAN = (Path(__file__).parents[2] / "demo" / "short_plan.toml").read_text(encoding="utf-8")


def plan(**changes: Any) -> Plan:
    """Two steps, 10 and 100 percent, an hour each."""
    step = {"hold_hours": 1.0, "minimum_requests": 100, "maximum_hold_hours": 10.0}
    steps = [{"weight_percent": weight, **step} for weight in (10, 100)]
    return Plan.model_validate({"step": steps, "window": "always", **changes})


class Killed(BaseException):
    """What a killed process would leave behind is left behind."""


@dataclass
class World:
    """Everything outside the controller. It may kill the controller before or after whatever that does to it."""

    home: Path
    now: float = 1_000_000.0  # as the machine's own clock measures it
    jumped_s: float = 0.0  # by how much the wall clock is ahead of that
    boot: str = "first"
    share: float = 0.0
    up: set[str] = field(default_factory=lambda: {"stable", "canary"})
    counts: dict[Track, int] = field(default_factory=lambda: {"stable": 7, "canary": 3})
    verdict: VerdictDecision = "promote"
    findings: tuple[Finding, ...] = ()
    closed: str | None = None
    reachable: bool = True
    seeing: bool = True
    champion: str = "v1"
    served: dict[Track, list[Bundle]] = field(default_factory=lambda: {"stable": [V1], "canary": [V2]})
    judge_inputs: list[JudgeInput] = field(default_factory=list)
    weights_set: list[int] = field(default_factory=list)
    killed_after: int | None = None
    done: int = 0

    def happens(self) -> None:
        """Count an action on the world, and kill the controller after the last one that it may do."""
        if self.done == self.killed_after:
            raise Killed
        self.done += 1

    @property
    def wall(self) -> float:
        """What the wall clock shows."""
        return self.now + self.jumped_s

    def read_clock(self) -> Clock:
        return Clock(self.wall, self.now, self.boot)

    # The router.
    def read_weight(self) -> float:
        self.happens()
        if not self.reachable:
            raise RolloutError("the router does not answer")
        return self.share

    def set_weight(self, percent: int) -> None:
        self.happens()
        if not self.reachable:
            raise RolloutError("the router does not answer")
        if percent and "canary" not in self.up:
            raise RolloutError("the canary is down")
        self.share = percent
        self.weights_set.append(percent)
        self.happens()

    def is_healthy(self, track: Track) -> bool:
        self.happens()
        return track in self.up

    # The source.
    def read(self) -> Mapping[Track, Reading]:
        self.happens()
        if not self.seeing:
            raise RolloutError("nothing is seen")
        return {track: self.reading_of(track) for track in self.counts}

    def reading_of(self, track: Track) -> Reading:
        """What its instances say. The first of them has answered everything."""
        served = {f"{track}-{number}": bundle for number, bundle in enumerate(self.served[track], 1)}
        counts = {name: counted(self.counts[track] if name.endswith("-1") else 0) for name in served}
        return Reading(0.0, counts, served=served)

    def judge(
        self, checks: Sequence[Any], judge_input: JudgeInput, *, false_rollback: float, stale_after_s: float
    ) -> Verdict:
        assert checks
        assert false_rollback > 0
        self.judge_inputs.append(judge_input)
        if not judge_input.canary_up:
            return Verdict("roll back", "the canary is down", ())
        if judge_input.gap or judge_input.age_s > stale_after_s:
            return Verdict("hold", "the figures are old or have a gap", ())
        return Verdict(self.verdict, f"it looks like {self.verdict}", self.findings)

    def promote(self, rollout: Rollout) -> None:
        self.happens()
        self.champion = rollout.canary
        self.happens()

    def closed_because(self, _: datetime) -> str | None:
        return self.closed

    def jumps(self, seconds: float) -> None:
        """Somebody sets the wall clock, and no time goes by."""
        self.jumped_s += seconds

    def passes(self, seconds: float, *, requests: int = 1000) -> None:
        """Time goes by, and requests come in as the router deals them."""
        self.now += seconds
        canary = round(requests * self.share / 100)
        baseline = canary if "baseline" in self.counts and self.share <= 50 else 0
        self.counts["canary"] += canary
        self.counts["stable"] += requests - canary - baseline
        if baseline:
            self.counts["baseline"] += baseline


@dataclass
class Tasks:
    """A fleet with ten stable tasks, of which each task takes one look to start. It has a baseline if the world has."""

    world: World
    canary: int = 1
    stable: str = "v1"
    baseline: int = 0

    def start_canary(self, percent: int) -> str:
        self.world.happens()
        needed, running = math.ceil(percent / 10), self.canary
        self.canary = max(running, needed)
        if "baseline" in self.world.counts:
            self.world.happens()
            self.baseline = max(self.baseline, min(needed, 10 - needed))
        self.world.happens()
        return "" if running >= needed else f"{running} of {needed} tasks of the canary run"

    def replace_stable(self, version: str) -> str:
        self.world.happens()
        before, self.stable = self.stable, version
        self.world.served["stable"] = self.world.served["canary"]
        self.world.happens()
        return "" if before == version else f"{version} is being started"

    def stop_canary(self) -> None:
        self.world.happens()
        assert self.world.share == 0, "nobody is served by tasks that are stopped"
        self.canary = 0
        self.world.happens()
        self.baseline = 0
        self.world.happens()

    def find_addresses(self) -> Mapping[Track, Sequence[str]]:
        return {}


@dataclass
class KnownEvidence:
    """What both versions said of the same subscribers, as a test says."""

    evidence: Evidence

    def look(self, _: Rollout) -> Evidence:
        return self.evidence


def counted(requests: int) -> Counts:
    return replace(Counts(), requests=requests, predictions=requests)


def begin(world: World, store: RolloutStore, how: Plan | None = None, **setup: Any) -> Rollout:
    """Records a new rollout, from v1 to v2."""
    setup = {"router": "haproxy", **setup}
    rollout = Rollout(
        0, SERVICE, "v1", "v2", how or plan(), Setup(**setup), State.STARTING, -1, 0, world.now, "began", world.now
    )
    return store.begin(rollout, Event(world.now, "started", rollout.state, -1, 0, "began"))


def build_controller(
    world: World, store: RolloutStore, rollout: Rollout | None = None, *, fleet: Tasks | None = None
) -> Controller:
    """A controller of the live rollout."""
    live = rollout or store.find_live(SERVICE)
    assert live is not None
    return Controller(
        recorder=Recorder(live, store, world.read_clock),
        router=world,
        source=world,
        judge=world.judge,
        closed_because=world.closed_because,
        promote=world.promote,
        fleet=fleet,
    )
