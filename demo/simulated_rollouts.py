"""Rollouts to look at: carried out by the real controller and judged by the real judge, on simulated requests."""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from churn.businesses import find_contract
from churn.clocks import Clock
from churn.contract.declaration import Contract
from churn.errors import RolloutError
from churn.judging.counts import Counts
from churn.judging.judge import judge
from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BINS, SET_SIGN
from churn.judging.pairs import BANNER_PART
from churn.model.pairs import Flags, ModelAnswers, Whole
from churn.rollout.controller import Controller
from churn.rollout.first_answers import FirstAnswers, flag_parts, list_parts
from churn.rollout.paired import Evidence
from churn.rollout.plan import read_plan
from churn.rollout.recorder import Recorder
from churn.rollout.routers.router import TRACKS, Track
from churn.rollout.state import Bundle, Event, Reading, Rollout, Setup, State
from churn.rollout.store import RolloutStore
from churn.settings import read_settings

SERVICE = "streamflow-churn-api"
HOUR_S = 3600.0
MOST_FEATURES = 6  # that are ever among the reasons
SUBSCRIBERS = 20_000


def find_business() -> type[Contract]:
    """Return the contract that the settings name."""
    return find_contract(read_settings().churn_contract)


@dataclass(frozen=True)
class Behaviour:
    """How a version answers. What it says of a subscriber is always the same."""

    errors: float = 0.0004
    median_s: float = 0.0042
    spread: float = 0.55
    slow: float = 0.0004  # share that takes longer than the objective
    shift: float = 0.0  # of the probabilities, in bins
    favours: Mapping[str, float] = field(default_factory=dict)
    contract: type[Contract] = field(default_factory=find_business)

    def answers(self, subscribers: Whole, random: np.random.Generator) -> Counts:
        """What it answers to requests of these subscribers."""
        requests = len(subscribers)
        errors = int(random.binomial(requests, self.errors))
        answered = self.parts[subscribers[errors:]]
        counted: dict[str, dict[str, int]] = {}
        for (measure, part), number in zip(list_parts(self.contract), answered.sum(axis=0).tolist(), strict=True):
            counted.setdefault(measure, {})[part] = number
        reasons = answered[:, -len(counted["reasons"]) :][:, :MOST_FEATURES]
        codes, times = np.unique(reasons @ 2 ** np.arange(reasons.shape[1]), return_counts=True)
        return Counts(
            requests=requests,
            errors=errors,
            latency=self._latency(requests, random),
            predictions=len(answered),
            probability=tuple(np.diff([0, *counted["scores"].values(), len(answered)]).tolist()),
            tiers=counted["tiers"],
            banners=counted["banners"][BANNER_PART],
            top_features={name: number for name, number in counted["reasons"].items() if number},
            top_sets={
                SET_SIGN.join(name for at, name in enumerate(counted["reasons"]) if code >> at & 1): number
                for code, number in zip(codes.tolist(), times.tolist(), strict=True)
            },
        )

    @cached_property
    def parts(self) -> Flags:
        """In which parts its answer to each subscriber is. All versions rank subscribers alike."""
        bins, people = np.arange(PROBABILITY_BINS) + 0.5, np.random.default_rng(11)
        names = self.contract.feature_names()
        moved = bins - self.shift
        shape = np.exp(-moved / 4.2) + 0.32 * np.exp(-(((moved - 15.5) / 3.1) ** 2))
        ranks = np.searchsorted(np.cumsum(shape)[:-1] / shape.sum(), people.random(SUBSCRIBERS))
        strengths = [self.favours.get(name, 1.0) / (at + 1.6) for at, name in enumerate(names[:MOST_FEATURES])]
        contributions = np.zeros((SUBSCRIBERS, len(names)))
        contributions[:, : len(strengths)] = strengths * people.standard_normal((SUBSCRIBERS, len(strengths)))
        answers = ModelAnswers(bins[ranks] / PROBABILITY_BINS, contributions)
        return flag_parts(answers, self.contract.threshold, self.contract)

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


@dataclass
class Simulation:
    """A service with two versions behind a router, in simulated time. The router deals by the subscriber's number."""

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
    first_answers: FirstAnswers = field(default_factory=lambda: FirstAnswers(find_business()))

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

    def look(self, _: Rollout) -> Evidence:
        return Evidence(self.first_answers.count())

    def passes(self, seconds: float) -> None:
        self.now += seconds
        requests = int(self.random.poisson(self.requests_per_hour * seconds / HOUR_S))
        subscribers = self.random.integers(SUBSCRIBERS, size=requests)
        to_canary = subscribers < self.share / 100 * SUBSCRIBERS
        self.counts["stable"] += self.stable.answers(subscribers[~to_canary], self.random)
        self.counts["canary"] += self.canary.answers(subscribers[to_canary], self.random)
        keys, times_us = subscribers[to_canary].astype(np.uint64), np.full(to_canary.sum(), int(self.now * 1e6))
        new = keys[self.first_answers.choose(keys, times_us)]
        self.first_answers.put(new, times_us[: len(new)], self.canary.parts[new], self.stable.parts[new])


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
        evidence=world,
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
    features = find_business().feature_names()[:MOST_FEATURES]
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
