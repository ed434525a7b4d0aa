"""What one check finds: the effect, between which ends it surely lies, and what that means in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from churn.judging.checks import Check, Shares, compared
from churn.judging.counts import Counts
from churn.judging.sequences import Numbers, Pairs, confidence_sequence, log_likelihood, log_mixture, split_sequence

type Decision = Literal["promote", "hold", "roll back"]
# Of each part: above what its effect surely is, and below what; minus infinity where it does not count.
type Ends = tuple[Numbers, Numbers]


class Levels(NamedTuple):
    """How unlikely an error must be before one is sure."""

    outside: float
    within: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Args:
        decision: `promote` if surely within the tolerance, `roll back` if surely outside and critical, else `hold`.
        effect: the largest difference observed, canary minus stable; its size where both directions are bad.
        low, high: surely the effect is above the one and below the other, for all looks so far and to come. Like the
            effect None where nothing was counted.
        requests_stable, requests_canary: how many this rests on.
    """

    check: str
    decision: Decision
    reason: str
    effect: float | None
    low: float | None
    high: float | None
    tolerance: float
    critical: bool
    requests_stable: int
    requests_canary: int

    @property
    def surely_outside(self) -> bool:
        """Critical or not."""
        return self.low is not None and self.low > self.tolerance

    @property
    def far_from_sure(self) -> float:
        """How wide the confidence sequence still is, in tolerances; the wider, the longer one has to wait."""
        return math.inf if self.low is None or self.high is None else (self.high - self.low) / max(self.tolerance, 1e-9)


def find(
    checks: Sequence[tuple[Check, Levels]], stable: Counts, canary: Counts, earlier: Counts, expected: float
) -> tuple[Finding, ...]:
    """What each check finds in the counts of two tracks, of which the canary should have the expected share."""
    comparing = [
        (each, level, compared(each.measure, stable, canary, earlier)) for each, level in checks if not each.of_split
    ]
    shares = iter([(*one, ends) for one, ends in zip(comparing, _ends(comparing), strict=True)])
    return tuple(
        _of_split(check, stable.requests, canary.requests, expected, level)
        if check.of_split
        else _of_shares(*next(shares))
        for check, level in checks
    )


def _of_shares(check: Check, level: Levels, found: Shares, ends: Ends) -> Finding:
    if not found.counted():
        return _finding(check, "hold", "nothing was counted of it yet", (None, None, None), (0, 0))
    lows, highs = ends
    low, high = float(lows.max()), float(highs.max())
    outside = low > check.tolerance
    effects = found.pairs.effect()[found.counting]
    effect = float(effects.max() if check.direction == "up" else np.abs(effects).max())
    words = f"{_counted_words(found, int((lows if outside else highs).argmax()))}, {_sure_words(check, low, high)}"
    decision = _decision(check, low, high)
    if decision == "hold" and not outside:
        words += _more_words(more_requests(check, found, level))
    rests_on = int(found.pairs.stable_total[0]), int(found.pairs.canary_total[0])
    return _finding(check, decision, words, (effect, low, high), rests_on)


def _of_split(check: Check, stable: int, canary: int, expected: float, level: Levels) -> Finding:
    """Whether the canary got the requests it should have; if not, those who ask the two tracks may not be alike."""
    if not 0 < expected < 1:
        return _finding(check, "promote", "all requests go one way", (None, None, None), (stable, canary))
    total = stable + canary
    out_low, out_high = split_sequence(canary, total, level.outside, expected=expected)
    in_low, in_high = split_sequence(canary, total, level.within, expected=expected)
    low, high = max(out_low - expected, expected - out_high, 0.0), max(in_high - expected, expected - in_low)
    words = f"the canary got {100 * canary / total:.2f} % of {total:,} requests and should get {100 * expected:.2f} %"
    words = f"{words}, {_sure_words(check, low, high)}"
    effect = abs(canary / total - expected)
    return _finding(check, _decision(check, low, high), words, (effect, low, high), (stable, canary))


