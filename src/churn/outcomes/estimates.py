"""Figures with the interval around each, and whether that interval holds however often somebody looks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from churn.judging.mean_sequences import lower_bound, upper_bound
from churn.judging.sequences import split_sequence

ALPHA: Final = 0.05
_ANSWERS = np.array([0.0, 1.0])


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the 95 % interval around it.

    Args:
        value: the figure.
        low, high: the ends of the interval.
        every_look: whether the interval holds at all looks together. If not, it holds for somebody who looks once.
        is_asymptotic: whether it needs many subscribers to be right, as the usual intervals do; else it is exact.
    """

    value: float
    low: float
    high: float
    every_look: bool = False
    is_asymptotic: bool = False

    def describe(self, write: Callable[[float], str]) -> tuple[str, str, str]:
        """Return value and ends in words."""
        return write(self.value), write(self.low), write(self.high)


def estimate_share(hits: int, total: int, *, expected: float | None = None) -> Estimate:
    """Estimate a share by at least one answer; its interval holds at every look.

    Args:
        expected: what was expected before any answer, as firmly as by a hundred. It makes the interval narrower where
            it is right, and wider where it is not. None if nothing was.
    """
    if expected is not None:
        return Estimate(hits / total, *split_sequence(hits, total, ALPHA, expected=expected), every_look=True)
    counts = np.array([total - hits, hits], dtype=float)
    low, high = (float(bound(_ANSWERS, counts, ALPHA / 2)) for bound in (lower_bound, upper_bound))
    return Estimate(hits / total, low, high, every_look=True)
