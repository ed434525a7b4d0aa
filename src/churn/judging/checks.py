"""The checks of a rollout as data, and what each of them measures.

Each check compares one or several shares of the two tracks, canary minus stable. Its effect is the largest of these
differences: in the bad direction only, or in either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from itertools import accumulate
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn.errors import SettingsError
from churn.judging.counts import Counts
from churn.judging.metrics import LATENCY_BOUNDS_S, PROBABILITY_BOUNDS
from churn.judging.sequences import Numbers, Pairs

type Measure = Literal["errors", "slow", "latency", "p99", "scores", "banners", "tiers", "reasons", "split"]
type Direction = Literal["up", "both"]

OBJECTIVE_S: Final = 0.2
P99_SLOWER: Final = 0.01
# Among how many names the chance of a false rollback is shared out, at least: more than a contract has, so that it does
# not depend on which names have been seen so far.
MOST_TIERS, MOST_FEATURES = 4, 20


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is watched.

    Args:
        name: what people call it.
        measure: what is compared; `split` is the share of requests the canary gets, compared with its weight.
        tolerance: the largest acceptable effect, as a difference of shares: 0.01 is one request in a hundred.
        direction: `up` where only more is bad, `both` where less is, too.
        critical: surely outside the tolerance means roll back; if not critical, only that nothing is promoted.
        share: of the chance of a false rollback, relative to the other checks'; the larger, the sooner it is sure.
    """

    name: str
    measure: Measure
    tolerance: float
    direction: Direction = "both"
    critical: bool = True
    share: float = 1.0

    @property
    def of_split(self) -> bool:
        """Whether it looks at who gets the requests, not at what is answered."""
        return self.measure == "split"

    def __post_init__(self) -> None:
        known = (*Measure.__value__.__args__,)
        if self.measure not in known:
            raise SettingsError(f"check {self.name}: there is no measure {self.measure}", instead=f"use one of {known}")
        if not (0 <= self.tolerance < 1 and 0 < self.share < float("inf")):
            raise SettingsError(
                f"check {self.name}: tolerance {self.tolerance:g} and share {self.share:g} make no sense",
                instead="give a tolerance from 0 to less than 1, and a share above 0",
            )
        if self.direction not in {"up", "both"}:
            raise SettingsError(f"check {self.name}: there is no direction {self.direction}", instead="up, or both")


# docs/judge.md gives the reason for each tolerance.
DEFAULT_CHECKS: Final = (
    Check("error share", "errors", 0.001, "up", share=8),
    Check("over 200 ms", "slow", 0.005, "up", share=2),
    Check("latency", "latency", 0.05, "up", share=3),
    Check("latency p99", "p99", 0.01, "up", share=1),
    Check("scores", "scores", 0.05, share=2),
    Check("banners", "banners", 0.05, share=1),
    Check("tiers", "tiers", 0.05, share=1),
    Check("top-3 reasons", "reasons", 0.1, share=2),
    Check("traffic split", "split", 0.02, critical=False, share=1),
)


def checks_of(tables: Sequence[Mapping[str, Any]]) -> tuple[Check, ...]:
    """Checks of a TOML file: one table each, with the names of `Check` as keys.

    Raises:
        SettingsError: one is not a check.
    """
    known = {field.name: field for field in fields(Check)}
    needed = {name for name, field in known.items() if field.default is MISSING}
    for number, table in enumerate(tables, 1):
        if wrong := (table.keys() - known.keys()) | (needed - table.keys()):
            raise SettingsError(
                f"check {number}: {', '.join(sorted(wrong))} unknown or missing",
                instead=f"give {', '.join(sorted(needed))}, and of the others what should differ: {', '.join(known)}",
            )
    return tuple(Check(**table) for table in tables)


