"""Paired differences: the arrays say of each subscriber what the pure functions for one subscriber say."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from churn.contract.declaration import Contract
from churn.model.model import Prediction, probability_from_contributions, tier_from_probability
from churn.model.pairs import STEPS, Differences, ModelAnswers, compare_answers, tiers_from_probabilities
from churn.retention.reasons import direction_from_contribution

FEATURES = 5
TIERS = ("low", "medium", "high")

parts = st.sampled_from([-2.0, -0.5, -0.00004, 0.0, 0.00004, 0.5, 0.7]) | st.floats(-3, 3)
explained = st.tuples(*[parts] * FEATURES, st.floats(-3, 3))


def predicted(contributions: tuple[float, ...]) -> Prediction:
    return Prediction(
        probability_from_contributions(contributions), (0.0,) * FEATURES, contributions[:-1], contributions[-1]
    )


predictions = explained.map(predicted)


def side(several: list[Prediction]) -> ModelAnswers:
    return ModelAnswers(
        np.array([one.probability for one in several]), np.array([one.contributions for one in several])
    )


def top(prediction: Prediction) -> list[int]:
    """As reasons are ranked."""
    sizes = [*map(abs, prediction.contributions)]
    return sorted(range(FEATURES), key=sizes.__getitem__, reverse=True)[:3]


def of_one(differences: Differences, at: int) -> list[int | bool]:
    return [column[at].item() for column in differences]


@given(st.lists(predictions, min_size=1, max_size=20), st.floats(0, 1))
def test_a_model_and_itself_differ_in_nothing(several: list[Prediction], threshold: float) -> None:
    found = compare_answers(side(several), side(several), threshold, Contract.tiers)
    assert (found.champion_tier == found.challenger_tier).all()
    assert (found.champion_banner == found.challenger_banner).all()
    assert found.same_set.all()
    assert found.same_order.all()
    assert found.same_signs.all()
    assert not found.shift.any()


@given(st.lists(st.tuples(predictions, predictions), min_size=1, max_size=20), st.sampled_from([0.3, 0.5, 0.6]))
def test_the_arrays_say_of_each_what_a_naive_comparison_says(
    pairs: list[tuple[Prediction, Prediction]], threshold: float
) -> None:
    found = compare_answers(
        side([mine for mine, _ in pairs]), side([theirs for _, theirs in pairs]), threshold, Contract.tiers
    )
    for at, (mine, theirs) in enumerate(pairs):
        directions = [
            [direction_from_contribution(round(each.contributions[feature], 4) + 0.0) for feature in top(mine)]
            for each in (mine, theirs)
        ]
        assert of_one(found, at) == [
            TIERS.index(tier_from_probability(mine.probability, Contract.tiers)),
            TIERS.index(tier_from_probability(theirs.probability, Contract.tiers)),
            mine.probability > threshold,
            theirs.probability > threshold,
            set(top(mine)) == set(top(theirs)),
            top(mine) == top(theirs),
            directions[0] == directions[1],
            round((theirs.probability - mine.probability) * STEPS),
        ]


def test_tiers_begin_where_the_answers_begin() -> None:
    shown = np.array([0.2999, 0.3, 0.5999, 0.6, 1.0])
    assert [TIERS[tier] for tier in tiers_from_probabilities(shown, Contract.tiers)] == [
        tier_from_probability(probability, Contract.tiers) for probability in shown.tolist()
    ]


def test_the_same_features_in_another_order_are_the_same_set() -> None:
    mine, theirs = predicted((3.0, 2.0, 1.0, 0.0, 0.0, 0.0)), predicted((2.0, 3.0, -1.0, 0.0, 0.0, 0.0))
    found = compare_answers(side([mine]), side([theirs]), 0.6, Contract.tiers)
    assert (found.same_set.item(), found.same_order.item(), found.same_signs.item()) == (True, False, False)
