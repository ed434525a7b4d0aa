"""Ranking and truth of the reasons."""

from hypothesis import given
from hypothesis import strategies as st
from support.examples import STREAMFLOW
from support.strategies import subscribers

from churn.contract.declaration import Contract
from churn.model.model import Prediction
from churn.retention.reasons import rank_reasons

contributions = st.lists(st.floats(-5, 5, width=32), min_size=10, max_size=10).map(tuple)


def predicted(subscriber: Contract, contributions: tuple[float, ...]) -> Prediction:
    return Prediction(0.5, subscriber.encode(), contributions, 0.0)


@given(subscribers(STREAMFLOW).map(STREAMFLOW.model_validate), contributions)
def test_reasons_are_ranked_by_size_and_say_what_their_number_says(
    subscriber: Contract, contributions: tuple[float, ...]
) -> None:
    reasons = rank_reasons(subscriber, predicted(subscriber, contributions), count=10)
    sizes = [abs(reason["shap_contribution"]) for reason in reasons]
    assert sizes == sorted(sizes, reverse=True)
    assert {reason["feature"] for reason in reasons} == set(STREAMFLOW.feature_names())
    verbs = {1: " increases ", 0: " has no effect on ", -1: " decreases "}
    for reason in reasons:
        sign = (reason["shap_contribution"] > 0) - (reason["shap_contribution"] < 0)
        assert verbs[sign] in reason["plain_language"]
        assert reason["direction"] == ("increases_risk" if sign > 0 else "decreases_risk")
        assert reason["value"] == subscriber.encode()[STREAMFLOW.feature_names().index(reason["feature"])]


def test_a_long_history_is_never_called_short() -> None:
    """The first version worded a reason by its direction alone."""
    veteran = STREAMFLOW.model_validate(STREAMFLOW.example() | {"tenure": 120})
    reason = rank_reasons(veteran, predicted(veteran, (1.0, *[0.0] * 9)))[0]
    assert reason["plain_language"] == "A long history of 120 months increases churn risk"


def test_equal_contributions_come_in_the_contracts_order() -> None:
    subscriber = STREAMFLOW.model_validate(STREAMFLOW.example())
    reasons = rank_reasons(subscriber, predicted(subscriber, (0.5, -0.5) * 5))
    assert [reason["feature"] for reason in reasons] == STREAMFLOW.feature_names()[:3]


def test_a_contribution_that_is_shown_as_zero_claims_no_effect() -> None:
    subscriber = STREAMFLOW.model_validate(STREAMFLOW.example())
    reason = rank_reasons(subscriber, predicted(subscriber, (-0.00001, *[0.0] * 9)))[0]
    assert str(reason["shap_contribution"]) == "0.0"
    assert reason["plain_language"] == "A short history of 14 months has no effect on churn risk"
