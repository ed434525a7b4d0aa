"""What a contract derives from its declaration, and what it refuses to be.

What `churn contract test` asks of every contract is asked in `unit/drafting/test_soundness.py`.
"""

import re
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from support.examples import STREAMFLOW
from support.patchy import CONTRACT as PATCHY
from support.strategies import subscribers

from churn.businesses import find_contract, list_contracts
from churn.contract.declaration import Contract, Count, Dollars, Feature
from churn.contract.language import find_language
from churn.contract.phrases import Band, Bands, Says, Value, bands_from_values, label_from_name, write_dollars
from churn.errors import ContractError

CONTRACTS = [find_contract(name) for name in list_contracts()]
every_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=list_contracts())
some_contract: st.SearchStrategy[type[Contract]] = st.sampled_from([*CONTRACTS, PATCHY])


def test_streamflow_has_the_ten_features_in_the_models_order() -> None:
    assert STREAMFLOW.feature_names() == [
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
    codes = {spec.name: spec.categories for spec in STREAMFLOW.features if spec.categories}
    assert codes == {
        "contract_type": ("month-to-month", "one-year", "two-year"),
        "payment_method": ("electronic_check", "mailed_check", "bank_transfer", "credit_card"),
        "internet_service": ("none", "dsl", "fiber_optic"),
    }


@given(some_contract.flatmap(lambda contract: st.tuples(st.just(contract), subscribers(contract))))
def test_what_encodes_is_chosen_once_and_encodes_as_each_field_does(
    drawn: tuple[type[Contract], dict[str, Any]],
) -> None:
    contract, row = drawn
    subscriber = contract.model_validate(row)
    by_field = tuple(spec.encode(getattr(subscriber, spec.name)) for spec in contract.features)
    assert repr(subscriber.encode()) == repr(by_field)


@every_contract
def test_what_a_subscriber_may_read_has_words_for_every_value_in_both_directions(contract: type[Contract]) -> None:
    for spec in contract.features:
        assert spec.is_showable != spec.marker.protected
        for band in spec.bands:
            assert bool(band.raises) == bool(band.lowers) == spec.is_showable
            for text in (band.team, band.raises, band.lowers, band.suits):
                assert text.count("{") == text.count("{value}") <= (spec.words is not None)


@every_contract
def test_nothing_a_subscriber_may_read_speaks_of_leaving_or_of_risk(contract: type[Contract]) -> None:
    forbidden = re.compile(r"\b(leav|risk|churn|cancel|quit|likely|score|predict|model|lose)", re.IGNORECASE)
    for spec in contract.features:
        for band in spec.bands:
            assert not forbidden.search(band.raises + band.lowers + band.suits), (spec.name, band.name)


def test_a_protected_field_cannot_have_words_for_subscribers() -> None:
    says = {True: Says("A", raises="You are A.", lowers="You are A."), False: Says("B", raises="b", lowers="b")}
    with pytest.raises(ContractError, match="protected"):
        make(bool, says, example=True, protected=True)


def test_a_protected_field_cannot_say_why_an_offer_is_for_somebody() -> None:
    says = {True: Says("A", suits="you are A"), False: Says("B")}
    with pytest.raises(ContractError, match="suits"):
        make(bool, says, example=True, protected=True)


def test_streamflow_says_of_every_value_that_may_be_shown_why_an_offer_is_for_somebody() -> None:
    for spec in STREAMFLOW.features:
        assert all(bool(band.suits) == spec.is_showable for band in spec.bands), spec.name
    spec = STREAMFLOW.features[0]
    assert spec.word_for_offer(1) == "you have been with us for 1 month"
    assert spec.word_for_offer(14, find_language("de")) == "Sie schon 14 Monate bei uns sind"
    assert spec.word_for_offer(14, replace(find_language("de"), lacks=frozenset({("month", "months")}))) == ""


def test_an_offers_reason_may_not_speak_of_leaving() -> None:
    says = {True: Says("A", "a", "b", name="yes", suits="you might leave"), False: Says("B", "c", "d")}
    with pytest.raises(ContractError, match="suits of 'yes' tells the subscriber of 'leave'"):
        make(bool, says, example=True)


def test_minus_zero_is_encoded_as_zero() -> None:
    row = STREAMFLOW.model_validate(STREAMFLOW.example() | {"total_charges": -0.0})
    assert str(row.encode()[2]) == "0.0"


def test_the_fingerprint_follows_name_kind_and_categories_but_not_the_wording() -> None:
    base = make(Literal["a", "b"], {"a": Says("A"), "b": Says("B")}, "a")
    reworded = make(Literal["a", "b"], {"a": Says("Other"), "b": Says("Words")}, "b")
    reordered = make(Literal["b", "a"], {"a": Says("A"), "b": Says("B")}, "a")
    other_kind = make(bool, {True: Says("A"), False: Says("B")}, example=True)
    assert base.fingerprint == reworded.fingerprint
    assert len({base.fingerprint, reordered.fingerprint, other_kind.fingerprint}) == 3


BANDS = Bands([Band("{value}", name="all")], words=write_dollars)
FALLING = Bands([Band("", name="a", below=2), Band("", name="b", below=1), Band("", name="c")], words=write_dollars)
UNBOUNDED = Bands([Band("", name="a", below=2)], words=write_dollars)
NAMED_ALIKE = Bands([Band("", name="a", below=2), Band("", name="a")], words=write_dollars)
ONE_SIDED = {"a": Says("A", raises="You have a."), "b": Says("B", raises="You have b.", lowers="You have b.")}
CATEGORY = Literal["a", "b"]


@pytest.mark.parametrize(
    ("kind", "says", "complaint"),
    [
        (CATEGORY, {"a": Says("A")}, "wording is for"),
        (CATEGORY, {"a": Says("A"), "b": Says("B"), "c": Says("C")}, "wording is for"),
        (bool, {True: Says("A")}, "wording is for"),
        (CATEGORY, BANDS, "word numbers with Bands"),
        (Count, {"a": Says("A")}, "word numbers with Bands"),
        (Dollars, FALLING, "must rise"),
        (Dollars, UNBOUNDED, "must rise"),
        (Dollars, NAMED_ALIKE, "same name"),
        (CATEGORY, {"a": Says("A", name="low"), "b": Says("B", name="low")}, "same name"),
        (CATEGORY, {"a": Says("A", name="so low"), "b": Says("B")}, "letters and digits, joined by hyphens"),
        (CATEGORY, {"a": Says("A {value}"), "b": Says("B")}, "team of 'a' has {value}, where no braces may stand"),
        (Count, Bands([Band("{valeu} of it", name="all")], words=write_dollars), "has {valeu}, where only {value} may"),
        (Count, Bands([Band("{value", name="all")], words=write_dollars), "has {value, where only {value} may"),
        (Count, Bands([Band("value}", name="all")], words=write_dollars), "has }, where only {value} may"),
        (Count, Bands([Band("A", "Do not leave", "B", name="all")], words=write_dollars), "subscriber of 'leave'"),
        (CATEGORY, {"a": Says("A"), "b": Says("B", raises="b", lowers="Less risky.")}, "lowers of 'b' tells the sub"),
        (CATEGORY, ONE_SIDED, "words for subscribers for some values only"),
        (int, BANDS, "needs a lower and an upper limit"),
        (list[int], BANDS, "use int, float, bool or Literal"),
    ],
)
def test_a_declaration_that_is_not_complete_is_refused(kind: Any, says: Any, complaint: str) -> None:
    with pytest.raises(ContractError) as refused:
        make(kind, says, "a")
    assert complaint in f"{refused.value.message} {refused.value.instead}"


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["month-to-month", "one year"], ["month-to-month", "one-year"]),
        (["<1000", ">1000"], ["below-1000", "above-1000"]),
        (["<= 5", "≥5", "5+", "5 %"], ["at-most-5", "at-least-5", "5-plus", "5-percent"]),
        (["Ä", "Ö", "北"], ["ä", "ö", "北"]),
        (["CC", "cc", "cc-1"], ["cc", "cc-1", "cc-1-2"]),
        (["a b", "a-b"], ["a-b", "a-b-1"]),
        (["?", "!"], ["value-0", "value-1"]),
    ],
)
def test_each_category_has_a_name_of_its_own_in_codes(values: list[str], names: list[str]) -> None:
    [spec] = make(Literal[*values], {value: Says(value) for value in values}, values[0]).features
    assert [band.name for band in spec.bands] == names


