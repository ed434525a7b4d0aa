"""Values that are not known, and categories that are not listed: what a contract makes of them."""

import json
import math
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field
from support.patchy import CONTRACT as PATCHY

from churn.contract.cells import BadCell, read_cells
from churn.contract.declaration import Contract, Count, Feature
from churn.contract.phrases import Band, Bands, CountedNoun, Says
from churn.contract.subscriber import SubscriberError, subscriber_from_json
from churn.errors import ContractError

NUMBER = Bands([Band("{value}", name="all")], words=CountedNoun("thing", "things"))
SPECS = {spec.name: spec for spec in PATCHY.features}


def encode(**fields: Any) -> dict[str, float]:
    subscriber = subscriber_from_json(PATCHY, {"visits": 3, "goal": "health", **fields})
    return dict(zip(PATCHY.feature_names(), subscriber.encode(), strict=True))


@pytest.mark.parametrize("name", [spec.name for spec in PATCHY.features if spec.is_nullable])
def test_null_and_absent_and_a_blank_cell_are_not_known(name: str) -> None:
    example = {spec.name: spec.example for spec in PATCHY.features}
    absent = {other: value for other, value in example.items() if other != name}
    cells = {other: str(value).lower() for other, value in absent.items()}
    read = [subscriber_from_json(PATCHY, example | {name: None}), subscriber_from_json(PATCHY, absent)]
    read += [read_cells(PATCHY, cells), read_cells(PATCHY, cells | {name: " "})]  # type: ignore[list-item]
    at = PATCHY.feature_names().index(name)
    assert all(math.isnan(subscriber.encode()[at]) for subscriber in read)
    assert all(getattr(subscriber, name) is None for subscriber in read)


def test_what_is_not_known_has_words_and_a_code_of_its_own() -> None:
    tenure, fee = SPECS["tenure"], SPECS["fee"]
    assert (tenure.word_for_team(None), tenure.code_from_value(None)) == ("Tenure unknown", "tenure.unknown")
    assert not tenure.word_for_subscriber(None, "increases_risk")
    assert fee.word_for_team(None) == "A fee that is not known"
    assert fee.word_for_subscriber(None, "increases_risk").startswith("You may pay more")
    assert tenure.decode(math.nan) is tenure.decode(None) is None
    with pytest.raises(ValueError, match="visits is not known"):
        SPECS["visits"].decode(math.nan)


@pytest.mark.parametrize("text", ["swimming", "Health", " health", "é", "x" * 100, "other"])
def test_any_other_category_is_taken_as_other(text: str) -> None:
    assert encode(goal=text)["goal"] == encode(town=text)["town"] == 2
    assert SPECS["goal"].code_from_value("other") == "goal.other"
    assert SPECS["goal"].word_for_team("other") == "Another goal"


@pytest.mark.parametrize("value", ["", "  ", "x" * 101, 3, True, None, ["health"]])
def test_what_is_no_category_at_all_is_refused(value: Any) -> None:
    with pytest.raises(SubscriberError) as refused:
        encode(goal=value)
    assert "one of health, strength, other, or another text of up to 100 characters, got " in refused.value.message


def test_a_blank_category_is_no_other_one() -> None:
    assert read_cells(PATCHY, {"visits": "3", "goal": ""}) == [BadCell("goal", "blank", "")]
    assert math.isnan(encode(town=None)["town"])


def test_a_limit_holds_for_what_is_known() -> None:
    with pytest.raises(SubscriberError, match="tenure must be at most 120, got 121"):
        encode(tenure=121)
    with pytest.raises(SubscriberError, match="tenure must be a whole number from 0 to 120, or null, got NaN"):
        encode(tenure=math.nan)
    assert encode(tenure=14.0)["tenure"] == 14  # JSON knows one kind of number


def test_only_what_may_be_unknown_changes_the_fingerprint() -> None:
    plain, listed, other = (
        make(Count, NUMBER),
        make(Literal["a", "other"], {"a": Says("A"), "other": Says("B")}),
        make(Literal["a", "other"], {"a": Says("A")}, other=True),
    )
    assert listed.fingerprint == other.fingerprint
    assert make(Count | None, NUMBER, default=None, missing=True).fingerprint != plain.fingerprint


def test_the_schema_says_what_a_client_may_send() -> None:
    schema = PATCHY.model_json_schema()
    assert schema["required"] == ["visits", "goal"]
    fields = schema["properties"]
    assert fields["tenure"]["anyOf"] == [{"maximum": 120, "minimum": 0, "type": "integer"}, {"type": "null"}]
    goal = {name: fields["goal"][name] for name in ("type", "minLength", "maxLength", "x-categories")}
    known = ["health", "strength", "other"]
    assert goal == {"type": "string", "minLength": 1, "maxLength": 100, "x-categories": known}
    assert "enum" not in json.dumps(fields["town"])


def test_a_category_that_is_called_unknown_is_not_the_unknown_one() -> None:
    kind = Literal["known", "unknown"] | None
    [spec] = make(kind, {"known": Says("A"), "unknown": Says("B")}, default=None, missing=True).features
    assert [spec.code_from_value(value) for value in ("unknown", None)] == ["field.unknown", "field.blank"]


@pytest.mark.parametrize(
    ("kind", "more", "complaint"),
    [
        (Count | None, {"default": None}, "takes None, but is not marked as missing"),
        (Count, {"missing": True}, "takes no None, but is marked as missing"),
        (Count | None, {"missing": True}, "may be missing and has no default None"),
        (Count | None, {"missing": True, "default": 3}, "may be missing and has no default None"),
        (Count | None, {"missing": True, "default": None, "blank": 3}, "has both blank and missing"),
        (Count | None, {"missing": Says("{value} things"), "default": None}, "{value}"),
        (Count | str | None, {"missing": True, "default": None}, "use int, float, bool or Literal of strings"),
        (Literal["a", "b"], {"other": True, "says": {"a": Says("A"), "b": Says("B")}}, "with other last"),
        (Literal["other", "a"], {"other": True, "says": {"a": Says("A")}}, "with other last"),
        (Count, {"other": True}, "with other last"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(kind: Any, more: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContractError) as refused:
        make(kind, more.pop("says", NUMBER), **more)
    assert complaint in f"{refused.value.message} {refused.value.instead}"


def test_a_protected_field_gets_no_words_for_subscribers_where_it_is_not_known() -> None:
    words = Says("Not told", raises="You have not told us.", lowers="You have not told us.")
    with pytest.raises(ContractError, match="words for subscribers for some values only"):
        make(Count | None, NUMBER, default=None, missing=words, protected=True)


def make(kind: Any, says: Any, **more: Any) -> type[Contract]:
    default = {"default": more.pop("default")} if "default" in more else {}

    class Made(Contract):
        contract_name: ClassVar[str] = "made"
        field: Annotated[kind, Field(description="Something.", examples=[1]), Feature(says=says, **more)] = Field(
            **default
        )

    return Made
