"""What a contract derives from its declaration, and what it refuses to be."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError
from strategies import subscribers

from churn.contract import Bands, Contract, Count, Dollars, Feature, counted, dollars
from churn.contracts import contract_names, find_contract
from churn.errors import ContractError

CONTRACTS = [find_contract(name) for name in contract_names()]
every_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=contract_names())
some_contract = st.sampled_from(CONTRACTS)


def test_streamflow_has_the_ten_features_in_the_models_order() -> None:
    contract = find_contract("streamflow")
    assert contract.feature_names() == [
        "tenure",
        "monthly_charges",
        "total_charges",
        "contract_type",
        "payment_method",
        "num_support_tickets",
        "internet_service",
        "streaming_services",
        "paperless_billing",
        "senior_citizen",
    ]


def test_streamflow_has_the_codes_that_the_models_were_trained_with() -> None:
    codes = {spec.name: spec.categories for spec in find_contract("streamflow").features if spec.categories}
    assert codes == {
        "contract_type": ("month-to-month", "one-year", "two-year"),
        "payment_method": ("electronic_check", "mailed_check", "bank_transfer", "credit_card"),
        "internet_service": ("none", "dsl", "fiber_optic"),
    }


@given(
    some_contract.flatmap(lambda contract: st.tuples(st.just(contract), st.lists(subscribers(contract), min_size=1)))
)
def test_rows_and_columns_are_encoded_alike(drawn: tuple[type[Contract], list[dict[str, Any]]]) -> None:
    contract, rows = drawn
    one_by_one = np.array([contract.model_validate(row).encode() for row in rows], dtype=np.float32)
    columns = {name: [row[name] for row in rows] for name in contract.feature_names()}
    together = contract.encode_columns(columns)
    assert together.dtype == np.float32
    assert together.tobytes() == one_by_one.tobytes()
    assert np.isfinite(together).all()


@given(some_contract.flatmap(lambda contract: st.tuples(st.just(contract), subscribers(contract))))
def test_every_value_has_a_wording_without_a_gap(drawn: tuple[type[Contract], dict[str, Any]]) -> None:
    contract, row = drawn
    for spec in contract.features:
        phrase = spec.phrase(row[spec.name])
        assert phrase
        assert "{" not in phrase


@every_contract
def test_the_example_is_a_valid_subscriber(contract: type[Contract]) -> None:
    assert contract.model_validate(contract.example()).model_dump() == contract.example()


@every_contract
@pytest.mark.parametrize("wrong", [None, [], {}, "1e3", float("nan"), float("inf"), 10**400, -1, -0.5])
def test_no_field_takes_what_is_of_another_type_or_out_of_range(contract: type[Contract], wrong: Any) -> None:
    for name in contract.feature_names():
        with pytest.raises(ValidationError) as refused:
            contract.model_validate(contract.example() | {name: wrong})
        assert [error["loc"] for error in refused.value.errors()] == [(name,)]


def test_minus_zero_is_encoded_as_zero() -> None:
    contract = find_contract("streamflow")
    row = contract.model_validate(contract.example() | {"total_charges": -0.0})
    assert str(row.encode()[2]) == "0.0"


def test_the_fingerprint_follows_name_kind_and_categories_but_not_the_wording() -> None:
    base = make(Literal["a", "b"], {"a": "A", "b": "B"}, "a")
    reworded = make(Literal["a", "b"], {"a": "Other", "b": "Words"}, "b")
    reordered = make(Literal["b", "a"], {"a": "A", "b": "B"}, "a")
    other_kind = make(bool, {True: "A", False: "B"}, example=True)
    assert base.fingerprint == reworded.fingerprint
    assert len({base.fingerprint, reordered.fingerprint, other_kind.fingerprint}) == 3


def test_a_band_ends_just_below_its_bound() -> None:
    bands = Bands(below=[(2, "few: {value}")], otherwise="many: {value}", words=counted("ticket", "tickets"))
    assert [bands.phrase(n) for n in (0, 1, 2)] == ["few: 0 tickets", "few: 1 ticket", "many: 2 tickets"]


def test_money_is_worded_with_cents_and_thousands() -> None:
    assert [dollars(amount) for amount in (0.0, 89.5, 1253)] == ["$0.00", "$89.50", "$1,253.00"]
    assert len(dollars(3.4e38)) < 12


BANDS = Bands(below=[], otherwise="{value}", words=str)
CATEGORY = Literal["a", "b"]


@pytest.mark.parametrize(
    ("kind", "says", "complaint"),
    [
        (CATEGORY, {"a": "A"}, "wording is for"),
        (CATEGORY, {"a": "A", "b": "B", "c": "C"}, "wording is for"),
        (bool, {True: "A"}, "wording is for"),
        (CATEGORY, BANDS, "word numbers with Bands"),
        (Count, {"a": "A"}, "word numbers with Bands"),
        (Dollars, Bands(below=[(2, ""), (1, "")], otherwise="", words=str), "must rise"),
        (int, BANDS, "needs a lower and an upper limit"),
        (list[int], BANDS, "use int, float, bool or Literal"),
    ],
)
def test_a_declaration_that_is_not_complete_is_refused(kind: Any, says: Any, complaint: str) -> None:
    with pytest.raises(ContractError) as refused:
        make(kind, says, "a")
    assert complaint in f"{refused.value.message} {refused.value.instead}"


def test_a_field_without_marker_or_description_is_refused() -> None:
    with pytest.raises(ContractError, match="exactly one Feature marker"):

        class Unmarked(Contract):
            field: Annotated[bool, Field(description="Something.", examples=[True])]

    with pytest.raises(ContractError, match="a description and an example"):

        class Undescribed(Contract):
            field: Annotated[bool, Feature(says={True: "A", False: "B"})]


def test_an_unknown_contract_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ContractError) as refused:
        find_contract("nowhere")
    assert refused.value.instead == "choose one of streamflow, telco"


def make(kind: Any, says: Any, example: Any) -> type[Contract]:
    """A contract of one field."""

    class Made(Contract):
        contract_name: ClassVar[str] = "made"
        field: Annotated[kind, Field(description="Something.", examples=[example]), Feature(says=says)]

    return Made
