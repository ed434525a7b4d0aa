"""What one check finds: the effect, the bounds that surely hold it, and what that means in words."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from churn.judging.checks import Check, Comparison, compare
from churn.judging.counts import Counts
from churn.judging.sequences import (
    Numbers,
    Proportions,
    confidence_sequence,
    log_likelihood,
    log_mixture,
    split_sequence,
)

type VerdictDecision = Literal["promote", "hold", "roll back"]
# Bound the effect of each part. `lower` and `upper` hold at every look; both are minus infinity for parts that do not
# matter.
type Bounds = tuple[Numbers, Numbers]


class Levels(NamedTuple):
    """The chances of an error that a check may take: to be wrong about `outside`, and about `within`."""

    outside: float
    within: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Args:
        decision: `promote` if surely within the tolerance, `roll back` if surely outside and critical, else `hold`.
        effect: the largest difference observed, canary minus stable; its size where both directions are bad.
        low, high: the effect surely lies between the two, at this look and all others. None, like the effect, where
            nothing was counted.
        requests_stable, requests_canary: how many answers the finding rests on.
    """

    check: str
    decision: VerdictDecision
    reason: str
    effect: float | None
    low: float | None
    high: float | None
    tolerance: float
    critical: bool
    requests_stable: int
    requests_canary: int

    @property
    def is_within(self) -> bool:
        """Whether the check passes."""
        return self.decision == "promote"

    @property
    def is_outside(self) -> bool:
        """Whether the effect is surely outside the tolerance, critical or not."""
        return self.low is not None and self.low > self.tolerance

    @property
    def width(self) -> float:
        """How wide the confidence sequence still is, in tolerances; the wider, the longer one has to wait."""
        return math.inf if self.low is None or self.high is None else (self.high - self.low) / max(self.tolerance, 1e-9)


def decide(low: float, high: float, tolerance: float, *, critical: bool = True) -> VerdictDecision:
    """Decide by one effect, which surely lies between `low` and `high`."""
    if low > tolerance:
        return "roll back" if critical else "hold"
    return "promote" if high < tolerance else "hold"


def describe_bounds(low: float, high: float, tolerance: float, number: Callable[[float], str]) -> str:
    """Say between which bounds an effect lies, or on which side of the tolerance."""
    if low > tolerance:
        return f"surely more than {number(low)}"
    return f"surely less than {number(high)}" if high < tolerance else f"between {number(low)} and {number(high)}"


def evaluate_checks(
    checks: Sequence[tuple[Check, Levels]], stable: Counts, canary: Counts, earlier: Counts, expected: float
) -> tuple[Finding, ...]:
    """Evaluate each check on the counts of two tracks. The canary should have the expected share of the requests."""
    compared = [(check, level, compare(check.measure, stable, canary, earlier)) for check, level in checks]
    return tuple(
        _find_split(check, stable.requests + stable.refused, canary.requests + canary.refused, expected, level)
        if check.measure.is_split
        else _find_effect(check, level, comparison, bounds)
        for (check, level, comparison), bounds in zip(compared, _bound_effects(compared), strict=True)
    )


def _find_effect(check: Check, level: Levels, comparison: Comparison, bounds: Bounds) -> Finding:
    if not comparison.is_counted():
        return _finding_without_effect(check, "hold", "nothing was counted of it yet", (0, 0))
    lower, upper = bounds
    low, high = float(lower.max()), float(upper.max())
    effects = comparison.proportions.effect()[comparison.selected]
    effect = float(effects.max() if check.direction == "up" else np.abs(effects).max())
    part = int((lower if low > check.tolerance else upper).argmax())
    requests = int(comparison.proportions.stable_total[0]), int(comparison.proportions.canary_total[0])
    finding = _finding(check, _describe_counts(comparison, part), (effect, low, high), requests)
    if finding.is_within or finding.is_outside:
        return finding
    return replace(finding, reason=finding.reason + _describe_wait(estimate_wait(check, comparison, level)))


def _find_split(check: Check, stable: int, canary: int, expected: float, level: Levels) -> Finding:
    """Compare the canary's requests with its weight. If they differ, other people may ask the two tracks."""
    if not 0 < expected < 1:
        return _finding_without_effect(check, "promote", "all requests go one way", (stable, canary))
    total = stable + canary
    out_low, out_high = split_sequence(canary, total, level.outside, expected=expected)
    in_low, in_high = split_sequence(canary, total, level.within, expected=expected)
    low, high = max(out_low - expected, expected - out_high, 0.0), max(in_high - expected, expected - in_low)
    counts = f"the canary got {100 * canary / total:.2f} % of {total:,} requests and should get {100 * expected:.2f} %"
    return _finding(check, counts, (abs(canary / total - expected), low, high), (stable, canary))


