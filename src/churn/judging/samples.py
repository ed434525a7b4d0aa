"""What a check finds in two samples: the requests that stable answered, and the requests that the canary answered."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from churn.judging.checks import Check, Comparison, compare
from churn.judging.counts import Counts
from churn.judging.findings import Finding, Levels, build_finding, build_unknown_finding
from churn.judging.sequences import (
    Numbers,
    Proportions,
    confidence_sequence,
    log_likelihood,
    log_mixture,
    ratio_sequence,
    split_sequence,
)

# Bound the effect of each part. `lower` and `upper` hold at every look; both are minus infinity for parts that do not
# matter.
type Bounds = tuple[Numbers, Numbers]


def find_in_samples(
    checks: Sequence[tuple[Check, Levels]], stable: Counts, canary: Counts, earlier: Counts
) -> Iterator[Finding]:
    """Yield what each check finds in the counts of two tracks.

    Where failures were repeated, there are two ways to count. One is sure of what both say.
    """
    compared = [(check, level, compare(check.measure, stable, canary, earlier)) for check, level in checks]
    together = [(check, level, comparison.view_together()) for check, level, comparison in compared]
    bounds = list(_bound_effects(compared))
    others = bounds if all(comparison.together is None for _, _, comparison in compared) else _bound_effects(together)
    for (check, level, comparison), own, other in zip(compared, bounds, others, strict=True):
        yield _find_effect(check, level, comparison, own, other)


def find_in_split(check: Check, stable: Counts, canary: Counts, expected: float, level: Levels) -> Finding:
    """Compare the canary's requests with its weight. If they differ, other people may ask the two tracks."""
    requests = stable.requests + stable.refused, canary.requests + canary.refused
    if not 0 < expected < 1:
        return build_unknown_finding(check, "promote", "all requests go one way", requests)
    total, of_canary = sum(requests), requests[1]
    out_low, out_high = split_sequence(of_canary, total, level.outside, expected=expected)
    in_low, in_high = split_sequence(of_canary, total, level.within, expected=expected)
    low, high = max(out_low - expected, expected - out_high, 0.0), max(in_high - expected, expected - in_low)
    share = of_canary / total
    counts = f"the canary got {100 * share:.2f} % of {total:,} requests and should get {100 * expected:.2f} %"
    return build_finding(check, counts, (abs(share - expected), low, high), requests)


def _find_effect(check: Check, level: Levels, comparison: Comparison, bounds: Bounds, others: Bounds) -> Finding:
    if not comparison.is_counted():
        return build_unknown_finding(check, "hold", "nothing was counted of it yet")
    tolerated = check
    if check.relative_tolerance:
        tolerance = check.find_tolerance(float(_stable_shares(comparison)[0]))
        tolerated = replace(check, tolerance=tolerance, relative_tolerance=0)
        bounds, others = (
            _bound_multiples(check, level, view.proportions, both)
            for view, both in ((comparison, bounds), (comparison.view_together(), others))
        )
        bounds, others = ((tolerance * low, tolerance * high) for low, high in (bounds, others))
    lower, upper = np.minimum(bounds[0], others[0]), np.maximum(bounds[1], others[1])
    low, high = float(lower.max()), float(upper.max())
    effects = comparison.proportions.effect()[comparison.selected]
    effect = float(effects.max() if check.direction == "up" else np.abs(effects).max())
    part = int((lower if low > tolerated.tolerance else upper).argmax())
    requests = int(comparison.proportions.stable_total[0]), int(comparison.proportions.canary_total[0])
    return build_finding(
        tolerated,
        _describe_counts(comparison, part),
        (effect, low, high),
        requests,
        wait=lambda: estimate_wait(check, comparison, level),
    )


def _bound_multiples(check: Check, level: Levels, proportions: Proportions, bounds: Bounds) -> Bounds:
    """Bound the effect in multiples of what is tolerated: a number of points, or a part of stable's share if more.

    Both kinds of bounds rest on one mixture, so both hold at once. What is tolerated is the larger one: to be outside
    takes both kinds, to be within takes either. Below zero it is the other way round.
    """
    (ratio_low, _), (_, ratio_high) = (ratio_sequence(proportions, alpha) for alpha in level)
    both = (
        (points / check.tolerance, (ratio - 1) / check.relative_tolerance)
        for points, ratio in zip(bounds, (ratio_low, ratio_high), strict=True)
    )
    low, high = (np.where(one < 0, np.maximum(one, other), np.minimum(one, other)) for one, other in both)
    return low, high


def estimate_wait(check: Check, comparison: Comparison, level: Levels) -> float:
    """Estimate how many more requests of both tracks it takes until one is sure; infinity if unknown.

    This supposes that all goes on as it did. As long as the shares stay the same, likelihoods drift apart in proportion
    to the requests, while the loss by the mixture stays about the same.
    """
    proportions = comparison.proportions.select(comparison.selected)
    effect, most = proportions.effect(), log_likelihood(proportions)
    lost = most - log_mixture(proportions)
    total = float(proportions.stable_total[0] + proportions.canary_total[0])

    def more(edge: Numbers | float, alpha: float, *, is_ratio: bool = False) -> Numbers:
        """Return how many more it takes, as a multiple of those so far."""
        with np.errstate(divide="ignore"):
            drift = np.maximum(most - log_likelihood(proportions, edge, is_ratio=is_ratio), 0)
            return np.maximum((lost - math.log(alpha)) / drift - 1, 0)

    outside_alpha, within_alpha = level.outside / comparison.divide_outside, level.within / comparison.divide_within
    if check.relative_tolerance:
        follows = check.relative_tolerance * float(_stable_shares(comparison)[0])
        lines = [(check.tolerance, check.tolerance, False), (follows, 1 + check.relative_tolerance, True)]
        below = [line for line in lines if effect[0] <= line[0]]
        alpha, first = (within_alpha, min) if below else (outside_alpha, max)
        return total * float(first(more(edge, alpha, is_ratio=is_ratio)[0] for _, edge, is_ratio in below or lines))
    outside = effect > check.tolerance if check.direction == "up" else np.abs(effect) > check.tolerance
    if outside.any():
        return total * float(more(np.copysign(check.tolerance, effect), outside_alpha)[outside].min())
    edges = [check.tolerance] if check.direction == "up" else [check.tolerance, -check.tolerance]
    return total * max(float(more(edge, within_alpha).max()) for edge in edges)


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


def _describe_counts(comparison: Comparison, part: int) -> str:
    stable_hits, stable_total, canary_hits, canary_total = (
        int(numbers[part]) for numbers in comparison.proportions[:4]
    )
    once = ", with one hit a minute of a subscriber" if comparison.together is not None else ""
    return (
        f"{comparison.parts[part]} {100 * canary_hits / canary_total:.2f} % of the canary's {canary_total:,}, "
        f"{100 * stable_hits / stable_total:.2f} % of stable's {stable_total:,}{once}"
    )


def _stable_shares(comparison: Comparison) -> Numbers:
    return comparison.proportions.stable_hits / np.maximum(comparison.proportions.stable_total, 1)
