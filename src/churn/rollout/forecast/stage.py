"""What the controller meets in a played rollout: router, counters, evidence, clock and store, all in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from churn.clocks import Clock
from churn.judging.counts import Counts
from churn.judging.pairs import PairCounts
from churn.rollout.forecast.traffic import Traffic
from churn.rollout.forecast.versions import Version
from churn.rollout.paired import Evidence
from churn.rollout.plan import ALL_PERCENT
from churn.rollout.routers.router import BASELINE, Track, split_percent
from churn.rollout.state import Bundle, Command, Event, Reading, Rollout

MOST_EARLIER = 100_000  # of stable's answers before; the judge guesses from fewer than that
STABLE, CANARY = Bundle("stable", "stable"), Bundle("canary", "canary")
SERVED: Mapping[Track, Bundle] = {"stable": STABLE, "canary": CANARY, BASELINE: STABLE}

type Pairs = np.ndarray[tuple[int, int], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Answered:
    """What both tracks have answered until a moment.

    Args:
        at_s: in seconds since 1970.
        came: the requests of both since the rollout began.
        people: who were answered by the canary, each counted once.
        moved: in each part, who are in it by the canary only, and by stable only, (parts, 2).
    """

    at_s: float
    counts: Mapping[Track, Counts]
    came: float
    people: int
    moved: Pairs


@dataclass(eq=False)
class Stage:
    """Play all that a controller asks, and draw what both versions answer.

    Args:
        traffic: of both versions together.
        stable, canary: how they answer.
        weights: when each share was given: the requests that had come, and the percent.
        judged: the latest verdict, as the store gets it.
    """

    traffic: Traffic
    stable: Version
    canary: Version
    random: np.random.Generator
    now: Answered
    weights: tuple[tuple[float, int], ...] = ()
    judged: Mapping[str, Any] | None = None

    @property
    def percent(self) -> int:
        """The canary's share at present."""
        return self.weights[-1][1] if self.weights else 0

    def draw_until(self, answered: Answered, at_s: float) -> Answered:
        """Draw what is answered from one moment until a later one, at the present share."""
        expected = self.traffic.count_requests(answered.at_s, at_s)
        came = int(self.random.poisson(expected))
        percents = split_percent(self.percent, has_baseline=BASELINE in answered.counts)
        shares = [percents[track] / ALL_PERCENT for track in answered.counts]
        drawn = zip(answered.counts.items(), self.random.multinomial(came, shares).tolist(), strict=True)
        counts = {
            track: counted
            + draw_counts(
                self.canary if track == "canary" else self.stable, requests, self.random, self.traffic.repeated
            )
            for (track, counted), requests in drawn
        }
        new = self._count_people(answered.came + came) - self._count_people(answered.came)
        people = int(self.random.poisson(max(new, 0.0)))
        moved = answered.moved + draw_moved(self.canary, people, self.random)
        return Answered(at_s, counts, answered.came + came, answered.people + people, moved)

    def _count_people(self, came: float) -> float:
        """Return how many people the canary has met. More share brings people to it, and takes none away."""
        before, people = 0, 0.0
        for since, percent in self.weights:
            people += (percent - before) / ALL_PERCENT * self.traffic.count_people(max(came - since, 0.0))
            before = percent
        return people

    # The router.
    def read_weight(self) -> float:
        return float(self.percent)

    def set_weight(self, percent: int) -> None:
        if percent != self.percent:
            self.weights = (*self.weights, (self.now.came, percent))

    def is_healthy(self, track: Track) -> bool:  # noqa: ARG002 - a router's
        return True

    # What reads the counters.
    def read(self) -> Mapping[Track, Reading]:
        return {
            track: Reading(0.0, {track: counts}, served={track: SERVED[track]})
            for track, counts in self.now.counts.items()
        }

    # What reads the prediction log.
    def look(self, rollout: Rollout) -> Evidence:  # noqa: ARG002 - as above
        if not self.now.people:
            return Evidence(None, "nobody was answered by both versions yet")
        parts: dict[str, dict[str, tuple[int, int]]] = {}
        for (measure, part), (by_canary, by_stable) in zip(self.canary.moved, self.now.moved.tolist(), strict=True):
            parts.setdefault(measure, {})[part] = (by_canary, by_stable)
        return Evidence(PairCounts(self.now.people, parts))

    # The clock.
    def read_clock(self) -> Clock:
        return Clock(self.now.at_s, self.now.at_s, "played")

    # The store.
    def save(self, rollout: Rollout, event: Event | None = None, *, taken: Command | None = None) -> Rollout:  # noqa: ARG002
        if event:
            if event.kind in {"trouble", "alarm", "clock"}:
                raise AssertionError(event.reason)  # there is nothing that could be wrong in a played rollout
            self.judged = event.evidence.get("verdict", self.judged)
        return rollout

    def find_command(self, number: int) -> Command | None:  # noqa: ARG002
        return None


def begin_answered(at_s: float, stable: Version, traffic: Traffic, tracks: Sequence[Track]) -> Answered:
    """Return what was answered before a rollout: a day by stable, with no more nor fewer errors than usual."""
    earlier = min(round(traffic.per_day), MOST_EARLIER)
    counts = {track: expect_counts(stable, earlier if track == "stable" else 0) for track in tracks}
    return Answered(at_s, counts, 0.0, 0, np.zeros((len(stable.moved), 2), dtype=np.int64))


def draw_counts(version: Version, requests: int, random: np.random.Generator, repeated: float = 0.0) -> Counts:
    """Draw what a version counts of so many requests. This share of them follows another one within a minute."""
    errors = int(random.binomial(requests, version.errors))
    latency = random.multinomial(requests, version.latency).tolist()
    counts = Counts(requests=requests, errors=errors, latency=tuple(latency), predictions=requests - errors)
    if not repeated:
        return counts
    repeats = int(random.binomial(requests, repeated))
    of_repeats = random.multivariate_hypergeometric(latency, repeats, method="marginals").tolist()
    failed = int(random.hypergeometric(errors, requests - errors, repeats))
    return replace(counts, repeats=repeats, repeated_errors=failed, repeated_latency=tuple(of_repeats))


def expect_counts(version: Version, requests: int) -> Counts:
    """Return what a version counts of so many requests, without chance."""
    errors = round(version.errors * requests)
    latency = tuple(round(share * requests) for share in version.latency)
    return Counts(requests=requests, errors=errors, latency=latency, predictions=requests - errors)


def draw_moved(version: Version, people: int, random: np.random.Generator) -> Pairs:
    """Draw for each part how many people are in it by the canary only, and by stable only, (parts, 2)."""
    shares = np.array(list(version.moved.values()), dtype=float).reshape(-1, 2)
    drawn = random.multinomial(people, np.column_stack([shares, 1 - shares.sum(axis=1)]))
    return np.asarray(drawn[:, :2], dtype=np.int64)
