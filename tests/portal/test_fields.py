"""The what-if's form, made of what the service publishes for each contract."""

import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.dated import CONTRACT as DATED
from support.patchy import CONTRACT as PATCHY

from churn.businesses import find_contract, list_contracts
from churn.contract.subscriber import subscriber_from_json
from churn.errors import Nonsense
from churn.service.app import build_openapi_document
from portal.fields import (
    Field,
    ServiceLimits,
    Slider,
    describe_value,
    fields_from_document,
    limits_from_document,
    values_from_form,
)


@pytest.fixture(scope="module", params=list_contracts())
def contract(request: pytest.FixtureRequest) -> Any:
    return find_contract(request.param)


@pytest.fixture(scope="module")
def fields(contract: Any) -> list[Field]:
    return fields_from_document(build_openapi_document(contract))


STREAMFLOW = {each.name: each for each in fields_from_document(build_openapi_document(find_contract("streamflow")))}


def field(name: str) -> Field:
    return STREAMFLOW[name]


def test_there_is_a_control_for_each_feature_in_order_and_it_starts_with_the_example(
    contract: Any, fields: list[Field]
) -> None:
    assert [each.name for each in fields] == contract.feature_names()
    assert values_from_form(fields, {}) == contract.example()
    for each, spec in zip(fields, contract.features, strict=True):
        assert each.about == spec.meaning
        assert each.choices == spec.categories
        assert (each.slider is not None) == (spec.kind in {"integer", "number"})


def test_what_may_be_unknown_can_be_left_empty() -> None:
    controls = {each.name: each for each in fields_from_document(build_openapi_document(PATCHY))}
    tenure, town, newsletter = (controls[name] for name in ("tenure", "town", "newsletter"))
    assert controls["goal"].choices == ("health", "strength", "other")
    assert (town.choices, newsletter.choices) == (("", "north", "south", "other"), ("", "true", "false"))
    assert tenure.slider == Slider(0, 120, 1)
    assert [newsletter.describe(choice) for choice in newsletter.choices] == ["not known", "yes", "no"]
    empty = {"tenure": "", "town": "", "newsletter": ""}
    sent = values_from_form(list(controls.values()), empty)
    assert sent == {name: value for name, value in PATCHY.example().items() if name not in empty}
    assert [tenure.describe(None), town.describe(None)] == ["not known"] * 2
    assert newsletter.read("false") is False
    assert newsletter.write(value=True) == "true"
    PATCHY.model_validate(sent)


def test_every_place_of_every_slider_is_valid(contract: Any, fields: list[Field]) -> None:
    for each in fields:
        if each.slider:
            for place in (each.slider.lowest, each.slider.highest, each.slider.lowest + each.slider.step):
                contract.model_validate(contract.example() | {each.name: place})
            assert each.slider.lowest <= contract.example()[each.name] <= each.slider.highest


def test_a_slider_reaches_the_limits_where_there_are_some_and_else_twice_the_example() -> None:
    assert field("tenure").slider == Slider(0, 120, 1)
    assert field("streaming_services").slider == Slider(0, 4, 1)
    assert field("monthly_charges").slider == Slider(0, 200, 1.0)
    assert field("total_charges").slider == Slider(0, 5000, 50.0)
    assert field("num_support_tickets").slider == Slider(0, 10, 1)


@pytest.mark.parametrize(("name", "label"), [("num_support_tickets", "Support tickets"), ("tenure", "Tenure")])
def test_a_label_is_the_contracts(name: str, label: str) -> None:
    assert field(name).label == label


def test_a_label_parts_the_words_of_a_camel() -> None:
    telco = {each.name: each.label for each in fields_from_document(build_openapi_document(find_contract("telco")))}
    assert (telco["PaperlessBilling"], telco["StreamingTV"]) == ("Paperless billing", "Streaming TV")


def test_what_the_form_shows_at_the_start_reads_as_the_start(contract: Any, fields: list[Field]) -> None:
    shown = {each.name: str(each.start).lower() if isinstance(each.start, bool) else str(each.start) for each in fields}
    read = values_from_form(fields, shown)
    assert read == values_from_form(fields, {})
    assert contract.model_validate(read)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("14", 14),
        ("14.5", 14.5),
        (".5", 0.5),
        ("-3", -3),
        ("many", "many"),
        ("1e400", math.inf),
        ("9" * 5000, math.inf),
    ],
)
def test_numbers_are_read_and_what_is_none_is_left_for_the_service_to_refuse(text: str, value: Any) -> None:
    assert values_from_form([field("tenure")], {"tenure": text}) == {"tenure": value}


def test_an_empty_number_is_left_out() -> None:
    assert values_from_form([field("tenure")], {"tenure": ""}) == {}


def test_a_switch_is_on_or_off() -> None:
    assert [field("senior_citizen").read(text) for text in ("true", "false", "nonsense")] == [True, False, False]


@given(st.text())
def test_no_text_breaks_a_field(text: str) -> None:
    for name in ("tenure", "monthly_charges", "contract_type", "senior_citizen"):
        describe_value(field(name).read(text))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "yes"),
        (False, "no"),
        (16777216, "16,777,216"),
        (89.5, "89.5"),
        (1253.0, "1,253"),
        ("a_b", "a b"),
        (None, "nothing"),
    ],
)
def test_values_are_worded(value: Any, words: str) -> None:
    assert describe_value(value) == words


@pytest.mark.parametrize("document", [{}, {"paths": []}, {"paths": {"/predict": {"post": {}}}}, {"paths": None}])
def test_a_document_that_is_another_services_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(Nonsense, match=r"openapi\.json"):
        fields_from_document(document)


def test_limits_that_are_not_published_are_not_known() -> None:
    assert limits_from_document({"paths": {"/predict": {"post": {}}}}) == ServiceLimits(None, None, None)


def test_a_date_has_a_control_of_its_own_and_stands_for_what_is_derived_from_it() -> None:
    controls = {each.name: each for each in fields_from_document(build_openapi_document(DATED))}
    assert [*controls] == DATED.input_names()
    joined, visited = controls["joined_on"], controls["last_visit"]
    assert (joined.is_date, joined.slider, joined.choices, joined.is_nullable) == (True, None, (), False)
    assert joined.features == {"days_since_joining": "Days since joining", "month_of_joining": "Month of joining"}
    assert controls["books"].features == {"books": "Books"}
    sent = values_from_form(list(controls.values()), {"joined_on": "2024-05-01", "last_visit": ""})
    assert sent == {"books": 3, "joined_on": "2024-05-01"}
    assert visited.describe(None) == "not known"
    assert joined.about == "When somebody became a reader."
    assert joined.describe_derived("month_of_joining", 2.0) == "March"
    assert visited.describe_derived("days_since_visit", 1181.0) == "1,181"
    assert visited.describe_derived("days_since_visit", None) == "not known"
    subscriber_from_json(DATED, sent, as_of=date(2024, 6, 30))
