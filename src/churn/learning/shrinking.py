"""Empirical Bayes: numbers that little is known of are drawn to what is known of their kind.

Each measured number y has a variance v. It is drawn to a centre m, by how much the numbers of its kind differ, t:

    (y / v + m / t) / (1 / v + 1 / t)

t is estimated by moments, as far as the numbers differ by more than chance (Morris, "Parametric empirical Bayes
inference: theory and applications", 1983). It is never below a least value, so that few numbers that happen to agree
do not hide that the next one may differ. What is shrunk is never moved out of its own interval: a number that surely
differs keeps differing (limited translation: Efron and Morris 1971).
"""

import numpy as np

from churn.outcomes.exposures import Numbers

ASSUMED_STRENGTH, ASSUMED_VARIANCE = 1.0, 0.5**2  # how far the offers' effects together may be from the assumption
LEAST_BETWEEN_OFFERS = 0.15**2
LEAST_BETWEEN_SEGMENTS = 0.3  # in one offer, beyond what all offers of a segment have in common
LEAST_IN_COMMON = 0.02


def estimate_spread(deviations: Numbers, variances: Numbers, least: float) -> float:
    """Estimate the variance of what the numbers are of, beyond chance.

    Args:
        deviations: of each number from its centre, (m,).
        variances: of each number by chance, (m,).
        least: the smallest spread that is believed.
    """
    weights = 1 / (variances + least)
    return max(least, float((weights * (deviations**2 - variances)).sum() / weights.sum()))


def shrink(values: Numbers, variances: Numbers, centre: Numbers | float, spread: float) -> Numbers:
    """Draw numbers to their centre, (...). Where the variance is infinite, the centre remains."""
    part = spread / (variances + spread)
    return np.asarray(centre + np.where(np.isfinite(variances), part, 0) * (np.nan_to_num(values) - centre))


def shrink_offers(values: Numbers, variances: Numbers) -> Numbers:
    """Draw the strengths of offers, (m,), all measured, to one another and to the assumption."""
    centre = np.average(values, weights=1 / (variances + LEAST_BETWEEN_OFFERS))
    spread = estimate_spread(values - centre, variances, LEAST_BETWEEN_OFFERS)
    weights = 1 / (variances + spread)
    common = (ASSUMED_STRENGTH / ASSUMED_VARIANCE + (weights * values).sum()) / (1 / ASSUMED_VARIANCE + weights.sum())
    return shrink(values, variances, common, spread)


def shrink_segments(values: Numbers, variances: Numbers, offers: Numbers) -> Numbers:
    """Draw strengths in segments, (s, a), to those of their offers, (a,), and by what a segment's offers share.

    An infinite variance says that a strength is not measured: it stays that of its offer.
    """
    measured = np.isfinite(variances)
    if not measured.any():
        return np.broadcast_to(offers, values.shape).copy()
    deviations = np.where(measured, np.nan_to_num(values) - offers, 0)
    centres = offers + _find_common(deviations, np.where(measured, variances, np.inf))[:, None]
    spread = estimate_spread((values - centres)[measured], variances[measured], LEAST_BETWEEN_SEGMENTS)
    return np.where(measured, shrink(values, variances, centres, spread), offers)


def _find_common(deviations: Numbers, variances: Numbers) -> Numbers:
    """Return by how much all offers of each segment are stronger, drawn to 0, (s,)."""
    weights = 1 / (variances + LEAST_BETWEEN_SEGMENTS)
    total = weights.sum(axis=1)
    has_any = total > 0
    common = np.zeros(len(total))
    common[has_any] = (weights * deviations).sum(axis=1)[has_any] / total[has_any]
    by_chance = 1 / total[has_any]
    spread = estimate_spread(common[has_any], by_chance, LEAST_IN_COMMON)
    common[has_any] = shrink(common[has_any], by_chance, 0, spread)
    return common
