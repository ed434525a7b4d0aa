"""A mean bounded at any moment by an asymptotic sequence: as narrow as its authors say, and as rarely wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.judging.asymptotic_sequences import bound_mean, find_half_width


def test_looking_all_the_time_is_wrong_as_rarely_as_is_promised() -> None:
    """Skewed numbers with a mean of 1: each of 1,000 runs is looked at 40 times."""
    generator = np.random.default_rng(3)
    looks = np.unique(np.geomspace(300, 6000, 40).astype(int))
    numbers = generator.exponential(size=(1000, looks[-1]))
    means = numbers.cumsum(axis=1)[:, looks - 1] / looks
    deviations = np.sqrt((numbers**2).cumsum(axis=1)[:, looks - 1] / looks - means**2)
    low, high = bound_mean(means, deviations, looks, 0.1, tuned_for=3000)
    assert ((low > 1) | (high < 1)).any(axis=1).mean() <= 0.1
    look_once = 1.645 * deviations / np.sqrt(looks)
    assert (np.abs(means - 1) > look_once).any(axis=1).mean() > 0.2  # who looks as often with a usual interval is not


@given(st.floats(0.1, 10), st.integers(50, 10**6), st.floats(0.01, 0.2))
def test_it_is_wider_than_the_usual_interval_and_scales_with_the_deviation(
    deviation: float, count: int, alpha: float
) -> None:
    width = find_half_width(deviation, count, alpha, tuned_for=5000)
    assert width > np.sqrt(-2 * np.log(alpha)) * deviation / np.sqrt(count) * 0.99
    assert find_half_width(2 * deviation, count, alpha, tuned_for=5000) == pytest.approx(2 * width)
    low, high = bound_mean(3.0, deviation, count, alpha, tuned_for=5000)
    assert (low + high) / 2 == pytest.approx(3)


def test_it_is_narrowest_at_the_count_that_it_is_tuned_for() -> None:
    at = {tuned: find_half_width(1, 5000, 0.05, tuned_for=tuned) for tuned in (500, 4500, 5000, 5500, 50_000)}
    assert min(at, key=lambda tuned: float(at[tuned])) == 5000
