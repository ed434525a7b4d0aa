"""The population stability index: what holds of it whatever was counted, and how it is read."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from churn.businesses import find_contract
from churn.contract.sampling import draw_demo_columns
from churn.errors import BundleError
from churn.model.reference import measure_reference
from churn.monitoring.drift import FAR, MOVED, Distribution, compute_stability_index, measure_drift, read_reference

type Numbers = NDArray[np.float64]
COUNTS = st.lists(st.integers(0, 100_000), min_size=2, max_size=20)
PAIRS = st.integers(2, 20).flatmap(
    lambda bins: st.tuples(*(st.lists(st.integers(0, 10_000), min_size=bins, max_size=bins) for _ in range(2)))
)


@given(COUNTS, st.integers(1, 50))
def test_the_same_shares_are_no_drift_however_many_were_counted(counts: list[int], times: int) -> None:
    assert compute_stability_index(counts, [times * count for count in counts]) == pytest.approx(0, abs=1e-9)


@given(PAIRS)
def test_it_is_never_negative_and_the_same_either_way(pair: tuple[list[int], list[int]]) -> None:
    there, back = compute_stability_index(*pair), compute_stability_index(*reversed(pair))
    assert there >= -1e-12
    assert there == pytest.approx(back)


@given(PAIRS, st.randoms())
def test_the_order_of_the_bins_does_not_matter(pair: tuple[list[int], list[int]], random: object) -> None:
    order = list(range(len(pair[0])))
    random.shuffle(order)  # type: ignore[attr-defined] # hypothesis gives a random.Random
    one, two = ([counts[at] for at in order] for counts in pair)
    assert compute_stability_index(one, two) == pytest.approx(compute_stability_index(*pair))


@given(st.lists(st.integers(100, 1000), min_size=2, max_size=10))
def test_it_grows_as_more_moves_to_the_first_bin(counts: list[int]) -> None:
    moved = [[counts[0] + share * sum(counts[1:]), *((1 - share) * n for n in counts[1:])] for share in (0.2, 0.5, 0.9)]
    indices = [compute_stability_index(counts, [round(n) for n in each]) for each in moved]
    assert indices == sorted(indices)
    assert indices[0] < indices[-1]


def test_a_textbook_pair_gives_the_textbook_figure() -> None:
    expected = (0.6 - 0.5) * math.log(0.6 / 0.5) + (0.4 - 0.5) * math.log(0.4 / 0.5)
    assert compute_stability_index([5000, 5000], [6000, 4000]) == pytest.approx(expected)


def reference(rows: int = 5000) -> tuple[Distribution, tuple[Distribution, ...], Numbers, Numbers]:
    """Score, features, and what they were made of."""
    contract = find_contract("streamflow")
    generator = np.random.default_rng(1)
    values = contract.encode_columns(draw_demo_columns(contract, generator, rows))
    scores = generator.random(rows)
    score, features = read_reference(measure_reference(contract, values, scores))
    return score, features, values.astype(np.float64), scores


def test_counting_the_reference_again_gives_its_counts() -> None:
    score, features, values, scores = reference()
    assert score.count(scores) == score.counts
    for feature, column in zip(features, values.T, strict=True):
        assert feature.count(column) == feature.counts, feature.name
        assert len(feature.bins) == len(feature.counts)


def test_values_beyond_the_reference_fall_into_the_outer_bins_and_nan_into_none() -> None:
    score, features, _, _ = reference()
    assert sum(score.count(np.array([-1.0, 2.0, np.nan]))) == 2
    for feature in features:
        assert sum(feature.count(np.array([-5.0, 1e9, np.nan, np.inf]))) == 2


def test_the_bands_are_the_usual_ones_and_too_few_say_nothing() -> None:
    score, _, _, scores = reference()
    assert measure_drift(score, score.count(scores)).band == "steady"
    assert measure_drift(score, score.count(scores**1.5)).band == "moved"
    assert measure_drift(score, score.count(scores**4)).band == "far"
    assert measure_drift(score, score.count(scores[:50] ** 4)).band == "too few"
    assert measure_drift(score, [0] * len(score.counts)).band == "too few"
    assert MOVED < FAR


@pytest.mark.parametrize("content", [{}, {"probability": {}}, {"probability": {"edges": [0, 1], "counts": ["x"]}}])
def test_a_reference_of_another_form_is_an_error_that_says_what_to_do(content: dict[str, object]) -> None:
    with pytest.raises(BundleError, match=r"reference\.json"):
        read_reference(content)
