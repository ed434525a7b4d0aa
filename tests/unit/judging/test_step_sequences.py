"""Shares compared over several steps: right at every look, by law and by trial, and sooner sure."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from churn.judging.checks import Flags
from churn.judging.sequences import ALIKE, ANY, Prior, Proportions, log_mixture
from churn.judging.step_sequences import (
    add_steps,
    average_effect,
    difference_sequence,
    is_rejected,
    log_steps_likelihood,
    log_steps_mixture,
    ratio_sequence,
)

ALPHA = 0.05


def in_steps(*steps: tuple[float, ...]) -> Proportions:
    """Hits and total of stable and of the canary in each step, and if given of what stable answered earlier."""
    return Proportions(*(np.array(numbers, dtype=float)[:, None] for numbers in zip(*steps, strict=True)))


def is_rejected_at(
    counted: Proportions, effect: float, alpha: float, *, prior: Prior = ANY, is_ratio: bool = False
) -> Flags:
    """Tell whether an effect is rejected with all that are larger, or with all that are smaller."""
    larger = is_rejected(counted, effect, "at least", alpha, prior=prior, is_ratio=is_ratio)
    return larger | is_rejected(counted, effect, "at most", alpha, prior=prior, is_ratio=is_ratio)


@st.composite
def steps(draw: st.DrawFn, most: int = 3, *, earlier: bool = True) -> Proportions:
    def draw_step() -> tuple[int, ...]:
        totals = [draw(st.integers(0, 100_000)) for _ in range(3 if earlier else 2)]
        return tuple(number for total in totals for number in (draw(st.integers(0, total)), total))

    return in_steps(*(draw_step() for _ in range(draw(st.integers(1, most)))))


@given(steps(1, earlier=False))
def test_the_interval_of_the_ratio_holds_one_if_that_of_the_difference_holds_zero(counted: Proportions) -> None:
    low, high = difference_sequence(counted, ALPHA)
    ratio_low, ratio_high = ratio_sequence(counted, ALPHA)
    assume(min(abs(low[0]), abs(high[0])) > 1e-5)
    assert ratio_low[0] <= ratio_high[0]
    assert (ratio_low[0] <= 1.001 and ratio_high[0] >= 0.999) or not low[0] <= 0 <= high[0]


@given(steps(), st.floats(0.1, 10))
def test_the_interval_of_the_ratio_is_what_is_not_rejected(counted: Proportions, ratio: float) -> None:
    low, high = ratio_sequence(counted, ALPHA)
    assume(min(abs(ratio / low[0] - 1), abs(ratio / high[0] - 1)) > 1e-4)
    assert is_rejected_at(counted, ratio, ALPHA, is_ratio=True)[0] == (not low[0] <= ratio <= high[0])


@given(steps(), st.floats(-0.9, 0.9))
def test_the_interval_is_what_is_not_rejected(counted: Proportions, effect: float) -> None:
    low, high = difference_sequence(counted, ALPHA)
    assume(min(abs(effect - low[0]), abs(effect - high[0])) > 1e-5)
    assert is_rejected_at(counted, effect, ALPHA)[0] == (not low[0] <= effect <= high[0])


@given(steps(1))
def test_the_interval_of_one_step_holds_what_was_observed(counted: Proportions) -> None:
    low, high = difference_sequence(counted, ALPHA)
    assert -1 <= low[0] <= average_effect(counted)[0] <= high[0] <= 1


@given(steps())
def test_a_step_without_answers_adds_nothing(counted: Proportions) -> None:
    assume(any(counted.stable_total * counted.canary_total))
    more = Proportions(*(np.concatenate([numbers, np.zeros((1, 1))]) for numbers in counted))
    assert average_effect(more) == pytest.approx(average_effect(counted), abs=1e-6)
    for ends, ends_of_more in zip(difference_sequence(counted, ALPHA), difference_sequence(more, ALPHA), strict=True):
        assert ends_of_more == pytest.approx(ends, abs=1e-5)


@given(steps())
def test_the_mixture_loses_half_of_the_prior_at_most_if_steps_differ_and_if_they_do_not(counted: Proportions) -> None:
    mixture = log_steps_mixture(counted)[0]
    assert mixture >= log_mixture(counted).sum() - math.log(2) - 1e-9
    assert mixture >= log_mixture(add_steps(counted))[0] - math.log(2) - 1e-9


@pytest.mark.parametrize("prior", [ANY, ALIKE])
@given(one=st.integers(0, 1_000_000), other=st.integers(0, 1_000_000))
def test_the_mixture_is_a_distribution_over_all_that_can_be_counted_in_two_steps(
    prior: Prior, one: int, other: int
) -> None:
    """Its sum over all outcomes is one. What was earlier than the second step does not depend on the first here."""
    earlier = min(one, other), max(one, other)
    outcomes = [(s, 2, c, 1, *earlier) for s in range(3) for c in range(2)]
    both = [(first, second) for first in outcomes for second in outcomes]
    counted = Proportions(*(numbers.T for numbers in np.array(both, dtype=float).transpose(2, 0, 1)))
    ways = [math.prod(math.comb(2, step[0]) for step in steps) for steps in both]
    assert (np.exp(log_steps_mixture(counted, prior)) * ways).sum() == pytest.approx(1)


@given(steps(), st.floats(-0.9, 0.9), st.floats(-0.9, 0.9))
def test_the_more_effects_are_to_be_rejected_the_less_evidence_there_is(
    counted: Proportions, one: float, other: float
) -> None:
    low, high = min(one, other), max(one, other)
    assert (
        log_steps_likelihood(counted, low, "at least")[0] >= log_steps_likelihood(counted, high, "at least")[0] - 1e-3
    )
    assert log_steps_likelihood(counted, low, "at most")[0] <= log_steps_likelihood(counted, high, "at most")[0] + 1e-3


def test_evidence_of_earlier_steps_counts_on() -> None:
    first, second = (2, 9_000, 0, 1_000), (1, 2_500, 0, 2_500)
    ends = [difference_sequence(in_steps(*counted), ALPHA)[1][0] for counted in ([first], [second], [first, second])]
    assert ends[2] < 0.9 * min(ends[:2])


def test_a_share_that_both_versions_have_for_a_while_is_no_difference() -> None:
    """Ten times as many fail in the second step, in which the canary has five times the requests."""
    low, high = difference_sequence(in_steps((90, 9_000, 10, 1_000), (500, 5_000, 500, 5_000)), ALPHA)
    assert low[0] < 0 < high[0] < 0.025
    thrown_together = add_steps(in_steps((90, 9_000, 10, 1_000), (500, 5_000, 500, 5_000)))
    assert thrown_together.effect()[0] > 0.04


@pytest.mark.parametrize(("prior", "earlier"), [(ANY, 0.005), (ANY, 0.1), (ALIKE, 0.0), (ALIKE, 0.005), (ALIKE, 0.1)])
@pytest.mark.parametrize(
    ("stable", "effect"), [((0.005, 0.005), 0.0), ((0.3, 0.1), 0.0), ((0.02, 0.05), 0.4), ((0.0, 0.001), 0.001)]
)
def test_the_truth_lies_outside_at_any_of_many_looks_no_more_often_than_it_may(
    stable: tuple[float, float], effect: float, prior: Prior, earlier: float
) -> None:
    """At 0.2, so that a slip shows in few runs: 400 looks at 300 runs, a canary of a tenth, then of one half.

    Each run goes on to the second step when the canary looks well, which depends on what was counted.
    """
    random, alpha, runs, ever = np.random.default_rng(6), 0.2, 300, np.zeros(300, dtype=bool)
    counted, step, all_runs = np.zeros((4, 2, runs)), np.zeros(runs, dtype=int), np.arange(runs)
    before = np.full((2, runs), 50_000 * earlier), np.full((2, runs), 50_000.0)
    for look in range(400):
        of_canary = random.binomial(20, np.array([0.1, 0.5])[step])
        share = np.array(stable)[step]
        counted[:, step, all_runs] += [
            random.binomial(20 - of_canary, share),
            20 - of_canary,
            random.binomial(of_canary, share + effect),
            of_canary,
        ]
        ever |= is_rejected_at(Proportions(*(*counted, *before)), effect, alpha, prior=prior)
        looks_well = counted[2, 0] / counted[3, 0].clip(1) - counted[0, 0] / counted[1, 0].clip(1) <= effect
        step |= looks_well & (look > 100)
    assert 0 < step.mean() < 1
    assert ever.mean() <= alpha


def test_a_difference_is_found_in_the_end() -> None:
    assert is_rejected(in_steps((450, 90_000, 200, 10_000)), 0.001, "at most", 0.001)[0]
    assert not is_rejected(in_steps((450, 90_000, 60, 10_000)), 0.001, "at most", 0.001)[0]
