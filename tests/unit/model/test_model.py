"""The model as a function, and the decisions taken on what is shown."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import STREAMFLOW

from churn.businesses import list_contracts
from churn.contract.declaration import Contract, Rows
from churn.contract.sampling import draw_subscribers
from churn.model.bundle import Bundle
from churn.model.model import ChurnModel, sigmoid, tier_from_probability


@given(st.floats(-1e6, 1e6))
def test_the_sigmoid_is_a_probability_and_symmetric_at_any_margin(margin: float) -> None:
    assert 0 <= sigmoid(margin) <= 1
    assert sigmoid(margin) + sigmoid(-margin) == pytest.approx(1)


@pytest.mark.parametrize(
    ("probability", "tier"),
    [(0.0, "low"), (0.2999, "low"), (0.3, "medium"), (0.5999, "medium"), (0.6, "high"), (1.0, "high")],
)
def test_tiers_begin_at_their_bounds(probability: float, tier: str) -> None:
    assert tier_from_probability(probability, Contract.tiers) == tier


def test_the_probability_is_the_sum_of_contributions_and_base_value() -> None:
    def explain(rows: Rows) -> Rows:
        return np.tile(np.array([0.1] * 10 + [-0.5], dtype=np.float32), (len(rows), 1))

    model = ChurnModel(STREAMFLOW, explain, "v0")
    prediction = model.predict([STREAMFLOW.model_validate(STREAMFLOW.example())])[0]
    assert prediction.probability == round(1 / (1 + math.exp(-0.5)), 4)
    assert prediction.base_value == -0.5
    assert len(prediction.contributions) == 10


@pytest.mark.parametrize("name", list_contracts())
def test_an_answer_does_not_depend_on_who_else_is_asked_about(bundles: dict[str, Bundle], name: str) -> None:
    model = bundles[name].model
    several = draw_subscribers(model.contract, np.random.default_rng(1), 50)
    assert model.predict(several) == [model.predict([one])[0] for one in several]