class Shares(NamedTuple):
    """What one check compares.

    Args:
        parts: what each share is the share of; as many as the last axis of the pairs is long.
        pairs: what was counted of them.
        counting: which of them matter; all, unless they are picked by what was counted.
        among_outside: by how many the chance of a false rollback is divided: one of them suffices.
        among_within: by how many that of a false promotion is: by one unless they are picked, since all must be within.
    """

    parts: tuple[str, ...]
    pairs: Pairs
    counting: NDArray[np.bool_]
    among_outside: int
    among_within: int

    def counted(self) -> bool:
        """Whether anything was, in both tracks."""
        return bool(self.parts and self.pairs.stable_total[0] and self.pairs.canary_total[0])


def compared(measure: Measure, stable: Counts, canary: Counts, earlier: Counts | None = None) -> Shares:
    """The shares that a measure compares; not for `split`, which compares the tracks with their weight.

    Earlier is what stable answered before. Counts of many runs at once have arrays for numbers; the parts are then the
    last axis.
    """
    counted = [MEASURES[measure](counts) for counts in (stable, canary, earlier or Counts())]
    parts = tuple(dict.fromkeys(name for hits, _ in counted[:2] for name in hits))

    def numbers(hits: Mapping[str, int], total: int) -> tuple[Numbers, Numbers]:
        # Counters are not read in one instant: one that is a request ahead of its total is no more than that.
        of_parts = [np.minimum(hits.get(part, 0), total) for part in parts]
        stacked = np.stack(of_parts, axis=-1).astype(float) if parts else np.zeros(0)
        return stacked, np.broadcast_to(np.asarray(total, dtype=float)[..., None], stacked.shape)

    pairs = Pairs(*(each for hits, total in counted for each in numbers(hits, total)))
    among = max({"tiers": MOST_TIERS, "reasons": MOST_FEATURES}.get(measure, 1), len(parts))
    if measure == "p99":
        return Shares(parts, pairs, _at_stable_p99(pairs), among, among)
    return Shares(parts, pairs, np.ones(pairs.canary_hits.shape, dtype=bool), among, 1)


def _at_stable_p99(pairs: Pairs) -> NDArray[np.bool_]:
    """The first bound that at most 1 % of stable's requests exceed; the last one if there is none."""
    slower = pairs.stable_hits / np.maximum(pairs.stable_total, 1)
    last = slower.shape[-1] - 1
    first = np.minimum((slower > P99_SLOWER).sum(axis=-1, keepdims=True), last)
    return np.asarray(np.arange(last + 1) == first)


type Hits = tuple[Mapping[str, int], int]


def _errors(counts: Counts) -> Hits:
    return {"errors": counts.errors}, counts.requests


def _slower(counts: Counts) -> Hits:
    """How many took longer than each bound."""
    total = sum(counts.latency)
    within = list(accumulate(counts.latency[:-1]))
    return {f"over {bound * 1000:g} ms": total - n for bound, n in zip(LATENCY_BOUNDS_S, within, strict=True)}, total


def _slow(counts: Counts) -> Hits:
    slower, total = _slower(counts)
    name = f"over {OBJECTIVE_S * 1000:g} ms"
    return {name: slower[name]}, total


def _scores(counts: Counts) -> Hits:
    """How many probabilities are up to each bound; the last bound holds all."""
    named = zip(PROBABILITY_BOUNDS, accumulate(counts.probability), strict=True)
    return {f"up to {bound:g}": n for bound, n in list(named)[:-1]}, sum(counts.probability)


def _banners(counts: Counts) -> Hits:
    return {"with a banner": counts.banners}, counts.predictions


def _tiers(counts: Counts) -> Hits:
    return counts.tiers, sum(counts.tiers.values())


def _reasons(counts: Counts) -> Hits:
    """Each feature's share among the top three.

    Whether two versions agree about one subscriber cannot be seen where each subscriber asks one of them only.
    """
    return counts.top_features, counts.predictions


MEASURES: Final[Mapping[str, Callable[[Counts], Hits]]] = {
    "errors": _errors,
    "slow": _slow,
    "latency": _slower,
    "p99": _slower,
    "scores": _scores,
    "banners": _banners,
    "tiers": _tiers,
    "reasons": _reasons,
}
