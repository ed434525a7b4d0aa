"""Usual tests of two samples, looked at again and again, which they are not made for; to compare the judge with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, ndtr, xlog1py, xlogy

from churn.judging.counts import Counts

type Flags = NDArray[np.bool_]

LEVEL: Final = 0.01


def z_test(stable: Counts, canary: Counts, _: float) -> Flags:
    """Two proportions, pooled, two-sided, of the error share."""
    hits, other_hits, total, other = (np.asarray(n, dtype=float) for n in _errors(stable, canary))
    pooled = (hits + other_hits) / np.maximum(total + other, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (other_hits / other - hits / total) / np.sqrt(pooled * (1 - pooled) * (1 / total + 1 / other))
    return _two_sided(z)


def mann_whitney_latency(stable: Counts, canary: Counts, _: float) -> Flags:
    """Wilcoxon's rank sum (Mann and Whitney 1947) of the latency's buckets."""
    return _mann_whitney(stable.latency, canary.latency)


def mann_whitney_scores(stable: Counts, canary: Counts, _: float) -> Flags:
    """The same of the probability's bins."""
    return _mann_whitney(stable.probability, canary.probability)


def beta_binomial(_: Counts, canary: Counts, known: float) -> Flags:
    """The canary's errors against stable's share as if that were known, by a mixture with a uniform prior; one-sided.

    Anytime-valid (Robbins 1970), but for one check alone, without a tolerance, and with knowledge that nobody has.
    """
    hits, total = np.asarray(canary.errors, dtype=float), np.asarray(canary.requests, dtype=float)
    evidence = betaln(1 + hits, 1 + total - hits) - xlogy(hits, known) - xlog1py(total - hits, -known)
    return np.asarray((evidence >= -np.log(LEVEL)) & (hits > known * total))


RIVALS: Final[Mapping[str, Callable[[Counts, Counts, float], Flags]]] = {
    "z-test on errors": z_test,
    "Mann-Whitney on latency": mann_whitney_latency,
    "Mann-Whitney on scores": mann_whitney_scores,
    "beta-binomial on errors": beta_binomial,
}


def _errors(stable: Counts, canary: Counts) -> tuple[Any, Any, Any, Any]:
    return stable.errors, canary.errors, stable.requests, canary.requests


def _mann_whitney(stable: Any, canary: Any) -> Flags:
    """With the normal approximation, corrected for ties, which is what buckets make."""
    stable, canary = np.stack(stable).astype(float), np.stack(canary).astype(float)
    both = stable + canary
    n_stable, n_canary, n = stable.sum(axis=0), canary.sum(axis=0), both.sum(axis=0)
    ranks = np.cumsum(both, axis=0) - (both - 1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = n_canary * (n + 1) / 2
        variance = n_stable * n_canary / 12 * (n + 1 - (both**3 - both).sum(axis=0) / (n * (n - 1)))
        z = ((ranks * canary).sum(axis=0) - expected) / np.sqrt(variance)
    return _two_sided(z)


def _two_sided(z: Any) -> Flags:
    return np.asarray(2 * ndtr(-np.abs(np.nan_to_num(z, posinf=0, neginf=0))) < LEVEL)
