"""Answers of whole tables: to the last bit those that the service gives one by one."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import subscribers

from churn.answers import DECIMALS, TIERS
from churn.businesses import find_contract, list_contracts
from churn.contract.declaration import Contract, Rows
from churn.contract.sampling import draw_subscribers
from churn.model.bundle import Bundle
from churn.model.model import ChurnModel, probability_from_contributions, tier_from_probability
from churn.scoring.answers import ROWS_AT_ONCE, answer_rows, round_like_python, round_probabilities
from churn.service.answering.answer import predict_and_answer

CONTRACTS = st.sampled_from(list_contracts()).map(find_contract)
TIES = st.integers(-50_000, 50_000).map(lambda whole: (whole + 0.5) / 10**DECIMALS)
NUMBERS = st.floats(-1e9, 1e9) | st.floats(-3, 3) | TIES | TIES.map(lambda tie: float(np.nextafter(tie, 9)))
FLOAT32 = (
    st.floats(-10, 10, width=32) | st.floats(-(2.0**99), 2.0**99, width=32) | st.sampled_from([0.0, -0.0, 5e-5, -5e-5])
)


def all_at_once(model: ChurnModel, people: Sequence[Contract], *, threshold: float, reasons: int) -> Iterator[Any]:
    values = np.array([subscriber.encode() for subscriber in people])
    table = answer_rows(model, values, threshold=threshold, reasons=reasons)
    columns = [table.probability.tolist(), table.tier.tolist(), table.reasons.to_pylist(), table.banner.tolist()]
    for probability, tier, why, banner in zip(*columns, strict=True):
        yield {
            "churn_probability": probability,
            "risk_tier": TIERS[tier],
            "top_reasons": why,
            "model_version": model.version,
            "show_retention_banner": banner,
        }


def require_same(model: ChurnModel, people: Sequence[Contract], **how: Any) -> None:
    # As text, which tells -0.0 from 0.0 and 1 from 1.0.
    one_by_one = predict_and_answer(model, people, **how)
    assert [repr(answer) for answer in all_at_once(model, people, **how)] == [
        repr(dict(answer)) for answer in one_by_one
    ]


@pytest.mark.parametrize("count", [0, 1, 3, None])
def test_many_rows_are_answered_as_each_alone(bundle: Bundle, count: int | None) -> None:
    contract = bundle.model.contract
    people = draw_subscribers(contract, np.random.default_rng(3), 2000)
    require_same(bundle.model, people, threshold=0.6, reasons=len(contract.features) if count is None else count)


@given(name=st.sampled_from(list_contracts()), data=st.data())
def test_any_subscribers_are_answered_as_each_alone(bundles: dict[str, Bundle], name: str, data: st.DataObject) -> None:
    model = bundles[name].model
    people = data.draw(st.lists(subscribers(model.contract).map(model.contract.model_validate), min_size=1, max_size=5))
    reasons = data.draw(st.integers(0, len(model.contract.features)))
    require_same(model, people, threshold=data.draw(st.floats(0, 1)), reasons=reasons)


@given(contract=CONTRACTS, data=st.data())
def test_whatever_an_explainer_says_is_worded_in_the_same_way(contract: type[Contract], data: st.DataObject) -> None:
    people = data.draw(st.lists(subscribers(contract).map(contract.model_validate), min_size=1, max_size=4))
    width = len(contract.features) + 1
    kind = data.draw(st.sampled_from([np.float32, np.float64]))
    row = st.lists(FLOAT32 | TIES, min_size=width, max_size=width)
    said = np.array(data.draw(st.lists(row, min_size=len(people), max_size=len(people))), dtype=kind)

    def explain(rows: Rows) -> npt.NDArray[Any]:
        assert len(rows) == len(said)
        return said

    require_same(ChurnModel(contract, explain, "v0-fake"), people, threshold=0.6, reasons=width - 1)


@given(st.lists(NUMBERS, max_size=8))
def test_numbers_are_rounded_as_python_rounds_them(numbers: list[float]) -> None:
    expected = [round(number, DECIMALS) + 0.0 for number in numbers]
    assert list(map(repr, round_like_python(np.array(numbers, dtype=np.float64)).tolist())) == list(map(repr, expected))


@given(st.lists(st.lists(NUMBERS | FLOAT32, min_size=4, max_size=4), min_size=1, max_size=5))
def test_probabilities_are_those_of_the_model(explained: list[list[float]]) -> None:
    expected = [probability_from_contributions(row) for row in explained]
    assert round_probabilities(np.array(explained)).tolist() == expected


def test_a_probability_in_the_middle_of_two_roundings_goes_where_the_model_puts_it() -> None:
    # The log-odds of each middle, and what lies beside it, split so that the order of addition matters.
    middles = (np.arange(10**DECIMALS) + 0.5) / 10**DECIMALS
    margins = np.log(middles / (1 - middles))
    explained = np.stack([np.full(len(margins), 0.1), np.full(len(margins), -0.3), margins + 0.2], axis=1)
    assert round_probabilities(explained).tolist() == [
        probability_from_contributions(row) for row in explained.tolist()
    ]


@pytest.mark.parametrize("probability", [0.0, 0.2999, 0.3, 0.5999, 0.6, 1.0])
def test_tiers_and_banner_follow_the_probability_as_shown(probability: float) -> None:
    contract = find_contract("streamflow")
    margin = float(np.log(probability / (1 - probability))) if 0 < probability < 1 else 800 * (2 * probability - 1)

    def explain(rows: Rows) -> npt.NDArray[Any]:
        return np.tile(np.array([0.0] * len(contract.features) + [margin]), (len(rows), 1))

    values = np.array([contract.model_validate(contract.example()).encode()])
    answers = answer_rows(ChurnModel(contract, explain, "v0-fake"), values, threshold=probability, reasons=3)
    assert answers.probability.tolist() == [probability]
    assert TIERS[answers.tier[0]] == tier_from_probability(probability, Contract.tiers)
    assert not answers.banner[0]


def test_more_rows_than_the_explainer_is_given_at_once_keep_their_order() -> None:
    contract = find_contract("streamflow")

    def explain(rows: Rows) -> npt.NDArray[np.float32]:
        assert len(rows) <= ROWS_AT_ONCE
        return np.column_stack([rows[:, :1] / 100, np.zeros((len(rows), len(contract.features)), np.float32)])

    tenures = np.arange(ROWS_AT_ONCE + 5) % 100
    values = np.tile(contract.model_validate(contract.example()).encode(), (len(tenures), 1))
    values[:, 0] = tenures
    answers = answer_rows(ChurnModel(contract, explain, "v0-fake"), values, threshold=0.6, reasons=1)
    assert np.array_equal(answers.reasons.flatten().field("value").to_numpy(), tenures)


def test_no_rows_are_answered_with_nothing(bundle: Bundle) -> None:
    none = np.empty((0, len(bundle.model.contract.features)))
    assert len(answer_rows(bundle.model, none, threshold=0.6, reasons=3).reasons) == 0
