"""What a check finds in two samples: the requests that stable answered, and the requests that the canary answered.

Each step of the rollout is such a pair of samples. Evidence counts on from step to step (`step_sequences.py`).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from churn.judging.checks import Check
from churn.judging.comparison import Comparison, compare
from churn.judging.counts import Counts, StepAnswers
from churn.judging.findings import Finding, Levels, build_finding, build_unknown_finding
from churn.judging.sequences import ALIKE, ANY, Numbers, Prior, Proportions, log_likelihood, split_sequence
from churn.judging.step_sequences import (
    Side,
    add_steps,
    average_effect,
    difference_sequence,
    log_steps_likelihood,
    log_steps_mixture,
    ratio_sequence,
    select_parts,
)

# Bound the effect of each part. `lower` and `upper` hold at every look; both are minus infinity for parts that do not
# matter.
type Bounds = tuple[Numbers, Numbers]
# What is expected where one wants to be sure that the effect is outside, or within.
PRIORS: Final = (ANY, ALIKE)


def find_in_samples(
    checks: Sequence[tuple[Check, Levels]],
    steps: Sequence[StepAnswers],
    *,
    is_early: bool = False,
    whose: str = "stable",
) -> Iterator[Finding]:
    """Yield what each check finds in the counts of two tracks, in all steps together.

    Where somebody had several answers within a minute, there are two ways to count. One is sure of what both say.

    Args:
        is_early: whether the check's early tolerance is enough to pass.
        whose: with whose requests the canary's are compared, in words.
    """
    if not checks:
        return
    compared = [(check, level, compare(check.measure, steps)) for check, level in checks]
    once = [(check, level, comparison.view_once()) for check, level, comparison in compared]
    bounds = list(_bound_effects(compared))
    others = bounds if all(comparison.once is None for _, _, comparison in compared) else _bound_effects(once)
    for (check, level, comparison), own, other in zip(compared, bounds, others, strict=True):
        enough = check.early if is_early else check.tolerance
        yield _find_effect((check, level, comparison), (own, other), enough, whose)


def find_in_split(check: Check, stable: Counts, canary: Counts, expected: float, level: Levels) -> Finding:
    """Compare the canary's requests with its weight. If they differ, other people may ask the two tracks."""
    requests = stable.requests + stable.refused, canary.requests + canary.refused
    if not 0 < expected < 1:
        return build_unknown_finding(check, "promote", "all requests go one way", requests)
    total, of_canary = sum(requests), requests[1]
    if not total:  # all that came were retries
        return build_unknown_finding(check, "hold", "nothing was counted of it yet")
    out_low, out_high = split_sequence(of_canary, total, level.outside, expected=expected)
    in_low, in_high = split_sequence(of_canary, total, level.within, expected=expected)
    low, high = max(out_low - expected, expected - out_high, 0.0), max(in_high - expected, expected - in_low)
    share = of_canary / total
    counts = f"the canary got {100 * share:.2f} % of {total:,} requests and should get {100 * expected:.2f} %"
    return build_finding(check, counts, (abs(share - expected), low, high), requests)


def _find_effect(
    compared: tuple[Check, Levels, Comparison], both: tuple[Bounds, Bounds], enough: float, whose: str
) -> Finding:
    check, level, comparison = compared
    bounds, others = both
    if not comparison.is_counted():
        return build_unknown_finding(check, "hold", "nothing was counted of it yet")
    (lower, upper), tolerated = _widen(bounds, others), check
    if check.relative_tolerance:
        tolerance = check.find_tolerance(float(_stable_shares(comparison)[0]))
        tolerated = replace(check, tolerance=tolerance, relative_tolerance=0, early_tolerance=None)
        views = ((comparison, bounds), (comparison.view_once(), others))
        low, high = _widen(*(_bound_multiples(check, level, view.proportions, ends) for view, ends in views))
        lower = tolerance * low
        # A step is left early by points alone, whatever multiple of stable's share they are.
        is_enough = enough > check.tolerance and upper.max() < enough
        upper, enough = (upper, max(enough, tolerance)) if is_enough else (tolerance * high, tolerance)
    lowest, highest = float(lower.max()), float(upper.max())
    effects = average_effect(comparison.proportions)[comparison.selected]
    effect = float(effects.max() if check.direction == "up" else np.abs(effects).max())
    part = int((lower if lowest > tolerated.tolerance else upper).argmax())
    return build_finding(
        tolerated,
        _describe_counts(comparison, part, whose),
        (effect, lowest, highest),
        comparison.view_once().count_answers(),
        wait=lambda: _estimate_requests(check, comparison, level, enough),
        enough=enough,
    )


def _widen(bounds: Bounds, others: Bounds) -> Bounds:
    """Return what both ways to count are sure of."""
    return np.minimum(bounds[0], others[0]), np.maximum(bounds[1], others[1])


def _bound_multiples(check: Check, level: Levels, proportions: Proportions, bounds: Bounds) -> Bounds:
    """Bound the effect in multiples of what is tolerated: a number of points, or a part of stable's share if more.

    Both kinds of bounds rest on one mixture, so both hold at once. What is tolerated is the larger one: to be outside
    takes both kinds, to be within takes either. Below zero it is the other way round.
    """
    (ratio_low, _), (_, ratio_high) = (
        ratio_sequence(proportions, alpha, [prior]) for alpha, prior in zip(level, PRIORS, strict=True)
    )
    both = (
        (points / check.tolerance, (ratio - 1) / check.relative_tolerance)
        for points, ratio in zip(bounds, (ratio_low, ratio_high), strict=True)
    )
    low, high = (np.where(one < 0, np.maximum(one, other), np.minimum(one, other)) for one, other in both)
    return low, high


