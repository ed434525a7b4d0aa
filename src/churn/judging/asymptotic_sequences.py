"""A mean bounded at any moment, for numbers without a known bound: an asymptotic confidence sequence.

For n numbers with the mean m and the deviation s the ends are

    m ± s * sqrt(2 * (n r + 1) / (n^2 r) * log(sqrt(n r + 1) / alpha))

(Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, "Time-uniform central limit theory and asymptotic confidence
sequences", theorem 2.2, with r for the square of rho there). It is Robbins' mixture for a normal mean (1970). As the
central limit theorem does for one look, it holds for all looks together, the better the later the first look is. So
nobody should look at it before there are some hundred numbers on each side of a comparison. `mean_sequences.py` and
`sequences.py` hold from the first number on, and are wider.

The numbers need one mean. They need not be alike: each may have its own deviation.
"""

import numpy as np
import numpy.typing as npt

type Numbers = npt.NDArray[np.float64]


def bound_mean(
    mean: Numbers | float, deviation: Numbers | float, count: Numbers | float, alpha: float, *, tuned_for: float
) -> tuple[Numbers, Numbers]:
    """Return both ends of the sequence, (...). The true mean ever lies outside with a chance of alpha at most.

    Args:
        mean, deviation: of the numbers so far, (...), in their unit.
        count: how many they are, at least one, (...).
        tuned_for: the count at which the sequence is narrowest. It is chosen before any number is seen, never by them.
    """
    width = find_half_width(deviation, count, alpha, tuned_for=tuned_for)
    return np.asarray(mean - width), np.asarray(mean + width)


def find_half_width(deviation: Numbers | float, count: Numbers | float, alpha: float, *, tuned_for: float) -> Numbers:
    """Return half of the sequence's width, (...), in the unit of the deviation."""
    rate = (-2 * np.log(alpha) + np.log(1 - 2 * np.log(alpha))) / tuned_for
    grown = np.asarray(count, dtype=float) * rate + 1
    return np.asarray(deviation * np.sqrt(2 * grown / (rate * count**2) * np.log(np.sqrt(grown) / alpha)))
