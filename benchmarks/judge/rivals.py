"""Other tests of two samples, to compare the judge with.

The usual ones are not made to be looked at again and again. The last is, but takes requests for independent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import accumulate
from typing import Any, Final

import numpy as np
from scipy.special import betaln, ndtr, xlog1py, xlogy

from benchmarks.judge.samples import find_outside
from churn.judging.checks import DEFAULT_CHECKS, Flags, Hits
from churn.judging.comparison import compare
from churn.judging.counts import Counts, StepAnswers
from churn.judging.judge import allot_levels
from churn.judging.pairs import BANNER_PART, SCORE_PARTS

LEVEL: Final = 0.01


def reject_errors_by_z_test(stable: Counts, canary: Counts, _: float) -> Flags:
    """Compare two error shares, pooled and two-sided."""
    counts = (stable.errors, canary.errors, stable.requests, canary.requests)
    stable_errors, canary_errors, n_stable, n_canary = (np.asarray(count, dtype=float) for count in counts)
    pooled = (stable_errors + canary_errors) / np.maximum(n_stable + n_canary, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(pooled * (1 - pooled) * (1 / n_stable + 1 / n_canary))
        z = (canary_errors / n_canary - stable_errors / n_stable) / deviation
    return _reject_two_sided(z)


def reject_latency_by_mann_whitney(stable: Counts, canary: Counts, _: float) -> Flags:
    """Compare the latency's buckets by Wilcoxon's rank sum (Mann and Whitney 1947)."""
    return _reject_by_mann_whitney(stable.latency, canary.latency)


def reject_scores_by_mann_whitney(stable: Counts, canary: Counts, _: float) -> Flags:
    """Compare the probability's bins in the same way."""
    return _reject_by_mann_whitney(stable.probability, canary.probability)


def reject_errors_by_beta_binomial(_: Counts, canary: Counts, known_share: float) -> Flags:
    """Compare the canary's errors with stable's share as if that were known: a mixture with a uniform prior, one-sided.

    It is anytime-valid (Robbins 1970), but it is one check without a tolerance, and nobody knows that share.
    """
    errors, requests = np.asarray(canary.errors, dtype=float), np.asarray(canary.requests, dtype=float)
    rest = requests - errors
    evidence = betaln(1 + errors, 1 + rest) - xlogy(errors, known_share) - xlog1py(rest, -known_share)
    return np.asarray((evidence >= -np.log(LEVEL)) & (errors > known_share * requests))


def reject_answers_by_requests(stable: Counts, canary: Counts, _: float) -> Flags:
    """Compare scores, banners, tiers and reasons as this judge did before it had pairs: by the shares of requests."""
    outside = np.zeros(np.shape(stable.requests), dtype=bool)
    for check, level in allot_levels(DEFAULT_CHECKS):
        if count := _COUNT_REQUESTS.get(check.measure.name):
            comparison = compare(replace(check.measure, count=count), [StepAnswers(stable, canary)])
            outside |= find_outside(check, comparison, level)
    return outside


# What was counted of each measure that is judged in pairs today.
_COUNT_REQUESTS: Final[Mapping[str, Callable[[Counts], Hits]]] = {
    "scores": lambda counts: (
        dict(zip(SCORE_PARTS, accumulate(counts.probability), strict=False)),
        counts.predictions,
    ),
    "banners": lambda counts: ({BANNER_PART: counts.banners}, counts.predictions),
    "tiers": lambda counts: (counts.tiers, counts.predictions),
    "reasons": lambda counts: (counts.top_features, counts.predictions),
}
RIVALS: Final[Mapping[str, Callable[[Counts, Counts, float], Flags]]] = {
    "z-test on errors": reject_errors_by_z_test,
    "Mann-Whitney on latency": reject_latency_by_mann_whitney,
    "Mann-Whitney on scores": reject_scores_by_mann_whitney,
    "beta-binomial on errors": reject_errors_by_beta_binomial,
    "shares of requests": reject_answers_by_requests,
}


def _reject_by_mann_whitney(stable: Any, canary: Any) -> Flags:
    """Use the normal approximation, corrected for ties: buckets make many."""
    stable, canary = np.stack(stable).astype(float), np.stack(canary).astype(float)
    both = stable + canary
    n_stable, n_canary, n = stable.sum(axis=0), canary.sum(axis=0), both.sum(axis=0)
    ranks = np.cumsum(both, axis=0) - (both - 1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = n_canary * (n + 1) / 2
        variance = n_stable * n_canary / 12 * (n + 1 - (both**3 - both).sum(axis=0) / (n * (n - 1)))
        z = ((ranks * canary).sum(axis=0) - expected) / np.sqrt(variance)
    return _reject_two_sided(z)


def _reject_two_sided(z: Any) -> Flags:
    return np.asarray(2 * ndtr(-np.abs(np.nan_to_num(z, posinf=0, neginf=0))) < LEVEL)
