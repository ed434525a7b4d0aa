"""What the log says of a policy's rates: who accepts, what leavers use up, and how strongly each offer keeps whom."""

import numpy as np

from churn.learning.measures import Measure, Rates
from churn.learning.shrinking import shrink_offers, shrink_segments
from churn.learning.stakes import Stakes
from churn.learning.strengths import collect_evidence, measure_strength
from churn.learning.usage import measure_leavers_use, measure_take_up
from churn.outcomes.exposures import Exposures, Numbers


def estimate_rates(exposures: Exposures, stakes: Stakes) -> Rates:
    """Estimate a policy's rates from the log.

    A segment's strength is shrunk to the offer's, and the offers' to one another and to the assumption, which is 1.
    The intervals are those of the numbers before they were shrunk. Where too few subscribers say how strong an offer
    is, all its assumptions remain: half of the formula, measured, is worse than none. Where too few say it of a
    segment, the offer's strength remains. The intervals are NaN there.
    """
    count = len(stakes.actions)
    segments = len(stakes.segments)
    possible = [at for at in stakes.offers.tolist() if at < len(exposures.actions)]
    overall, parts = _assume(count), _assume((segments, count))
    variances, part_variances = np.full(count, np.inf), np.full((segments, count), np.inf)
    everybody = np.ones(len(exposures), dtype=bool)
    for at in possible:
        evidence = collect_evidence(exposures, stakes, at)
        measure, variances[at] = measure_strength(evidence, everybody)
        overall.put(at, measure)
        for segment in range(segments):
            measure, part_variances[segment, at] = measure_strength(evidence, stakes.segment == segment)
            parts.put((segment, at), measure)
    measured = np.isfinite(variances)
    known = np.flatnonzero(measured).tolist()
    take_up = _gather(stakes.take_up, {at: measure_take_up(exposures, stakes, at) for at in known})
    leavers_use = _gather(stakes.leavers_use, {at: measure_leavers_use(exposures, stakes, at) for at in known})
    strength = np.ones(count)
    if measured.any():
        strength[measured] = shrink_offers(overall.value[measured], variances[measured])
    overall = overall.with_values(strength)
    parts = parts.with_values(shrink_segments(parts.value, part_variances, overall.value))
    return Rates(take_up, leavers_use, overall, parts)


def _assume(shape: int | tuple[int, int]) -> Measure:
    return Measure.assume(np.ones(shape))


def _gather(assumed: Numbers, measured: dict[int, Measure]) -> Measure:
    whole = Measure.assume(assumed.copy())
    for at, measure in measured.items():
        whole.put(at, measure)
    return whole
