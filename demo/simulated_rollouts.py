"""Rollouts to look at: carried out by the real controller and judged by the real judge, on simulated requests."""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.businesses import find_contract
from churn.clocks import Clock
from churn.errors import RolloutError
from churn.judging.counts import Counts
from churn.judging.judge import judge
from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BINS, SET_SIGN, TOP_REASONS
from churn.rollout.controller import Controller
from churn.rollout.plan import read_plan
from churn.rollout.recorder import Recorder
from churn.rollout.routers.router import TRACKS, Track
from churn.rollout.state import Bundle, Event, Reading, Rollout, Setup, State
from churn.rollout.store import RolloutStore
from churn.settings import read_settings

SERVICE = "streamflow-churn-api"
HOUR_S = 3600.0
MOST_FEATURES = 6  # that are ever among the reasons
TIERS = {"low": 6, "medium": 12, "high": PROBABILITY_BINS}  # up to which bin of the probability
BANNER_FROM = 12


def list_features() -> list[str]:
    """Return the features of the contract that the settings name."""
    return find_contract(read_settings().churn_contract).feature_names()[:MOST_FEATURES]


@dataclass(frozen=True)
class Behaviour:
    """How a version answers."""

    errors: float = 0.0004
    median_s: float = 0.0042
    spread: float = 0.55
    slow: float = 0.0004  # share that takes longer than the objective
    shift: float = 0.0  # of the probabilities, in bins
    favours: Mapping[str, float] = field(default_factory=dict)
    features: Sequence[str] = field(default_factory=list_features)

    def answers(self, requests: int, random: np.random.Generator) -> Counts:
        """What it answers to so many requests."""
        errors = int(random.binomial(requests, self.errors))
        predictions = requests - errors
        probability = random.multinomial(predictions, self._probabilities())
        cumulative = np.concatenate([[0], np.cumsum(probability)])
        tiers, below = {}, 0
        for tier, end in TIERS.items():
            tiers[tier] = int(cumulative[end] - cumulative[below])
            below = end
        sets = self._sets(predictions, random)
        top = {name: sum(n for three, n in sets.items() if name in three.split(SET_SIGN)) for name in self.features}
        return Counts(
            requests=requests,
            errors=errors,
            latency=self._latency(requests, random),
            predictions=predictions,
            probability=tuple(map(int, probability)),
            tiers=tiers,
            banners=int(probability[BANNER_FROM:].sum()),
            top_features={name: n for name, n in top.items() if n},
            top_sets=sets,
        )

    def _probabilities(self) -> NDArray[np.float64]:
        bins = np.arange(PROBABILITY_BINS) + 0.5 - self.shift
        shape = np.exp(-bins / 4.2) + 0.32 * np.exp(-(((bins - 15.5) / 3.1) ** 2))
        return np.asarray(shape / shape.sum())

    def _latency(self, requests: int, random: np.random.Generator) -> tuple[int, ...]:
        slow = int(random.binomial(requests, self.slow))
        taken = np.concatenate(
            [
                random.lognormal(np.log(self.median_s), self.spread, min(requests - slow, 4000)),
                random.uniform(0.21, 0.9, 1),
            ]
        )
        shares = np.bincount(np.searchsorted(LATENCY_BOUNDS_S, taken[:-1]), minlength=len(LATENCY_BOUNDS_S) + 1)
        found = random.multinomial(requests - slow, shares / shares.sum()) if requests > slow else shares * 0
        found[np.searchsorted(LATENCY_BOUNDS_S, 0.3)] += slow
        return tuple(map(int, found))

    def _sets(self, predictions: int, random: np.random.Generator) -> dict[str, int]:
        names = self.features
        weights = {name: self.favours.get(name, 1.0) / (at + 1.6) ** 1.5 for at, name in enumerate(names)}
        triples = list(combinations(names, TOP_REASONS))
        chance = np.array([math.prod(weights[name] for name in triple) for triple in triples])
        found = random.multinomial(predictions, chance / chance.sum())
        return {SET_SIGN.join(triple): int(n) for triple, n in zip(triples, found, strict=True) if n}