def estimate_wait(check: Check, comparison: Comparison, level: Levels) -> float:
    """Estimate how many more requests of both tracks it takes until one is sure; infinity if unknown.

    This supposes that all goes on as it did. As long as the shares stay the same, likelihoods drift apart in proportion
    to the requests, while the loss by the mixture stays about the same.
    """
    proportions = comparison.proportions.select(comparison.selected)
    effect, most = proportions.effect(), log_likelihood(proportions)
    lost = most - log_mixture(proportions)
    total = float(proportions.stable_total[0] + proportions.canary_total[0])

    def more(edge: Numbers | float, alpha: float) -> Numbers:
        """Return how many more it takes, as a multiple of those so far."""
        with np.errstate(divide="ignore"):
            drift = np.maximum(most - log_likelihood(proportions, edge), 0)
            return np.maximum((lost - math.log(alpha)) / drift - 1, 0)

    outside = effect > check.tolerance if check.direction == "up" else np.abs(effect) > check.tolerance
    if outside.any():
        needed = more(np.copysign(check.tolerance, effect), level.outside / comparison.divide_outside)
        return total * float(needed[outside].min())
    edges = [check.tolerance] if check.direction == "up" else [check.tolerance, -check.tolerance]
    return total * max(float(more(edge, level.within / comparison.divide_within).max()) for edge in edges)


def _bound_effects(compared: Sequence[tuple[Check, Levels, Comparison]]) -> Iterator[Bounds]:
    """Bound the effects of each check. One computation for all checks is several times faster."""
    sizes = [len(comparison.parts) for _, _, comparison in compared]
    arrays = zip(*(comparison.proportions for _, _, comparison in compared), strict=True)
    proportions = Proportions(*map(np.concatenate, arrays))
    outside = np.repeat([level.outside / comparison.divide_outside for _, level, comparison in compared], sizes)
    within = np.repeat([level.within / comparison.divide_within for _, level, comparison in compared], sizes)
    borders = np.cumsum(sizes)[:-1]
    ends = (np.split(end, borders) for alpha in (outside, within) for end in confidence_sequence(proportions, alpha))
    for (check, _, comparison), out_low, out_high, in_low, in_high in zip(compared, *ends, strict=True):
        if check.direction == "up":
            lower, upper = out_low, in_high
        else:
            lower, upper = np.maximum(np.maximum(out_low, -out_high), 0), np.maximum(in_high, -in_low)
        yield np.where(comparison.selected, lower, -np.inf), np.where(comparison.selected, upper, -np.inf)


def _finding(check: Check, counts: str, bounded: tuple[float, float, float], requests: tuple[int, int]) -> Finding:
    effect, low, high = bounded
    decision = decide(low, high, check.tolerance, critical=check.critical)
    sure = describe_bounds(low, high, check.tolerance, lambda share: f"{100 * share:.2f}")
    reason = f"{check.name}: {counts}, a difference of {sure} points, tolerance {100 * check.tolerance:g}"
    return Finding(check.name, decision, reason, effect, low, high, check.tolerance, check.critical, *requests)


def _finding_without_effect(check: Check, decision: VerdictDecision, why: str, requests: tuple[int, int]) -> Finding:
    reason = f"{check.name}: {why}"
    return Finding(check.name, decision, reason, None, None, None, check.tolerance, check.critical, *requests)


def _describe_counts(comparison: Comparison, part: int) -> str:
    stable_hits, stable_total, canary_hits, canary_total = (
        int(numbers[part]) for numbers in comparison.proportions[:4]
    )
    return (
        f"{comparison.parts[part]} {100 * canary_hits / canary_total:.2f} % of the canary's {canary_total:,}, "
        f"{100 * stable_hits / stable_total:.2f} % of stable's {stable_total:,}"
    )


def _describe_wait(more: float) -> str:
    if not math.isfinite(more):
        return ", and how many more requests it takes cannot be told"
    digits = max(len(str(int(more))) - 2, 0)
    return f", about {max(round(more, -digits), 1):,.0f} more requests in all"
