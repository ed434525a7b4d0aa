"""When the requests of an open loop are due."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

type Arrivals = Literal["uniform", "poisson"]
type Times = npt.NDArray[np.float64]


def draw_first_arrivals(rate_per_s: float, arrivals: Arrivals, generator: np.random.Generator, requests: int) -> Times:
    """When the first so many requests are due: rising times in seconds since the start.

    Args:
        rate_per_s: how many are due in a second; with Poisson arrivals on average.
        arrivals: `uniform` has equal gaps, `poisson` the random ones of people who do not know of each other.
        generator: of Poisson arrivals.
        requests: how many.
    """
    if arrivals == "uniform":
        return np.arange(requests) / rate_per_s
    return np.cumsum(generator.exponential(1 / rate_per_s, requests))


def draw_arrivals_until(
    rate_per_s: float, arrivals: Arrivals, generator: np.random.Generator, duration_s: float
) -> Times:
    """Likewise, all that are due before `duration_s`."""
    if arrivals == "uniform":
        times = np.arange(np.ceil(rate_per_s * duration_s)) / rate_per_s
        return times[times < duration_s]
    # Of a Poisson process the number of arrivals in a span is Poisson, and each is equally likely at any time of it.
    return np.sort(generator.uniform(0, duration_s, generator.poisson(rate_per_s * duration_s)))
