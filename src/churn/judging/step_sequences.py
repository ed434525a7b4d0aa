"""Two shares compared over several steps: evidence of earlier steps counts on.

Within a step both tracks are counted since one moment, so what changes for both changes the same. From one step to the
next the shares may differ. So each step has its own martingale (`sequences.py`), and their product is one, too. Against
all effects of an edge or more it is

    log mixture - sum over steps of max of log likelihood(s, c), over all s and c with c - s >= edge.

The product is an e-process if the effect is that large in each step, however large it is in each of them. The mixture
may be over any prior of the shares of all steps. One part of this one takes the shares of all steps as the same, so
that they are learned once. The other part takes each step by itself.

All functions take proportions with one step after the other along the first axis. A step without answers adds nothing.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from churn.judging.sequences import ANY, Numbers, Prior, Proportions, log_likelihood, log_mixture

# On which side of an edge the effects lie of which all are rejected.
type Side = Literal["at least", "at most"]
_HALVINGS = 20  # to a millionth, rounded outwards
_MOST_RATIO = 1e4


def add_steps(proportions: Proportions) -> Proportions:
    """Return the counts of all steps together. Earlier than all of them is what came before the first."""
    first = (numbers if numbers.ndim == 0 else numbers[0] for numbers in proportions[4:])
    return Proportions(*(numbers.sum(axis=0) for numbers in proportions[:4]), *first)


def select_parts(proportions: Proportions, chosen: NDArray[np.bool_] | NDArray[np.int_]) -> Proportions:
    """Return the chosen elements of each step."""
    return Proportions(*(numbers[:, chosen] for numbers in np.broadcast_arrays(*proportions)))


def average_effect(proportions: Proportions) -> Numbers:
    """Return the observed difference, canary minus stable, averaged over the steps (Mantel and Haenszel)."""
    stable, canary = proportions.stable_total, proportions.canary_total
    # A step with one track only says nothing beside others, but is all there is if it is the only one.
    weights = np.maximum(stable * canary / np.maximum(stable + canary, 1), 1e-9)
    return np.asarray((weights * proportions.effect()).sum(axis=0) / weights.sum(axis=0))


def log_steps_mixture(proportions: Proportions, prior: Prior = ANY) -> Numbers:
    """Return the logarithm of the likelihood's mean over a prior of the shares of all steps."""
    apart = log_mixture(proportions, prior).sum(axis=0)
    if len(proportions.stable_hits) == 1:
        return np.asarray(apart)
    together = log_mixture(add_steps(proportions), prior)
    return np.asarray(np.logaddexp(apart + np.log(1 - prior.together), together + np.log(prior.together)))


def log_steps_likelihood(
    proportions: Proportions, edge: Numbers | float, side: Side, *, is_ratio: bool = False
) -> Numbers:
    """Return the logarithm of the largest likelihood of shares that differ in each step by the edge, or beyond it.

    If it is a ratio, the canary's share is so many times stable's.
    """
    return _maximise_likelihood(proportions, log_likelihood(proportions), edge, side, is_ratio=is_ratio)


def _maximise_likelihood(
    proportions: Proportions, most: Numbers, edge: Numbers | float, side: Side, *, is_ratio: bool
) -> Numbers:
    """Do it where the largest likelihood of any shares is known, (steps, ...)."""
    stable = proportions.stable_hits / np.maximum(proportions.stable_total, 1)
    canary = proportions.canary_hits / np.maximum(proportions.canary_total, 1)
    at_edge = edge * stable if is_ratio else stable + edge
    fits = canary >= at_edge if side == "at least" else canary <= at_edge
    likeliest = log_likelihood(proportions, np.asarray(edge, dtype=float), is_ratio=is_ratio)
    return np.asarray(np.where(fits, most, likeliest).sum(axis=0))


def is_rejected(
    proportions: Proportions,
    edge: Numbers | float,
    side: Side,
    alpha: Numbers | float,
    *,
    prior: Prior = ANY,
    is_ratio: bool = False,
) -> NDArray[np.bool_]:
    """Tell whether all effects, or all ratios, on this side of the edge are rejected at alpha.

    The mixture takes longest to compute, and is no larger than the largest likelihood. It is left out where even
    that is too small.
    """
    shape = proportions.canary_hits.shape[1:]
    most = log_likelihood(proportions)
    likelihood = _maximise_likelihood(proportions, most, edge, side, is_ratio=is_ratio)
    needed = np.broadcast_to(-np.log(alpha), shape)
    rejected = np.asarray(most.sum(axis=0) - likelihood >= needed)
    mixture = log_steps_mixture(select_parts(proportions, rejected), prior)
    rejected[rejected] = mixture - likelihood[rejected] >= needed[rejected]
    return rejected


def difference_sequence(
    proportions: Proportions, alpha: Numbers | float, priors: Sequence[Prior] = (ANY,)
) -> tuple[Numbers, Numbers]:
    """Return between which ends the effect lies, each with probability 1 - alpha at least, at all times.

    Several priors follow each other along the first axis after that of the steps, where the counts have one element.
    If the effect differs from step to step, it is not below the lower end in each of them, nor above the upper end in
    each of them. So the lower end may even lie above the upper one.
    """
    reject, effect = _build_test(proportions, alpha, priors), proportions.effect()
    return (
        _find_end(np.full(effect.shape[1:], -1.0), effect.max(axis=0), lambda edge: reject(edge, "at most")),
        _find_end(np.full(effect.shape[1:], 1.0), effect.min(axis=0), lambda edge: reject(edge, "at least")),
    )


def ratio_sequence(
    proportions: Proportions, alpha: Numbers | float, priors: Sequence[Prior] = (ANY,)
) -> tuple[Numbers, Numbers]:
    """Return the same ends of the canary's share as a multiple of stable's.

    They rest on the same mixture as those of the difference. So the true shares lie within both at all times, with
    probability 1 - alpha at least.
    """
    reject, effect = _build_test(proportions, alpha, priors, is_ratio=True), proportions.effect()
    stable = proportions.stable_hits / np.maximum(proportions.stable_total, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(effect == 0, 1, (stable + effect) / stable)
    observed, most = np.log(np.clip(ratio, 1 / _MOST_RATIO, _MOST_RATIO)), np.full(ratio.shape[1:], np.log(_MOST_RATIO))
    return (
        np.exp(_find_end(-most, observed.max(axis=0), lambda edge: reject(np.exp(edge), "at most"))),
        np.exp(_find_end(most, observed.min(axis=0), lambda edge: reject(np.exp(edge), "at least"))),
    )


def _build_test(
    proportions: Proportions, alpha: Numbers | float, priors: Sequence[Prior], *, is_ratio: bool = False
) -> Callable[[Numbers, Side], NDArray[np.bool_]]:
    mixture = np.concatenate([log_steps_mixture(proportions, prior) for prior in priors])
    most = log_likelihood(proportions)
    return lambda edge, side: np.asarray(
        mixture - _maximise_likelihood(proportions, most, edge, side, is_ratio=is_ratio) >= -np.log(alpha)
    )


def _find_end(outer: Numbers, inner: Numbers, is_rejected_at: Callable[[Numbers], NDArray[np.bool_]]) -> Numbers:
    """Return the edge nearest to `inner` that is still rejected; `outer` is so without evidence."""
    for _ in range(_HALVINGS):
        middle = (inner + outer) / 2
        rejected = is_rejected_at(middle)
        outer, inner = np.where(rejected, middle, outer), np.where(rejected, inner, middle)
    return outer
