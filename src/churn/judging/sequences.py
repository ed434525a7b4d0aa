"""Two shares compared at any moment: evidence that canary minus stable is not this large.

A usual test that is repeated after every request finds a difference sooner or later, where there is none. The evidence
here stays right at every look, and depends on nothing but the counts so far.

For each pair of true shares (s, c), mixture / likelihood(s, c) is a nonnegative martingale that starts at one. The
mixture is the likelihood averaged over a prior, whichever that is (Robbins 1970). By Ville's inequality (1939) the
martingale ever reaches 1/alpha with probability alpha at most. All pairs for which it has not are a confidence set for
all times (Howard, Ramdas, McAuliffe and Sekhon 2021). The differences c - s in that set are a confidence sequence of
the effect. Of all pairs with one difference, the one with the largest likelihood is the hardest to reject. So the
evidence against an effect is

    log mixture - max over s of log likelihood(s, s + effect),

an e-process. As a function of the effect it has one valley, at what was observed, since the likelihood is concave. It
is the universal inference of Wasserman, Ramdas and Balakrishnan (2020), with a mixture in place of an estimate. Turner,
Ly and Grünwald (2024) gain a little for two proportions, but need to know in which blocks the requests came.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, expit, logsumexp, xlog1py, xlogy

type Numbers = NDArray[np.float64]

# The prior of the mixture. It decides how soon one is sure, never whether one is right. In log-odds it has a beta
# distribution at every whole number, one wide. So no share between 1 in 10,000 and its opposite is far from one.
_LOG_ODDS = np.arange(-9.0, 10.0)
_A, _B = 1 / expit(-_LOG_ODDS), 1 / expit(_LOG_ODDS)
# If the two shares differ, large differences in log-odds are rarer than small ones.
_NEAR = np.exp(-np.abs(_LOG_ODDS[:, None] - _LOG_ODDS))
_WEIGHTS = _NEAR / _NEAR.sum()
_HALVINGS = 20  # to a millionth, rounded outwards
_NONE = np.zeros(())


class Prior(NamedTuple):
    """What a mixture expects.

    Args:
        same: the part in which the two shares are the same.
        unknowing: the part that has learned nothing from what stable answered earlier.
        earlier_at_most: the rest counts it as so many requests at most, since shares drift by day and by week.
        together: the part that takes the shares of all steps as the same.
    """

    same: float
    unknowing: float
    earlier_at_most: int
    together: float


# Who expects a canary to be worse sees sooner that it is. Who expects it to be alike sees sooner that it is not worse.
ANY: Final = Prior(same=0.4, unknowing=0.5, earlier_at_most=10_000, together=0.5)
ALIKE: Final = Prior(same=0.98, unknowing=0.2, earlier_at_most=100_000, together=0.9)


class Proportions(NamedTuple):
    """The counts of both tracks, as arrays of one shape, with 0 <= hits <= total.

    `earlier` is what stable answered before the others were counted: a guess of its share, which may be wrong.
    """

    stable_hits: Numbers
    stable_total: Numbers
    canary_hits: Numbers
    canary_total: Numbers
    earlier_hits: Numbers = _NONE
    earlier_total: Numbers = _NONE

    def effect(self) -> Numbers:
        """Return the observed difference, canary minus stable. Without requests a share is zero."""
        canary = self.canary_hits / np.maximum(self.canary_total, 1)
        return canary - self.stable_hits / np.maximum(self.stable_total, 1)


def confidence_sequence(proportions: Proportions, alpha: Numbers | float) -> tuple[Numbers, Numbers]:
    """Return both ends of the confidence sequence of the effect, between -1 and 1.

    An effect is rejected at alpha if the logarithm of the e-process against it is log(1 / alpha) or more. With
    probability 1 - alpha at least, the true effect lies between the ends at all times.
    """
    mixture, observed = log_mixture(proportions), proportions.effect()
    # Both ends at once, along a new first axis.
    inner, outer = np.stack([observed, observed]), np.stack([np.full_like(observed, -1), np.full_like(observed, 1)])
    for _ in range(_HALVINGS):
        middle = (inner + outer) / 2
        rejected = mixture - log_likelihood(proportions, middle) >= -np.log(alpha)
        outer = np.where(rejected, middle, outer)
        inner = np.where(rejected, inner, middle)
    return outer[0], outer[1]


def log_mixture(proportions: Proportions, prior: Prior = ANY) -> Numbers:
    """Return the logarithm of the likelihood's mean over the prior.

    One part of the prior knows nothing. The other has learned from what stable answered earlier. Where that holds,
    it need not be learned again. Where it does not, this part is lost, and no more.
    """
    stable_hits, stable_total, canary_hits, canary_total, earlier_hits, earlier_total = proportions
    unknowing = _log_mixture(stable_hits, stable_total, canary_hits, canary_total, prior.same)
    if not earlier_total.any():
        return unknowing
    part = np.minimum(prior.earlier_at_most / np.maximum(earlier_total, 1), 1)
    hits, total = part * earlier_hits, part * earlier_total
    with_earlier = _log_mixture(stable_hits + hits, stable_total + total, canary_hits, canary_total, prior.same)
    knowing = with_earlier - _log_mixture(hits, total, _NONE, _NONE, prior.same)
    return np.asarray(np.logaddexp(unknowing + np.log(prior.unknowing), knowing + np.log(1 - prior.unknowing)))


def _log_mixture(
    stable_hits: Numbers, stable_total: Numbers, canary_hits: Numbers, canary_total: Numbers, same: float
) -> Numbers:
    stable, canary = _log_betas(stable_hits, stable_total), _log_betas(canary_hits, canary_total)
    together = _log_betas(stable_hits + canary_hits, stable_total + canary_total)
    most_stable, most_canary, most = (betas.max(axis=-1, keepdims=True) for betas in (stable, canary, together))
    different = ((np.exp(stable - most_stable) @ _WEIGHTS) * np.exp(canary - most_canary)).sum(axis=-1)
    equal = np.exp(together - most).mean(axis=-1)
    with np.errstate(divide="ignore"):  # far from the diagonal one of the two may be too small for a float
        different = np.log((1 - same) * different) + (most_stable + most_canary)[..., 0]
    return np.asarray(np.logaddexp(different, np.log(same * equal) + most[..., 0]))


def log_likelihood(
    proportions: Proportions, effect: Numbers | float | None = None, *, is_ratio: bool = False
) -> Numbers:
    """Return the logarithm of the largest likelihood of shares that differ by this effect; of any shares if None.

    If it is a ratio, the canary's share is so many times stable's.
    """
    stable_hits, stable_total, canary_hits, canary_total = proportions[:4]
    if effect is None:
        stable = stable_hits / np.maximum(stable_total, 1)
        canary = canary_hits / np.maximum(canary_total, 1)
    elif is_ratio:
        stable = _likeliest_stable_by_ratio(proportions, np.asarray(effect, dtype=float))
        canary = np.clip(stable * effect, 0, 1)
    else:
        stable = _likeliest_stable(proportions, np.asarray(effect, dtype=float))
        canary = np.clip(stable + effect, 0, 1)
    return _log_binomial(stable_hits, stable_total, stable) + _log_binomial(canary_hits, canary_total, canary)


def log_share_evidence(hits: Numbers, total: Numbers, share: float) -> Numbers:
    """Return the logarithm of the e-process against hits having this share of all, for one track alone."""
    betas = _log_betas(hits, total)
    return np.asarray(
        logsumexp(betas, axis=-1) - np.log(betas.shape[-1]) - _log_binomial(hits, total, np.asarray(share))
    )


def log_split_evidence(hits: float, total: float, share: float, *, expected: float) -> float:
    """Return the logarithm of the e-process against hits having this share of all.

    After Lindon and Malek (2022), for two kinds. The prior is as firm as a hundred requests with the expected share of
    hits; 0 < expected < 1.
    """
    a, b = 100 * expected, 100 * (1 - expected)
    mixture = betaln(a + hits, b + total - hits) - betaln(a, b)
    return float(mixture - _log_binomial(np.asarray(hits), np.asarray(total), np.asarray(share)))


def split_sequence(hits: float, total: float, alpha: float, *, expected: float) -> tuple[float, float]:
    """Return both ends of the confidence sequence of the share of hits."""

    def find_end(inner: float, outer: float) -> float:
        for _ in range(_HALVINGS):
            middle = (inner + outer) / 2
            if log_split_evidence(hits, total, middle, expected=expected) >= -np.log(alpha):
                outer = middle
            else:
                inner = middle
        return outer

    return find_end(hits / total, 0.0), find_end(hits / total, 1.0)


def _log_betas(hits: Numbers, total: Numbers) -> Numbers:
    """Return one value for each part of the prior, along a new last axis."""
    hits, total = hits[..., None], total[..., None]
    return np.asarray(betaln(_A + hits, _B + total - hits) - betaln(_A, _B))


def _log_binomial(hits: Numbers, total: Numbers, share: Numbers) -> Numbers:
    return np.asarray(xlogy(hits, share) + xlog1py(total - hits, -share))


def _likeliest_stable(proportions: Proportions, effect: Numbers) -> Numbers:
    """Return the share of stable that makes the counts likeliest if canary's is larger by `effect`.

    The likelihood's slope is zero where a polynomial of degree three is. At one of its roots both shares lie between 0
    and 1 (Miettinen and Nurminen 1985).
    """
    stable_hits, stable_total, canary_hits, canary_total = proportions[:4]
    total, hits = np.maximum(stable_total + canary_total, 1), stable_hits + canary_hits
    square = ((canary_total + 2 * stable_total) * effect - total - hits) / (3 * total)
    linear = ((stable_total * effect - total - 2 * stable_hits) * effect + hits) / total
    constant = stable_hits * effect * (1 - effect) / total
    q = square**3 - linear * square / 2 + constant / 2
    p = np.copysign(np.sqrt(np.maximum(square**2 - linear / 3, 0)), q)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.nan_to_num(q / p**3)
    root = 2 * p * np.cos((np.pi + np.arccos(np.clip(cosine, -1, 1))) / 3) - square
    return np.asarray(np.clip(root, np.maximum(0, -effect), np.minimum(1, 1 - effect)))


def _likeliest_stable_by_ratio(proportions: Proportions, ratio: Numbers) -> Numbers:
    """Return the share of stable that makes the counts likeliest if canary's is `ratio` times as large.

    The likelihood's slope is zero at the smaller root of a polynomial of degree two (Miettinen and Nurminen 1985).
    """
    stable_hits, stable_total, canary_hits, canary_total = proportions[:4]
    square = ratio * np.maximum(stable_total + canary_total, 1)
    linear = stable_total + canary_hits + ratio * (canary_total + stable_hits)
    hits = stable_hits + canary_hits
    # In this form nothing cancels out where there is hardly a hit.
    divisor = linear + np.sqrt(np.maximum(linear**2 - 4 * square * hits, 0))
    return np.asarray(np.clip(2 * hits / np.maximum(divisor, 1e-300), 0, np.minimum(1, 1 / ratio)))
