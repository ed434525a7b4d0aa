"""The checks of a rollout as data, and the measures that they compare.

A check compares shares of the two tracks, canary minus stable. Its effect is the largest of these differences: in the
bad direction only, or in either. Guardrails compare what the business gets.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from itertools import accumulate
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from churn.errors import SettingsError
from churn.judging.counts import Counts
from churn.judging.metrics import LATENCY_BOUNDS_S, OBJECTIVE_S
from churn.judging.pairs import BANNER_PART, SCORE_PARTS
from churn.judging.sequences import Proportions
from churn.judging.step_sequences import add_steps

type Direction = Literal["up", "down", "both"]
type Flags = NDArray[np.bool_]
# The hits of each part, and the total that each is a share of.
type Hits = tuple[Mapping[str, int], int]

P99_SLOWER: Final = 0.01
# More than a contract has, so that the shares of the risk do not depend on the names that occurred so far.
MOST_TIERS, MOST_FEATURES = 4, 20
_MOST_TOLERANCE = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What a check compares, by its name in a TOML file.

    Args:
        count: turns counts into the hits of each part, and their total; the parts are always the same.
        least_parts: the chance of a false rollback is divided by the number of parts, and by this at least.
        select: picks the parts that matter, by what was counted; None if all matter.
        is_health: hardly depends on who asks. It is still believed when the requests were not split as they should be.
        is_split: compares the canary's part of the requests with its weight, and has no `count`.
        is_paired: compares what both versions said of the same subscribers, and has no `count` either.
        parts: the names of all parts in pairs, where every version has the same. None may be missing.
        is_guardrail: tells what the business gets, and has no `count`. It has a risk of its own.
        is_better_high: has a check where only less is bad; the effect is how much less.
        is_rate: is one share of what went wrong, so that its tolerance may follow stable's.
        is_latency: depends on the machine as much as on the version.
        early_tolerance: an effect surely below this is enough to leave an early step, if the tolerance is less.
    """

    name: str
    count: Callable[[Counts], Hits] = lambda _: ({}, 0)
    least_parts: int = 1
    select: Callable[[Proportions], Flags] | None = None
    is_health: bool = False
    is_split: bool = False
    is_paired: bool = False
    is_guardrail: bool = False
    is_better_high: bool = False
    is_rate: bool = False
    is_latency: bool = False
    early_tolerance: float = 0.0
    parts: tuple[str, ...] = ()

    @property
    def is_in_samples(self) -> bool:
        """Whether it compares the requests of two tracks."""
        return not (self.is_split or self.is_paired or self.is_guardrail)

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions that a check of it may have."""
        if self.is_better_high:
            return ("down",)
        return ("up",) if self.is_guardrail else ("up", "both")


def _count_slower(counts: Counts) -> Hits:
    """Count the requests that took longer than each bound."""
    total = sum(counts.latency)
    within = list(accumulate(counts.latency[:-1]))
    return {_beyond(bound): total - n for bound, n in zip(LATENCY_BOUNDS_S, within, strict=True)}, total


def _count_slow(counts: Counts) -> Hits:
    slower, total = _count_slower(counts)
    return {_beyond(OBJECTIVE_S): slower[_beyond(OBJECTIVE_S)]}, total


def _beyond(bound_s: float) -> str:
    return f"over {bound_s * 1000:g} ms"


def _select_p99(proportions: Proportions) -> Flags:
    """Pick the first bound that at most 1 % of stable's requests exceed in all steps, or else the last one."""
    proportions = add_steps(proportions)
    slower = proportions.stable_hits / np.maximum(proportions.stable_total, 1)
    last = slower.shape[-1] - 1
    first = np.minimum((slower > P99_SLOWER).sum(axis=-1, keepdims=True), last)
    return np.asarray(np.arange(last + 1) == first)


ERRORS: Final = Measure(
    name="errors",
    count=lambda counts: ({"errors": counts.errors}, counts.requests),
    is_health=True,
    is_rate=True,
    early_tolerance=0.005,
)
SLOW: Final = Measure(
    name="slow", count=_count_slow, is_health=True, is_rate=True, is_latency=True, early_tolerance=0.01
)
LATENCY: Final = Measure(name="latency", count=_count_slower, is_health=True, is_latency=True, early_tolerance=0.1)
P99: Final = Measure(
    name="p99", count=_count_slower, select=_select_p99, is_health=True, is_latency=True, early_tolerance=0.02
)
SCORES: Final = Measure(name="scores", is_paired=True, parts=SCORE_PARTS)
BANNERS: Final = Measure(name="banners", is_paired=True, parts=(BANNER_PART,))
TIERS: Final = Measure(name="tiers", least_parts=MOST_TIERS, is_paired=True)
REASONS: Final = Measure(name="reasons", least_parts=MOST_FEATURES, is_paired=True)
REFUSED: Final = Measure(
    name="refused", count=lambda counts: ({"refused": counts.refused}, counts.requests + counts.refused)
)
SPLIT: Final = Measure(name="split", is_split=True)
ACCEPTED: Final = Measure(name="accepted", is_guardrail=True, is_better_high=True, is_rate=True)
DISMISSED: Final = Measure(name="dismissed", is_guardrail=True, is_rate=True)
OBJECTED: Final = Measure(name="objected", is_guardrail=True, is_rate=True)
NET_VALUE: Final = Measure(name="net_value", is_guardrail=True, is_better_high=True)