@given(st.lists(st.text(), min_size=1, unique=True), st.text())
def test_a_categorys_name_stays_when_another_category_comes_after_it(values: list[str], later: str) -> None:
    says: dict[Value, Says] = {value: Says("A") for value in [*values, later]}
    names = [band.name for band in bands_from_values({value: says[value] for value in values}, values)]
    assert len(set(names)) == len(names)
    if later not in values:
        assert [band.name for band in bands_from_values(says, [*values, later])][:-1] == names


def test_fields_and_values_have_labels_for_people() -> None:
    says = {"fiber_optic": Says("A"), "dsl": Says("B", label="DSL")}
    [spec] = make(Literal["fiber_optic", "dsl"], says, "dsl").features
    assert (spec.label, [spec.name_value(value) for value in says]) == ("Field", ["Fiber optic", "DSL"])
    [spec] = make(bool, {True: Says("A"), False: Says("B")}, example=True).features
    assert [spec.name_value(value) for value in (True, False)] == ["Yes", "No"]
    [spec] = make(Dollars, BANDS, 1.0).features
    assert spec.name_value(1253.5) == "$1,253.50"
    tickets = STREAMFLOW.features[5]
    assert (tickets.name, tickets.label) == ("num_support_tickets", "Support tickets")
    internet = STREAMFLOW.features[6]
    assert [internet.name_value(value, find_language("de")) for value in internet.categories] == [
        "Keines",
        "DSL",
        "Glasfaser",
    ]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("monthly_charges", "Monthly charges"),
        ("MonthlyCharges", "Monthly charges"),
        ("StreamingTV", "Streaming TV"),
        ("TVHours", "TV hours"),
        ("x", "X"),
        ("_", "_"),
    ],
)
def test_a_name_in_words_is_a_label(name: str, label: str) -> None:
    assert label_from_name(name) == label


def test_a_category_can_be_given_its_name_in_codes() -> None:
    [spec] = make(CATEGORY, {"a": Says("A", name="b"), "b": Says("B")}, "a").features
    assert [band.name for band in spec.bands] == ["b", "b-1"]


def test_a_field_without_marker_or_description_is_refused() -> None:
    with pytest.raises(ContractError, match="exactly one Feature marker"):

        class Unmarked(Contract):
            field: Annotated[bool, Field(description="Something.", examples=[True])]

    with pytest.raises(ContractError, match="a description and an example"):

        class Undescribed(Contract):
            field: Annotated[bool, Feature(says={True: Says("A"), False: Says("B")})]


def test_an_unknown_contract_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ContractError) as refused:
        find_contract("nowhere")
    assert refused.value.instead.startswith(f"choose one of {', '.join(list_contracts())}")


def make(kind: Any, says: Any, example: Any, *, protected: bool = False) -> type[Contract]:

    class Made(Contract):
        contract_name: ClassVar[str] = "made"
        field: Annotated[
            kind, Field(description="Something.", examples=[example]), Feature(says=says, protected=protected)
        ]

    return Made
