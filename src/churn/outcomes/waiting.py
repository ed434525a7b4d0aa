"""How long one has to look to know an effect: what this many subscribers can show, and when there are enough."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

from churn.judging.asymptotic_sequences import find_half_width
from churn.outcomes.effects import TUNED_FOR, Comparison
from churn.outcomes.estimates import ALPHA

POWER: Final = 0.8
ASKED: Final = (0.01, 0.02, 0.05)  # effects, as shares
DAYS_PER_MONTH: Final = 365.25 / 12
LEAST_DAYS: Final = 14  # from the first subscriber to the last, before anybody speaks of traffic
_MOST: Final = 1e9  # subscribers
_IN_YEARS, _FOREVER = 24, 1_200  # months


@dataclass(frozen=True, slots=True)
class Waiting:
    """What can be known of an effect at this traffic.

    Args:
        per_month: subscribers who come in a month; None if they came for too short a time.
        deviation: of one subscriber's number whose mean is the effect.
        detectable: the effect that this many subscribers would show, in four of five cases.
        months: how long it takes in all to show each effect of `ASKED`; None if nobody knows the traffic.
    """

    subscribers: int
    per_month: float | None
    deviation: float
    detectable: float
    months: tuple[tuple[float, float | None], ...]

    def describe(self) -> str:
        """Say it in a sentence, of an effect of 2 points."""
        so_far = f"{self.subscribers:,} subscribers show an effect of {100 * self.detectable:.1f} points or more"
        effect, months = self.months[1]
        if self.per_month is None or months is None:
            return f"{so_far}, in four of five cases."
        return (
            f"At {_round(self.per_month)} subscribers a month, {100 * effect:.0f} points take "
            f"{describe_months(months)} in all. The {so_far}, in four of five cases."
        )


def plan_waiting(comparison: Comparison, period: timedelta | None) -> Waiting | None:
    """Plan how long to look; None if there is nobody.

    Args:
        comparison: who came, and with which chances.
        period: within which they came; None if nobody knows.
    """
    people = len(comparison)
    if not people:
        return None
    known = comparison.choose(comparison.is_known & (comparison.is_first | comparison.is_second))
    share = float(known.low.mean()) if len(known) else 0.5
    inverse = float((1 / comparison.chance).mean() + (1 / comparison.other_chance).mean())
    deviation = float(np.sqrt(max(share * (1 - share), 0.01) * inverse))
    days = period / timedelta(days=1) if period else 0.0
    per_month = people / days * DAYS_PER_MONTH if days >= LEAST_DAYS else None
    months = tuple(
        (effect, None if per_month is None else find_needed(effect, deviation) / per_month) for effect in ASKED
    )
    return Waiting(people, per_month, deviation, min(find_detectable(people, deviation), 1.0), months)


def find_detectable(subscribers: float, deviation: float) -> float:
    """Return the effect whose interval excludes zero in four of five cases, at this look.

    It is half of the sequence's width, and what chance takes from the observed effect in a fifth of the cases.
    """
    width = find_half_width(deviation, subscribers, ALPHA, tuned_for=TUNED_FOR)
    return float(width + ndtri(POWER) * deviation / np.sqrt(subscribers))


def find_needed(effect: float, deviation: float) -> float:
    """Return how many subscribers show this effect in four of five cases; at most a thousand million."""
    if find_detectable(_MOST, deviation) > effect:
        return _MOST
    if find_detectable(1.0, deviation) <= effect:
        return 1.0
    return float(
        np.exp(brentq(lambda size: find_detectable(np.exp(size), deviation) - effect, 0, np.log(_MOST), xtol=1e-4))
    )


def describe_months(months: float) -> str:
    """Write a time in words, such as 14 months, or 6 years."""
    if months < 1:
        return "less than a month"
    if months < _IN_YEARS:
        return f"{np.ceil(months):.0f} month{'s' if months > 1 else ''}"
    return f"{np.ceil(months / 12):,.0f} years" if months < _FOREVER else "more than a hundred years"


def _round(number: float) -> str:
    """Round to two digits, such as 3,100."""
    size = 10 ** max(int(np.floor(np.log10(max(number, 1)))) - 1, 0)
    return f"{round(number / size) * size:,.0f}"