@dataclass
class Simulation:
    """A service with two versions behind a router, in simulated time."""

    now: float
    canary: Behaviour
    stable: Behaviour = field(default_factory=Behaviour)
    requests_per_hour: int = 40_000
    share: float = 0.0
    up: bool = True
    seeing: bool = True
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))
    counts: dict[Track, Counts] = field(default_factory=lambda: {"stable": Counts(), "canary": Counts()})
    versions: dict[Track, str] = field(default_factory=dict)

    def read_weight(self) -> float:
        return self.share

    def set_weight(self, percent: int) -> None:
        self.share = percent

    def is_healthy(self, track: Track) -> bool:
        return track == "stable" or self.up

    def read(self) -> Mapping[Track, Reading]:
        if not self.seeing:
            raise RolloutError("Prometheus does not answer at http://prometheus:9090")
        return {
            track: Reading(
                0.0,
                {f"{track}-1": self.counts[track]},
                served={f"{track}-1": Bundle(self.versions[track], f"{self.versions[track]}'s bundle")},
            )
            for track in TRACKS
        }

    def passes(self, seconds: float) -> None:
        self.now += seconds
        requests = int(self.random.poisson(self.requests_per_hour * seconds / HOUR_S))
        canary = int(self.random.binomial(requests, self.share / 100))
        self.counts["stable"] += self.stable.answers(requests - canary, self.random)
        self.counts["canary"] += self.canary.answers(canary, self.random)


def begin(store: RolloutStore, world: Simulation, old: str, new: str, **setup: Any) -> Rollout:
    plan = read_plan().model_copy(update={"window": "always"})
    now, waiting = world.now, "waiting for the canary"
    world.versions = {"stable": old, "canary": new}
    rollout = Rollout(0, SERVICE, old, new, plan, Setup("haproxy", **setup), State.STARTING, -1, 0, now, waiting, now)
    return store.begin(rollout, Event(world.now, "started", rollout.state, -1, 0, f"{new} takes over {old}"))


def carry_out(store: RolloutStore, world: Simulation, *, hours: float, tick_s: float = 1800) -> Rollout:
    """Ticks for so long, or until the rollout is over."""
    live = store.find_live(SERVICE)
    if live is None:
        raise RolloutError("no rollout is on its way", instead="begin one first")
    controller = Controller(
        recorder=Recorder(live, store, lambda: Clock(world.now, world.now, "simulated")),
        router=world,
        source=world,
        judge=judge,
        closed_because=lambda _: None,
        promote=lambda _: None,
    )
    until = world.now + hours * HOUR_S
    while world.now < until and not controller.tick().is_over:
        world.passes(tick_s)
    return controller.rollout


def write_demo(home: Path, *, now: float | None = None, every_s: float = 1800) -> None:
    """Three rollouts: one was promoted, one was sent back, one is under way.

    Args:
        home: a CHURN_HOME without rollouts.
        now: when the last one is where it stands; by default now.
        every_s: how often it is looked; the finer, the longer it takes.
    """
    now = time.time() if now is None else now
    features = list_features()
    good = Behaviour(favours={features[-1]: 1.15}, shift=0.12, median_s=0.0040)
    bad = replace(good, errors=0.0032, median_s=0.0044)
    better = replace(good, favours={features[0]: 1.2}, shift=0.2)
    with closing(RolloutStore(home)) as store:
        world = Simulation(now - 20 * 24 * HOUR_S, good)
        begin(store, world, "v2.3.0", "v2.3.1")
        carry_out(store, world, hours=120, tick_s=every_s)
        world = Simulation(now - 9 * 24 * HOUR_S, bad, requests_per_hour=9000)
        begin(store, world, "v2.3.1", "v2.4.0-rc.1")
        carry_out(store, world, hours=120, tick_s=every_s / 2)
        world = Simulation(now - 59.6 * HOUR_S, better)
        begin(store, world, "v2.3.1", "v2.4.0")
        carry_out(store, world, hours=59.6, tick_s=every_s)


if __name__ == "__main__":
    import sys

    write_demo(Path(sys.argv[1]))
