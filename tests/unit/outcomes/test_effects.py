"""Effects from known chances: they hold the truth at every look, of people who are made without the project's code."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.outcomes.effects import Comparison, bound_number, estimate_effect, list_strata, weigh_outcomes
from churn.outcomes.strata import bound_effect

SHARE = 0.1


def draw(people: int, effect: float, seed: int, *, share: float = SHARE) -> tuple[Comparison, float]:
    """People of whom the riskier are helped more, and the mean effect on them all."""
    generator = np.random.default_rng(seed)
    score = 0.6 + 0.4 * generator.beta(2.5, 1, people)
    treated = np.clip(score + 4 * effect * (score - 0.6), 0, 1)
    is_held = generator.random(people) < share
    left = (generator.random(people) < np.where(is_held, score, treated)).astype(float)
    chances = np.full(people, 1 - share), np.full(people, share)
    # The mean score is 0.6 + 0.4 * 2.5 / 3.5, so the mean effect is 4 * 0.4 * 2.5 / 3.5 times what is asked for.
    return Comparison(score, ~is_held, is_held, *chances, left, left), effect * 4 * 0.4 * 2.5 / 3.5


def first(comparison: Comparison, people: int) -> Comparison:
    return comparison.choose(np.arange(len(comparison)) < people)


def test_the_interval_holds_the_truth_at_all_looks_and_is_far_narrower_than_the_exact_one() -> None:
    """A short form of the committed simulation."""
    looks, runs, held = (1_000, 2_500, 7_600), 60, 0
    widths: dict[int, list[float]] = {look: [] for look in looks}
    for seed in range(runs):
        comparison, truth = draw(looks[-1], -0.08 * (seed % 2), seed)
        estimates = [estimate_effect(first(comparison, look)) for look in looks]
        assert all(estimates)
        held += all(estimate.low <= truth <= estimate.high for estimate in estimates if estimate)
        for look, estimate in zip(looks, estimates, strict=True):
            widths[look].append(estimate.high - estimate.low if estimate else 0)
    assert held >= 0.94 * runs
    low, high = bound_effect(list_strata(comparison), 0.05)
    assert np.mean(widths[7_600]) < 0.65 * (high - low)  # so it needs 0.42 of the subscribers


def test_below_some_two_thousand_the_exact_interval_counts() -> None:
    comparison, _ = draw(6_000, -0.1, 1)
    small, large = estimate_effect(first(comparison, 1_500)), estimate_effect(comparison)
    assert small is not None
    assert large is not None
    assert (small.is_asymptotic, large.is_asymptotic) == (False, True)
    exact = bound_effect(list_strata(first(comparison, 1_500)), 0.05)
    assert (small.low, small.high) == exact


def test_where_nearly_everybody_stays_the_exact_interval_counts_however_many_there_are() -> None:
    comparison, _ = draw(6_000, 0, 2)
    rare = (np.arange(6_000) % 400 == 0).astype(float)
    estimate = estimate_effect(replace(comparison, low=rare, high=rare))
    assert estimate is not None
    assert not estimate.is_asymptotic


def test_shares_that_change_with_those_who_come_mislead_nobody() -> None:
    """A third is held out while most leave, and a twentieth while few do; the banner does nothing."""
    generator = np.random.default_rng(4)
    early = np.arange(30_000) < 15_000
    share = np.where(early, 0.33, 0.05)
    is_held = generator.random(30_000) < share
    left = (generator.random(30_000) < np.where(early, 0.8, 0.4)).astype(float)
    comparison = Comparison(np.full(30_000, 0.7), ~is_held, is_held, 1 - share, share, left, left)
    assert left[is_held].mean() - left[~is_held].mean() > 0.1  # thrown together
    estimate = estimate_effect(comparison)
    assert estimate is not None
    assert estimate.is_asymptotic
    assert estimate.low < 0 < estimate.high


@pytest.mark.parametrize("people", [1_000, 8_000])
def test_the_interval_holds_whatever_those_did_who_are_missing(people: int) -> None:
    comparison, _ = draw(people, -0.05, 5)
    whole = estimate_effect(comparison)
    for seed in range(3):
        lost = np.random.default_rng(seed).random(people) < 0.02
        ends = np.where(lost, 0, comparison.low), np.where(lost, 1, comparison.high)
        partly = estimate_effect(replace(comparison, low=ends[0], high=ends[1]))
        assert partly is not None
        assert whole is not None
        assert partly.low <= whole.low
        assert whole.high <= partly.high


def test_the_effect_of_an_offer_among_many_is_its_own_however_the_lot_favours_others() -> None:
    """Three actions with chances that depend on the score; the first one keeps a tenth of all."""
    generator = np.random.default_rng(6)
    score = generator.uniform(0.6, 1, 60_000)
    chance = np.where(score > 0.8, 0.6, 0.05)
    lot = generator.random(60_000)
    is_first, is_second = lot < chance, (lot >= chance) & (lot < chance + 0.1)
    chances: Any = score - 0.1 * is_first
    left = (generator.random(60_000) < chances).astype(float)
    other = np.full(60_000, 0.1)
    estimate = estimate_effect(Comparison(score, is_first, is_second, chance, other, left, left))
    assert estimate is not None
    assert estimate.low < -0.1 < estimate.high < 0
    assert left[is_first].mean() - left[is_second].mean() > -0.02  # thrown together


@given(st.integers(0, 1000), st.floats(-50, 50), st.floats(0.5, 20))
def test_a_number_in_other_units_has_the_effect_in_these(seed: int, shift: float, scale: float) -> None:
    comparison, _ = draw(300, -0.05, seed)
    effect = weigh_outcomes(comparison, comparison.low).mean()
    moved = scale * comparison.low
    assert weigh_outcomes(comparison, moved).mean() == pytest.approx(scale * effect, abs=1e-6)
    low, high = bound_number(replace(comparison, low=moved, high=moved))
    assert low < scale * effect < high
    assert abs(weigh_outcomes(comparison, comparison.low + shift).mean() - effect) < 1 + abs(shift) / 4


def test_without_anybody_on_one_side_there_is_no_effect() -> None:
    comparison, _ = draw(100, 0, 1)
    assert estimate_effect(comparison.choose(comparison.is_first)) is None
    assert estimate_effect(first(comparison, 0)) is None