def _estimate_requests(check: Check, comparison: Comparison, level: Levels, enough: float) -> float:
    """Estimate how many more requests it takes until both ways to count are sure."""
    first = comparison.view_once()
    requests, answers = sum(comparison.count_answers()), sum(first.count_answers())
    wait = estimate_wait(check, comparison, level, enough)
    return max(wait, estimate_wait(check, first, level, enough) * requests / max(answers, 1))


def estimate_wait(check: Check, comparison: Comparison, level: Levels, enough: float) -> float:
    """Estimate how many more requests of both tracks it takes until one is sure; infinity if unknown.

    This supposes that all goes on as it did. As long as the shares stay the same, likelihoods drift apart in proportion
    to the requests, while the loss by the mixture stays about the same.
    """
    proportions = select_parts(comparison.proportions, comparison.selected)
    effect, most = average_effect(proportions), log_likelihood(proportions).sum(axis=0)
    totals = add_steps(proportions)
    total = float(totals.stable_total[0] + totals.canary_total[0])

    def more(edge: Numbers | float, side: Side, alpha: float, prior: Prior, *, is_ratio: bool = False) -> Numbers:
        """Return how many more it takes, as a multiple of those so far."""
        lost = most - log_steps_mixture(proportions, prior)
        with np.errstate(divide="ignore"):
            likelihood = log_steps_likelihood(proportions, edge, side, is_ratio=is_ratio)
            return np.maximum((lost - math.log(alpha)) / np.maximum(most - likelihood, 0) - 1, 0)

    outside_alpha, within_alpha = level.outside / comparison.divide_outside, level.within / comparison.divide_within
    if check.relative_tolerance:
        follows = check.relative_tolerance * float(_stable_shares(comparison)[0])
        lines = [(check.tolerance, check.tolerance, False), (follows, 1 + check.relative_tolerance, True)]
        below = [line for line in lines if effect[0] <= line[0]]
        side: Side = "at least" if below else "at most"
        alpha, prior, first = (within_alpha, ALIKE, min) if below else (outside_alpha, ANY, max)
        waits = (more(edge, side, alpha, prior, is_ratio=ratio)[0] for _, edge, ratio in below or lines)
        return total * float(first(waits))
    outside = effect > enough if check.direction == "up" else np.abs(effect) > enough
    if outside.any():
        ups = more(check.tolerance, "at most", outside_alpha, ANY)
        downs = more(-check.tolerance, "at least", outside_alpha, ANY)
        return total * float(np.where(effect > 0, ups, downs)[outside].min())
    within = [more(enough, "at least", within_alpha, ALIKE)]
    if check.direction == "both":
        within.append(more(-enough, "at most", within_alpha, ALIKE))
    return total * float(np.max(within))


def _bound_effects(compared: Sequence[tuple[Check, Levels, Comparison]]) -> Iterator[Bounds]:
    """Bound the effects of each check. One computation for all checks is several times faster."""
    sizes = [len(comparison.parts) for _, _, comparison in compared]
    arrays = zip(*(comparison.proportions for _, _, comparison in compared), strict=True)
    # Both levels at once, along an axis after that of the steps.
    proportions = Proportions(*(np.concatenate(parts, axis=-1)[:, None] for parts in arrays))
    outside = [level.outside / comparison.divide_outside for _, level, comparison in compared]
    within = [level.within / comparison.divide_within for _, level, comparison in compared]
    low, high = difference_sequence(proportions, np.repeat([outside, within], sizes, axis=-1), PRIORS)
    borders = np.cumsum(sizes)[:-1]
    ends = (np.split(end, borders) for end in (low[0], high[0], low[1], high[1]))
    for (check, _, comparison), out_low, out_high, in_low, in_high in zip(compared, *ends, strict=True):
        if check.direction == "up":
            lower, upper = out_low, in_high
        else:
            lower, upper = np.maximum(np.maximum(out_low, -out_high), 0), np.maximum(in_high, -in_low)
        yield np.where(comparison.selected, lower, -np.inf), np.where(comparison.selected, upper, -np.inf)


def _describe_counts(comparison: Comparison, part: int, whose: str) -> str:
    stable_hits, stable_total, canary_hits, canary_total = (
        int(numbers[part]) for numbers in add_steps(comparison.proportions)[:4]
    )
    steps = int((comparison.proportions.canary_total[:, part] > 0).sum())
    in_steps = f" in {steps} steps" if steps > 1 else ""
    stable, canary = comparison.view_once().count_answers()
    once = f" (one of each subscriber and minute counts: {canary:,} and {stable:,})" if comparison.once else ""
    return (
        f"{comparison.parts[part]} {100 * canary_hits / canary_total:.2f} % of the canary's {canary_total:,}, "
        f"{100 * stable_hits / stable_total:.2f} % of {whose}'s {stable_total:,}{in_steps}{once}"
    )


def _stable_shares(comparison: Comparison) -> Numbers:
    totals = add_steps(comparison.proportions)
    return totals.stable_hits / np.maximum(totals.stable_total, 1)
