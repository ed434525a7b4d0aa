"""Confidence sequences of the difference of two shares: right at every look, by law."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.judging.sequences import (
    Numbers,
    Proportions,
    confidence_sequence,
    log_likelihood,
    log_mixture,
    log_split_evidence,
    split_sequence,
)

ALPHA = 0.05


def pair(*numbers: float) -> Proportions:
    """Hits and total of stable, of the canary, and if given of what stable answered earlier."""
    return Proportions(*(np.array([float(number)]) for number in numbers))


def log_evidence(proportions: Proportions, effect: float) -> Numbers:
    return log_mixture(proportions) - log_likelihood(proportions, effect)


@st.composite
def pairs(draw: st.DrawFn, most: int = 100_000, *, earlier: bool = True) -> Proportions:
    totals = [draw(st.integers(0, most)) for _ in range(3 if earlier else 2)]
    return pair(*(number for total in totals for number in (draw(st.integers(0, total)), total)))


def log_binomial(hits: float, total: float, share: Numbers) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(hits > 0, hits * np.log(share), 0) + np.where(
            total > hits, (total - hits) * np.log1p(-share), 0
        )


@given(pairs(), st.floats(-0.99, 0.99))
def test_no_pair_of_shares_with_that_difference_is_likelier(counted: Proportions, effect: float) -> None:
    stable_hits, stable_total, canary_hits, canary_total, *_ = (float(numbers[0]) for numbers in counted)
    low, high = max(0, -effect), min(1, 1 - effect)
    shares = low + (high - low) * np.concatenate([np.linspace(0, 1, 1001), np.logspace(-7, -1, 200)])
    tried = log_binomial(stable_hits, stable_total, shares)
    tried = tried + log_binomial(canary_hits, canary_total, np.clip(shares + effect, 0, 1))
    likeliest = log_likelihood(counted, effect)[0]
    assert likeliest >= np.nanmax(tried) - 1e-4
    assert likeliest <= log_likelihood(counted)[0] + 1e-6


@given(pairs(), st.floats(0.01, 100))
def test_no_pair_of_shares_with_that_ratio_is_likelier(counted: Proportions, ratio: float) -> None:
    stable_hits, stable_total, canary_hits, canary_total, *_ = (float(numbers[0]) for numbers in counted)
    most = min(1, 1 / ratio)
    shares = most * np.concatenate([np.linspace(0, 1, 1001), np.logspace(-7, -1, 200)])
    tried = log_binomial(stable_hits, stable_total, shares)
    tried = tried + log_binomial(canary_hits, canary_total, np.clip(shares * ratio, 0, 1))
    likeliest = log_likelihood(counted, ratio, is_ratio=True)[0]
    assert likeliest >= np.nanmax(tried) - 1e-4
    assert likeliest <= log_likelihood(counted)[0] + 1e-6


@given(pairs(earlier=False), st.floats(-0.99, 0.99))
def test_tracks_that_change_places_change_the_sign_of_the_effect(counted: Proportions, effect: float) -> None:
    swapped = Proportions(counted.canary_hits, counted.canary_total, counted.stable_hits, counted.stable_total)
    assert log_evidence(swapped, -effect) == pytest.approx(log_evidence(counted, effect), abs=1e-3)


@given(pairs(), st.floats(-0.99, 0.99))
def test_what_is_no_hit_could_be_counted_as_well(counted: Proportions, effect: float) -> None:
    totals = counted[1::2]
    hits = [total - hit for hit, total in zip(counted[::2], totals, strict=True)]
    others = Proportions(*(numbers for both in zip(hits, totals, strict=True) for numbers in both))
    assert log_evidence(others, -effect) == pytest.approx(log_evidence(counted, effect), abs=1e-3)


@given(pairs())
def test_the_mixture_is_no_likelier_than_the_likeliest(counted: Proportions) -> None:
    assert log_mixture(counted)[0] <= log_likelihood(counted)[0] + 1e-9


@given(st.integers(0, 1_000_000), st.integers(0, 1_000_000))
def test_the_mixture_is_a_distribution_over_all_that_can_be_counted(one: int, other: int) -> None:
    """Its sum over all outcomes of 4 and 3 requests is one: so it is a mean over a prior, and need be no more."""
    outcomes = [(s, 4, c, 3, min(one, other), max(one, other)) for s in range(5) for c in range(4)]
    counted = Proportions(*np.array(outcomes, dtype=float).T)
    ways = [math.comb(4, s) * math.comb(3, c) for s, _, c, *_ in outcomes]
    assert (np.exp(log_mixture(counted)) * ways).sum() == pytest.approx(1)


@given(pairs())
def test_what_stable_answered_earlier_costs_half_of_the_prior_at_most(counted: Proportions) -> None:
    assert log_mixture(counted)[0] >= log_mixture(Proportions(*counted[:4]))[0] - math.log(2) - 1e-9


def test_what_stable_answered_earlier_makes_sure_sooner_where_it_still_holds() -> None:
    counted = (45, 9_000, 20, 1_000)
    unknown = log_evidence(pair(*counted), 0.001)[0]
    assert log_evidence(pair(*counted, 500, 100_000), 0.001)[0] > unknown + 1
    assert log_evidence(pair(*counted, 5_000, 100_000), 0.001)[0] == pytest.approx(unknown - math.log(2), abs=0.01)


def test_more_than_ten_thousand_earlier_requests_say_no_more_than_ten_thousand() -> None:
    many, more = (log_mixture(pair(4, 900, 1, 100, 0.005 * n, n))[0] for n in (10_000, 10_000_000))
    assert many == pytest.approx(more)


@given(pairs())
def test_the_interval_holds_what_was_observed(counted: Proportions) -> None:
    low, high = confidence_sequence(counted, ALPHA)
    assert -1 <= low[0] <= counted.effect()[0] <= high[0] <= 1


@given(pairs(), st.floats(0.001, 0.5), st.floats(0.001, 0.5))
def test_a_smaller_chance_of_error_needs_a_wider_interval(
    counted: Proportions, alpha: float, other_alpha: float
) -> None:
    low, high = confidence_sequence(counted, max(alpha, other_alpha))
    wider_low, wider_high = confidence_sequence(counted, min(alpha, other_alpha))
    assert wider_low[0] <= low[0]
    assert wider_high[0] >= high[0]


@given(st.integers(0, 40), st.integers(0, 40))
def test_ten_times_the_evidence_makes_the_interval_narrower(stable_hits: int, canary_hits: int) -> None:
    few, many = pair(stable_hits, 40, canary_hits, 40), pair(10 * stable_hits, 400, 10 * canary_hits, 400)
    (low, high), (low_of_many, high_of_many) = confidence_sequence(few, ALPHA), confidence_sequence(many, ALPHA)
    assert low[0] <= low_of_many[0]
    assert high_of_many[0] <= high[0]


@given(st.integers(0, 900), st.integers(0, 99))
def test_one_more_hit_of_the_canary_moves_the_interval_up(stable_hits: int, canary_hits: int) -> None:
    before = confidence_sequence(pair(stable_hits, 900, canary_hits, 100), ALPHA)
    after = confidence_sequence(pair(stable_hits, 900, canary_hits + 1, 100), ALPHA)
    # The prior is not quite monotone, which shows where almost nothing was counted.
    assert after[0][0] >= before[0][0] - 0.002
    assert after[1][0] >= before[1][0] - 0.002


def test_without_requests_nothing_is_rejected() -> None:
    low, high = confidence_sequence(pair(0, 0, 0, 0), ALPHA)
    assert (low[0], high[0]) == (-1, 1)


def test_a_split_as_expected_is_no_evidence_and_another_one_is() -> None:
    assert log_split_evidence(1_000, 10_000, 0.1, expected=0.1) < 0
    assert log_split_evidence(1_300, 10_000, 0.1, expected=0.1) > math.log(1000)


def test_the_split_is_ever_thought_wrong_no_more_often_than_it_may_be() -> None:
    random, wrong, runs = np.random.default_rng(7), 0, 150
    for _ in range(runs):
        hits = np.cumsum(random.binomial(20, 0.1, 200)).tolist()
        wrong += any(
            log_split_evidence(hit, 20 * look, 0.1, expected=0.1) >= math.log(5) for look, hit in enumerate(hits, 1)
        )
    assert wrong / runs <= 0.2


@given(st.integers(1, 10_000), st.floats(0, 1), st.floats(0.01, 0.99))
def test_the_interval_of_the_split_holds_what_was_observed(total: int, share: float, expected: float) -> None:
    hits = round(total * share)
    low, high = split_sequence(hits, total, ALPHA, expected=expected)
    assert 0 <= low <= hits / total <= high <= 1