def more_requests(check: Check, found: Shares, level: Levels) -> float:
    """Roughly how many more requests of both tracks until one is sure, if all goes on as it did; infinity if unknown.

    As long as the shares stay the same, likelihoods drift apart in proportion to the requests, while what the mixture
    loses stays about the same.
    """
    pairs = found.pairs.where(found.counting)
    effect, most, lost = pairs.effect(), log_likelihood(pairs), log_likelihood(pairs) - log_mixture(pairs)
    total = float(pairs.stable_total[0] + pairs.canary_total[0])

    def more(edge: Numbers | float, alpha: float) -> Numbers:
        """By how large a part of those so far."""
        with np.errstate(divide="ignore"):
            return np.maximum((lost - math.log(alpha)) / np.maximum(most - log_likelihood(pairs, edge), 0) - 1, 0)

    outside = effect > check.tolerance if check.direction == "up" else np.abs(effect) > check.tolerance
    if outside.any():
        needed = more(np.copysign(check.tolerance, effect), level.outside / found.among_outside)
        return total * float(needed[outside].min())
    edges = [check.tolerance] if check.direction == "up" else [check.tolerance, -check.tolerance]
    return total * max(float(more(edge, level.within / found.among_within).max()) for edge in edges)


def _ends(comparing: Sequence[tuple[Check, Levels, Shares]]) -> Iterator[Ends]:
    """Each check's ends; all in one go, which is several times faster."""
    sizes = [len(found.parts) for _, _, found in comparing]
    pairs = Pairs(*(np.concatenate(each) for each in zip(*(found.pairs for _, _, found in comparing), strict=True)))
    outside = np.repeat([level.outside / found.among_outside for _, level, found in comparing], sizes)
    within = np.repeat([level.within / found.among_within for _, level, found in comparing], sizes)
    borders = np.cumsum(sizes)[:-1]
    ends = (np.split(end, borders) for alpha in (outside, within) for end in confidence_sequence(pairs, alpha))
    for (check, _, found), out_low, out_high, in_low, in_high in zip(comparing, *ends, strict=True):
        if check.direction == "up":
            low, high = out_low, in_high
        else:
            low, high = np.maximum(np.maximum(out_low, -out_high), 0), np.maximum(in_high, -in_low)
        yield np.where(found.counting, low, -np.inf), np.where(found.counting, high, -np.inf)


def _decision(check: Check, low: float, high: float) -> Decision:
    if low > check.tolerance:
        return "roll back" if check.critical else "hold"
    return "promote" if high < check.tolerance else "hold"


def _finding(
    check: Check,
    decision: Decision,
    words: str,
    ends: tuple[float | None, float | None, float | None],
    rests_on: tuple[int, int],
) -> Finding:
    return Finding(check.name, decision, f"{check.name}: {words}", *ends, check.tolerance, check.critical, *rests_on)


def _counted_words(found: Shares, at: int) -> str:
    stable_hits, stable_total, canary_hits, canary_total = (int(numbers[at]) for numbers in found.pairs[:4])
    return (
        f"{found.parts[at]} {100 * canary_hits / canary_total:.2f} % of the canary's {canary_total:,}, "
        f"{100 * stable_hits / stable_total:.2f} % of stable's {stable_total:,}"
    )


def _sure_words(check: Check, low: float, high: float) -> str:
    """The difference, in percentage points."""
    if low > check.tolerance:
        sure = f"surely more than {100 * low:.2f}"
    elif high < check.tolerance:
        sure = f"surely less than {100 * high:.2f}"
    else:
        sure = f"between {100 * low:.2f} and {100 * high:.2f}"
    return f"a difference of {sure} points, tolerance {100 * check.tolerance:g}"


def _more_words(more: float) -> str:
    if not math.isfinite(more):
        return ", and how many more requests it takes cannot be told"
    digits = max(len(str(int(more))) - 2, 0)
    return f", about {max(round(more, -digits), 1):,.0f} more requests in all"
