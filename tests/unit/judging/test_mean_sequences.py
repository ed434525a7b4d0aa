"""What is surely so: right at every look, and sharp enough to be of use."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from churn.judging.mean_sequences import log_sum, log_wealth, lower_bound, upper_bound

YES_OR_NO = np.array([0.0, 1.0])

counts = st.lists(st.integers(0, 500), min_size=2, max_size=6).filter(any)


def ends(hits: int, total: int, alpha: float = 0.05) -> tuple[float, float]:
    counted = np.array([total - hits, hits], dtype=float)
    return float(lower_bound(YES_OR_NO, counted, alpha)), float(upper_bound(YES_OR_NO, counted, alpha))


@given(counts, st.floats(0.001, 0.2))
def test_the_observed_mean_lies_between_the_ends_and_both_are_possible(times_each: list[int], alpha: float) -> None:
    values, occurrences = np.linspace(0, 1, len(times_each)), np.array(times_each, dtype=float)
    low, high = lower_bound(values, occurrences, alpha), upper_bound(values, occurrences, alpha)
    assert 0 <= low <= values @ occurrences / occurrences.sum() + 1e-9
    assert values @ occurrences / occurrences.sum() - 1e-9 <= high <= 1


@given(counts, st.floats(0.01, 0.98), st.floats(0.001, 0.01))
def test_a_bet_on_more_wins_the_less_the_higher_it_is(times_each: list[int], mean: float, more: float) -> None:
    values, occurrences = np.linspace(0, 1, len(times_each)), np.array(times_each, dtype=float)
    assert log_wealth(values, occurrences, mean + more) <= log_wealth(values, occurrences, mean) + 1e-9


@given(counts, st.integers(2, 20))
def test_more_of_the_same_never_makes_less_sure(times_each: list[int], times: int) -> None:
    values, occurrences = np.linspace(0, 1, len(times_each)), np.array(times_each, dtype=float)
    for end, sign in ((lower_bound, 1), (upper_bound, -1)):
        assert sign * end(values, times * occurrences, 0.05) >= sign * end(values, occurrences, 0.05) - 1e-9


def test_nothing_is_surely_anything() -> None:
    assert ends(0, 0) == (0.0, 1.0)


def test_what_never_happened_is_soon_surely_rare_and_what_happens_is_soon_surely_there() -> None:
    assert ends(0, 400)[1] < 0.02
    low, high = ends(1000, 10_000)
    assert 0.085 < low < 0.1 < high < 0.115


def test_looking_all_the_time_is_wrong_as_rarely_as_is_promised() -> None:
    """Shares that are exactly what is tested: each of 1,000 runs is looked at 60 times."""
    generator = np.random.default_rng(3)
    looks = np.unique(np.geomspace(5, 4000, 60).astype(int))
    for share in (0.02, 0.3):
        hits = (generator.random((1000, looks[-1])) < share).cumsum(axis=1)[:, looks - 1]
        wealth = log_wealth(YES_OR_NO, np.stack([looks - hits, hits], axis=-1), share)
        wrong = (wealth >= np.log(1 / 0.1)).any(axis=1).sum()
        assert wrong <= 100  # 0.1 of 1,000 at most; a test that is peeked at is wrong far more often


def test_many_means_are_bounded_at_once_as_each_of_them_alone() -> None:
    counted, alphas = np.array([[[400.0, 0], [390, 10]], [[0, 1], [0, 0]]]), np.array([0.01, 0.05])
    for bound in (lower_bound, upper_bound):
        together = bound(YES_OR_NO, counted, alphas)
        alone = [
            [float(bound(YES_OR_NO, row, alpha)) for row, alpha in zip(rows, alphas, strict=True)] for rows in counted
        ]
        assert together.tolist() == alone


def test_the_logarithm_of_a_sum_is_scipys_also_of_very_small_and_large_numbers() -> None:
    logarithms = np.array([[-2000.0, -2001.0, -2500.0], [900.0, -900.0, 899.5]])
    assert log_sum(logarithms) == pytest.approx(logsumexp(logarithms, axis=-1), rel=1e-14)
