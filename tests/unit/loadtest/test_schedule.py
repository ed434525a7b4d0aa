"""Requests are due when the rate says so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.loadtest.plan import Arrivals, draw_arrivals

ARRIVALS = st.sampled_from(["uniform", "poisson"])
RATES = st.floats(0.01, 100_000)


@given(rate=RATES, arrivals=ARRIVALS, requests=st.integers(1, 2000), seed=st.integers(0, 9))
def test_as_many_as_asked_for_are_due_at_rising_times(
    rate: float, arrivals: Arrivals, requests: int, seed: int
) -> None:
    times = draw_arrivals(rate, arrivals, np.random.default_rng(seed), requests=requests)
    assert len(times) == requests
    assert times[0] >= 0
    assert (np.diff(times) > 0).all()


@given(rate=st.floats(0.01, 5000), arrivals=ARRIVALS, duration_s=st.floats(0.1, 2), seed=st.integers(0, 9))
def test_all_that_are_due_before_the_end_and_no_others(
    rate: float, arrivals: Arrivals, duration_s: float, seed: int
) -> None:
    times = draw_arrivals(rate, arrivals, np.random.default_rng(seed), duration_s=duration_s)
    expected = rate * duration_s
    margin = 1 if arrivals == "uniform" else 5 * expected**0.5 + 5
    assert abs(len(times) - expected) <= margin
    assert (np.diff(times) >= 0).all()
    assert not len(times) or 0 <= times[0] <= times[-1] < duration_s


def test_uniform_arrivals_have_equal_gaps() -> None:
    assert draw_arrivals(4, "uniform", np.random.default_rng(0), requests=5).tolist() == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("seed", range(3))
def test_poisson_arrivals_have_gaps_that_vary_as_much_as_they_last(seed: int) -> None:
    for times in (
        draw_arrivals(100, "poisson", np.random.default_rng(seed), requests=20_000),
        draw_arrivals(100, "poisson", np.random.default_rng(seed), duration_s=200),
    ):
        gaps = np.diff(times)
        assert gaps.mean() == pytest.approx(0.01, rel=0.05)
        assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)


@given(arrivals=ARRIVALS)
def test_the_same_seed_gives_the_same_times(arrivals: Arrivals) -> None:
    one, other = (draw_arrivals(50, arrivals, np.random.default_rng(3), requests=100) for _ in range(2))
    assert one.tolist() == other.tolist()