@dataclass(frozen=True, slots=True)
class Check:
    """A measure with its tolerance.

    Args:
        tolerance: the largest acceptable effect, as a difference of shares: 0.01 is one request in a hundred.
        direction: `up` where only more is bad, `down` where only less is, `both` where both are.
        critical: whether an effect outside the tolerance means roll back; if not, it only stops a promotion.
        share: its part of the chance of a false rollback, relative to the other checks; a larger one is sooner sure.
            A check that is not critical needs none. With 0 it takes nothing from the others.
        relative_tolerance: so many times stable's share is tolerated too, where that is more: 0.5 is half of it.
        early_tolerance: the effect must surely be less to leave an early step, and in the last step by itself. None
            if the measure says so.
        must_pass: whether the effect must surely be within the tolerance to go on. If not, only one that is surely
            outside counts, and nobody waits until one is sure.
    """

    name: str
    measure: Measure
    tolerance: float
    direction: Direction = "both"
    critical: bool = True
    share: float = 1.0
    relative_tolerance: float = 0.0
    early_tolerance: float | None = None
    must_pass: bool = True

    def __post_init__(self) -> None:
        least = self.share > 0 if self.critical else self.share >= 0
        if not (0 <= self.tolerance < 1 and least and self.share < float("inf")):
            raise SettingsError(
                f"check {self.name}: tolerance {self.tolerance:g} and share {self.share:g} make no sense",
                instead="give a tolerance from 0 to less than 1, and a share above 0; or 0 if it is not critical",
            )
        if self.measure.is_guardrail and not self.tolerance:
            raise SettingsError(
                f"check {self.name}: nobody is ever sure that nothing is lost", instead="give a tolerance above 0"
            )
        directions = self.measure.directions
        if self.direction not in directions:
            raise SettingsError(
                f"check {self.name}: {self.measure.name} has no direction {self.direction}",
                instead=", or ".join(directions),
            )
        if not 0 <= self.relative_tolerance <= 1:
            raise SettingsError(
                f"check {self.name}: a relative_tolerance of {self.relative_tolerance:g} makes no sense",
                instead="give a part of stable's share, from 0 to 1; 0.5 is half of it",
            )
        if self.relative_tolerance and not (self.measure.is_rate and self.direction != "both" and self.tolerance):
            raise SettingsError(
                f"check {self.name}: its tolerance cannot follow stable's share",
                instead="use it with errors, slow, accepted, dismissed or objected, with direction up or down, and "
                "with a tolerance above 0",
            )

        if self.early_tolerance is None:
            return
        if not self.measure.is_in_samples:
            raise SettingsError(
                f"check {self.name}: it has no early_tolerance, since it does not count on from step to step",
                instead="leave early_tolerance out",
            )
        if not self.tolerance <= self.early_tolerance < 1:
            raise SettingsError(
                f"check {self.name}: an early_tolerance of {self.early_tolerance:g} makes no sense",
                instead=f"give one from the tolerance, {self.tolerance:g}, to less than 1",
            )

    @property
    def early(self) -> float:
        """What the effect must surely be less than to leave an early step."""
        early = self.measure.early_tolerance if self.early_tolerance is None else self.early_tolerance
        return max(early, self.tolerance)

    def find_tolerance(self, stable: float) -> float:
        """Return what is tolerated where stable has this share."""
        return max(self.tolerance, min(self.relative_tolerance * stable, _MOST_TOLERANCE))


# docs/judge.md gives the reason for each tolerance.
DEFAULT_CHECKS: Final = (
    Check("error share", ERRORS, 0.001, "up", share=8),
    Check("over 200 ms", SLOW, 0.005, "up", share=2),
    Check("latency", LATENCY, 0.05, "up", share=3),
    Check("latency p99", P99, 0.01, "up", share=1),
    Check("scores", SCORES, 0.05, share=2),
    Check("banners", BANNERS, 0.05, share=1),
    Check("tiers", TIERS, 0.05, share=1),
    Check("top-3 reasons", REASONS, 0.1, share=2),
    Check("refused requests", REFUSED, 0.01, critical=False, share=0),
    Check("traffic split", SPLIT, 0.02, critical=False, share=1),
)
# Judged where something is known of them. Their risk comes on top of that of the others. To be sure of what became of
# banners takes more of them than most rollouts see, so nobody waits for that.
GUARDRAILS: Final = (
    Check("net value", NET_VALUE, 0.1, "down", share=2),
    Check("accepted", ACCEPTED, 0.02, "down", share=2, relative_tolerance=0.25, must_pass=False),
    Check("dismissed", DISMISSED, 0.05, "up", share=1, relative_tolerance=0.25, must_pass=False),
    Check("objected", OBJECTED, 0.005, "up", share=1, must_pass=False),
)
ALL_CHECKS: Final = (*DEFAULT_CHECKS, *GUARDRAILS)
# A TOML file may name these; every measure has a default check.
MEASURES: Final = {check.measure.name: check.measure for check in ALL_CHECKS}


def checks_from_tables(tables: Sequence[Mapping[str, Any]]) -> tuple[Check, ...]:
    """Read the checks of a TOML file: one table each, with the fields of `Check` as keys.

    Raises:
        SettingsError: a table is no check.
    """
    known = {field.name: field for field in fields(Check)}
    needed = {name for name, field in known.items() if field.default is MISSING}
    checks = []
    for number, table in enumerate(tables, 1):
        if wrong := (table.keys() - known.keys()) | (needed - table.keys()):
            raise SettingsError(
                f"check {number}: {', '.join(sorted(wrong))} unknown or missing",
                instead=f"give {', '.join(sorted(needed))}, and of the others what should differ: {', '.join(known)}",
            )
        measure = MEASURES.get(str(table["measure"]))
        if measure is None:
            raise SettingsError(
                f"check {table['name']}: there is no measure {table['measure']}",
                instead=f"use one of {', '.join(MEASURES)}",
            )
        checks.append(Check(**{**table, "measure": measure}))
    return tuple(checks)
