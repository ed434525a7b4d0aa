"""A measured number: its value, its interval and how much it rests on; and the rates that a policy counts with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np

from churn.outcomes.exposures import Numbers
from churn.retention.offers.policy import Policy


@dataclass(frozen=True, slots=True)
class Measure:
    """Numbers of one shape.

    Args:
        value: what counts.
        low, high: the interval, at every look; NaN where nothing is measured.
        count: of the subscribers it rests on; 0 where nothing is measured, and the value is assumed.
    """

    value: Numbers
    low: Numbers
    high: Numbers
    count: Numbers

    @classmethod
    def assume(cls, value: Numbers) -> Self:
        """Take numbers that nobody has measured."""
        unknown = np.full(value.shape, np.nan)
        return cls(value, unknown, unknown.copy(), np.zeros(value.shape))

    def put(self, place: int | tuple[int, int], part: "Measure") -> None:
        """Put one number, measured or assumed, in its place."""
        self.value[place], self.low[place], self.high[place] = part.value, part.low, part.high
        self.count[place] = part.count

    def with_values(self, values: Numbers) -> "Measure":
        """Return the same with other values, each moved into its interval if it has one."""
        return replace(self, value=np.fmin(np.fmax(values, self.low), self.high))


class Rates(NamedTuple):
    """What a policy counts with, by action as in `Stakes.actions`, a of them, and s declared segments.

    Args:
        take_up: the share who accept, (a,).
        leavers_use: the share of the cost that those use up who accept and leave, (a,).
        strength: the effect on leaving, as a multiple of the assumed one, (a,); below 0 the offer harms.
        by_segment: the same in each segment, and last in `others`, (s + 1, a).
    """

    take_up: Measure
    leavers_use: Measure
    strength: Measure
    by_segment: Measure


def read_rates(policy: Policy, actions: Sequence[str]) -> Rates:
    """Read what a policy counts with: measured where it says so, else assumed. Their intervals are left out."""
    terms = {terms.code: terms for terms in policy.terms}
    offers = [terms.get(action) for action in actions]
    segments = len(policy.segments) + 1
    strengths = [offer.strengths if offer else (1.0,) * segments for offer in offers]
    by_segment = np.array(strengths, dtype=float).reshape(len(actions), segments).T
    return Rates(
        take_up=Measure.assume(np.array([offer.take_up if offer else 0.0 for offer in offers])),
        leavers_use=Measure.assume(np.array([offer.leavers_use if offer else 1.0 for offer in offers])),
        strength=Measure.assume(by_segment[-1]),
        by_segment=Measure.assume(by_segment),
    )
