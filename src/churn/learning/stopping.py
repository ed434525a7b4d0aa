"""Which offers are no longer worth trying by lot, and what can then never be known.

An offer stops being tried for one of two reasons:

- It is surely worth less. In each segment the upper end of its net value lies below the lower end of that of what is
  chosen there. Nothing is worth 0.
- Its break-even cannot be seen. At a year's traffic the smallest strength that would be seen is larger than the
  strength from which on it would be worth as much as the best of the others.

An offer that is chosen for somebody goes on: it is measured by being made.
"""

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from churn.judging.asymptotic_sequences import find_half_width
from churn.learning.choosing import weigh_actions
from churn.learning.measures import Measure, Rates
from churn.learning.stakes import Stakes
from churn.learning.strengths import Evidence, find_deviation
from churn.outcomes.effects import TUNED_FOR
from churn.outcomes.estimates import ALPHA
from churn.outcomes.exposures import Exposures, Flags, Numbers

type WhyStopped = Literal["surely worth less", "break-even cannot be seen"]

YEAR_DAYS, DAY_US = 365.25, 86_400 * 10**6
LEAST_DAYS = 28  # from which on the traffic of a year is guessed
POWER_80 = 0.8416  # the standard normal's quantile: what is as large as detectable is seen with a chance of 80 %


class Outlook(NamedTuple):
    """What trying an offer by lot can bring.

    Args:
        possible: rows in which it is possible.
        chosen: rows in which it is what the rates choose.
        a_year: subscribers a year of whom both the offer and nothing were possible; NaN if the log is too short.
        assumed_effect: the mean assumed effect of these rows, as a share of all subscribers.
        detectable: the smallest strength, against none, that a year's traffic would show with a chance of 80 %.
        break_even: the strength from which on it is worth as much as the best of the others; NaN if none would be.
        why_stopped: why it is no longer tried; None if it is.
    """

    possible: int
    chosen: int
    a_year: float
    assumed_effect: float
    detectable: float
    break_even: float
    why_stopped: WhyStopped | None


def look_ahead(
    exposures: Exposures, stakes: Stakes, rates: Rates, *, chosen: npt.NDArray[np.int64], at: int, evidence: Evidence
) -> Outlook:
    """Say what trying the offer with this number can bring. `chosen` is what the rates choose in each row, (n,)."""
    possible = ~np.isnan(stakes.saves[:, at])
    is_chosen = possible & (chosen == at)
    both = evidence.weight > 0
    a_year = both.sum() / _count_years(exposures)
    detectable = np.inf
    if both.any() and a_year > 0:
        deviation = find_deviation(evidence, exposures.probability)
        half = find_half_width(deviation, a_year, ALPHA, tuned_for=TUNED_FOR)
        detectable = float(half + POWER_80 * deviation / np.sqrt(a_year))
    break_even = _find_break_even(exposures.probability, stakes, rates, at, possible)
    why: WhyStopped | None = None
    if possible.any() and not is_chosen.any():
        if _is_surely_worse(exposures.probability, stakes, rates, chosen=chosen, at=at, possible=possible):
            why = "surely worth less"
        elif not np.isnan(a_year) and not detectable <= break_even:
            why = "break-even cannot be seen"
    assumed_effect = float(-evidence.assumed[both].mean()) if both.any() else np.nan
    return Outlook(int(possible.sum()), int(is_chosen.sum()), a_year, assumed_effect, detectable, break_even, why)


def _count_years(exposures: Exposures) -> float:
    """Return how long the log is, in years; NaN if it is too short for the traffic of a year."""
    days = (exposures.time.max() - exposures.time.min()) / DAY_US if len(exposures) else 0.0
    return days / YEAR_DAYS if days >= LEAST_DAYS else np.nan


def _is_surely_worse(
    probability: Numbers, stakes: Stakes, rates: Rates, *, chosen: npt.NDArray[np.int64], at: int, possible: Flags
) -> bool:
    """Tell whether in each segment the offer's upper end lies below the lower end of what is chosen."""
    high, low = (weigh_actions(stakes, probability, _take_end(rates, stakes, end)) for end in ("high", "low"))
    worse = high[:, at] - np.take_along_axis(low, chosen[:, None], axis=1)[:, 0]
    parts = [worse[possible & (stakes.segment == segment)] for segment in range(len(stakes.segments))]
    return all(part.mean() < 0 for part in parts if len(part))  # what is not known is NaN, and not worse


def _take_end(rates: Rates, stakes: Stakes, end: Literal["low", "high"]) -> Rates:
    """Return the rates with one end of each offer's strength: the segment's, or where it has none its own."""
    own, overall = getattr(rates.by_segment, end), getattr(rates.strength, end)
    ends = np.where(np.isnan(own), overall, own)
    ends[:, [at for at in range(len(stakes.actions)) if at not in stakes.offers]] = 0
    return rates._replace(by_segment=Measure.assume(ends))


def _find_break_even(probability: Numbers, stakes: Stakes, rates: Rates, at: int, possible: Flags) -> float:
    """Return the strength at which the offer is on average worth what the best of the others is; NaN if none is.

    The net value grows evenly with the strength, so two strengths say all of it.
    """
    if not possible.any():
        return np.nan
    others = stakes.offers[stakes.offers != at]
    best = np.nan_to_num(weigh_actions(stakes, probability, rates)[:, others], nan=-np.inf).max(axis=1, initial=0)
    at_none, at_one = (
        float((weigh_actions(stakes, probability, _set_strength(rates, at, value))[:, at] - best)[possible].mean())
        for value in (0.0, 1.0)
    )
    return -at_none / (at_one - at_none) if at_one > at_none else np.nan


def _set_strength(rates: Rates, at: int, value: float) -> Rates:
    values = rates.by_segment.value.copy()
    values[:, at] = value
    return rates._replace(by_segment=Measure.assume(values))
