"""Dates: what is written as one, what is derived from it, and what is refused."""

import math
from datetime import date
from typing import Annotated, Any

import pytest
from pydantic import Field
from support.dated import CONTRACT as DATED
from support.dated import DAYS, JOINED, VISITED

from churn.contract.cells import read_cells
from churn.contract.dates import MONTHS, Date, DaysSince, Month, MonthOf, day_from_text
from churn.contract.declaration import Contract, Feature
from churn.contract.deriving import request_from_values
from churn.contract.phrases import Band, Bands, Says
from churn.contract.schema import build_request_schema
from churn.contract.subscriber import SubscriberError, subscriber_from_json
from churn.drafting.soundness import run_checks
from churn.errors import ChurnError, ContractError, DataError

TODAY = date(2024, 6, 30)
REQUEST = {"books": 3, "joined_on": "2024-06-01", "last_visit": "2024-06-28"}
COUNTED = Bands([Band("{value}", name="any")], words=DAYS)


def read(**fields: Any) -> Contract:
    return subscriber_from_json(DATED, REQUEST | fields, as_of=TODAY)


def refuse(request: dict[str, Any]) -> SubscriberError:
    with pytest.raises(SubscriberError) as refused:
        subscriber_from_json(DATED, request, as_of=TODAY)
    return refused.value


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-03-01", "2024-03-01"),
        ("2024-03-01 23:59:59", "2024-03-01"),
        ("2024-03-01 00:00:00.000000000", "2024-03-01"),
        ("2024-03-01T23:30:00Z", "2024-03-01"),
        ("2024-03-01T23:30:00-05:00", "2024-03-02"),
        ("2024-03-01 00:30:00.000000+0200", "2024-02-29"),
        *((text, None) for text in ("2024-3-1", "01/03/2024", "20240301", "2024-02-30", "2024-03-01T25:00", "", "now")),
        *((text, None) for text in ("2024-03", "0001-01-01T00:00+05:00", "9999-12-31T23:00-05:00", "٢٠٢٤-03-01")),
    ],
)
def test_a_date_is_one_of_iso_8601_and_a_zone_moves_it_to_the_day_of_utc(text: str, day: str | None) -> None:
    assert day_from_text(text) == (day and date.fromisoformat(day))


def test_features_are_derived_from_the_dates_of_a_request() -> None:
    assert read().encode() == (3, 29, 5, 2)
    assert read().model_dump()["month_of_joining"] == "June"


def test_a_date_that_is_not_known_gives_features_that_are_not_known() -> None:
    absent = {name: value for name, value in REQUEST.items() if name != "last_visit"}
    for subscriber in (read(last_visit=None), subscriber_from_json(DATED, absent, as_of=TODAY)):
        assert math.isnan(subscriber.encode()[-1])


def test_a_day_that_has_begun_in_the_east_counts_as_today_and_a_later_one_is_refused() -> None:
    assert read(last_visit="2024-07-01").encode()[-1] == 0
    refused = refuse(REQUEST | {"last_visit": "2024-07-02"})
    assert [error.code for error in refused.errors] == ["out_of_range"]
    assert refused.message == (
        "last_visit must be a date from 2021-10-04 to 2024-06-30, the day in UTC to which it is counted, or null, "
        'got "2024-07-02"'
    )


@pytest.mark.parametrize("value", ["", "1.3.2024", "2024-03", 20240301, True, ["2024-03-01"], {}, None])
def test_what_is_no_date_is_refused_under_the_name_of_the_date(value: Any) -> None:
    [error] = refuse(REQUEST | {"joined_on": value}).errors
    assert (error.field, error.code) == ("joined_on", "wrong_type")
    assert "joined_on must be a date from 2010-10-22 to 2024-06-30" in error.message


def test_a_date_too_long_ago_is_refused_and_all_that_is_wrong_is_said_in_the_order_of_the_contract() -> None:
    refused = refuse({"books": -1, "joined_on": "1999-01-01", "last_visit": "?", "hat": 1})
    assert [error.field for error in refused.errors] == ["books", "joined_on", "last_visit", "hat"]
    assert "the features are books, joined_on, last_visit" in refused.errors[-1].message
    [missing] = refuse({"books": 3}).errors
    assert (missing.field, missing.code) == ("joined_on", "missing")


def test_no_more_errors_are_listed_than_asked_for() -> None:
    with pytest.raises(SubscriberError) as refused:
        subscriber_from_json(DATED, {"joined_on": "?", "last_visit": "?"}, as_of=TODAY, most_errors=2)
    assert (len(refused.value.errors), refused.value.left_out) == (2, 1)


def test_features_may_be_sent_in_the_place_of_their_date_but_not_beside_it() -> None:
    derived = {"days_since_joining": 29, "month_of_joining": "June"}
    assert subscriber_from_json(DATED, {"books": 3, "last_visit": "2024-06-28"} | derived, as_of=TODAY) == read()
    [error] = refuse(REQUEST | derived).errors
    assert (error.field, error.code) == ("joined_on", "duplicate")
    [error] = refuse({"books": 3, "days_since_joining": 29}).errors
    assert (error.field, error.code) == ("month_of_joining", "missing")


def test_a_date_may_have_its_earlier_name() -> None:
    request = {"books": 3, "Join Date": "2024-06-01", "last_visit": "2024-06-28"}
    assert subscriber_from_json(DATED, request, as_of=TODAY) == read()
    assert [error.field for error in refuse(REQUEST | request).errors] == ["Join Date"]


def test_a_row_counts_to_the_day_in_its_column_or_else_to_the_stated_one() -> None:
    cells = {name: str(value) for name, value in REQUEST.items()}
    assert read_cells(DATED, cells, TODAY) == read()
    assert read_cells(DATED, cells | {"counted_on": "2024-06-30"}) == read()
    assert read_cells(DATED, cells | {"last_visit": "NaT", "counted_on": "2024-07-30 12:00"}) == subscriber_from_json(
        DATED, REQUEST | {"last_visit": None}, as_of=date(2024, 7, 30)
    )
    with pytest.raises(DataError) as refused:
        read_cells(DATED, cells)
    assert "--as-of DATE" in str(refused.value.instead)


@pytest.mark.parametrize(
    ("cells", "column", "check"),
    [
        ({"joined_on": ""}, "joined_on", "blank"),
        ({"joined_on": "6/1/2024"}, "joined_on", "no date"),
        ({"last_visit": "2024-07-02"}, "last_visit", "after the day of reference"),
        ({"last_visit": "2001-01-01"}, "last_visit", "out of range"),
        ({"counted_on": ""}, "counted_on", "blank"),
        ({"counted_on": "June"}, "counted_on", "no date"),
    ],
)
def test_a_cell_that_is_no_such_date_is_named(cells: dict[str, str], column: str, check: str) -> None:
    row = {name: str(value) for name, value in REQUEST.items()} | {"counted_on": "2024-06-30"} | cells
    bad = read_cells(DATED, row)
    assert isinstance(bad, list)
    assert [(cell.column, cell.check, bool(cell.error)) for cell in bad] == [(column, check, True)]


def test_a_row_that_lacks_the_column_of_a_date_that_must_be_there_is_refused() -> None:
    bad = read_cells(DATED, {"books": "3"})
    assert isinstance(bad, list)
    assert [(cell.column, cell.check) for cell in bad] == [("joined_on", "blank")]


def test_a_request_can_be_made_of_derived_values() -> None:
    request = request_from_values(DATED, read().model_dump(), TODAY)
    assert request == REQUEST
    later = request_from_values(DATED, read(last_visit=None).model_dump(), date(2024, 7, 30))
    assert (later["joined_on"], later["last_visit"]) == ("2024-07-01", None)


def test_the_schema_of_a_request_has_the_dates() -> None:
    schema = build_request_schema(DATED)
    assert list(schema["properties"]) == DATED.input_names() == ["books", "joined_on", "last_visit"]
    assert schema["required"] == ["books", "joined_on"]
    joined, visited = schema["properties"]["joined_on"], schema["properties"]["last_visit"]
    assert (joined["type"], joined["format"], joined["x-label"]) == ("string", "date", "Joined")
    assert [*joined["x-derives"]] == ["days_since_joining", "month_of_joining"]
    assert visited["anyOf"][1] == {"type": "null"}
    subscriber_from_json(DATED, DATED.example_request(), as_of=date(2024, 6, 30))


def test_derived_features_tell_one_story_and_change_nothing_of_the_fingerprint() -> None:
    assert [spec.group for spec in DATED.features] == ["books", "joined_on", "joined_on", "last_visit"]

    class Plain(Contract):
        days: Annotated[int, Field(ge=0, le=9, description="Days.", examples=[1]), Feature(says=COUNTED)]

    class Derived(Contract):
        days: Annotated[
            int, Field(ge=0, le=9, description="Days.", examples=[1]), Feature(says=COUNTED, of=DaysSince(JOINED))
        ]

    assert Plain.fingerprint == Derived.fingerprint


def test_a_contract_with_dates_is_sound() -> None:
    assert {result.check: result.problems for result in run_checks(DATED) if result.problems} == {}


@pytest.mark.parametrize(
    ("annotation", "feature", "wrong"),
    [
        (int, Feature(says=COUNTED, of=MonthOf(JOINED)), "does not fit the date"),
        (Month, Feature(says={month: Says(month) for month in MONTHS}, of=DaysSince(JOINED)), "does not fit the date"),
        (int, Feature(says=COUNTED, of=DaysSince(JOINED), blank=3), "has a blank, a default or an earlier name"),
        (int, Feature(says=COUNTED, of=DaysSince(Date("joined_on", "", "2024-01-01"))), "has no meaning"),
        (int, Feature(says=COUNTED, of=DaysSince(Date("on", "When.", "1.1.2024"))), "which is no date"),
        (int, Feature(says=COUNTED, of=DaysSince(Date("value", "When.", "2024-01-01"))), "that of something else"),
        (int, Feature(says=COUNTED, of=DaysSince(Date("who", "When.", "2024-01-01"))), "that of something else"),
    ],
)
def test_a_date_that_is_not_declared_whole_is_refused(annotation: Any, feature: Feature, wrong: str) -> None:
    limits: dict[str, Any] = {"ge": 0, "le": 9} if annotation is int else {}
    field = Field(**limits, description="Something.", examples=[1 if annotation is int else "May"])
    with pytest.raises(ContractError, match=wrong):
        type(
            "Wrong",
            (Contract,),
            {"__annotations__": {"value": Annotated[annotation, field, feature]}, "id_column": "who"},
        )


def test_two_features_of_one_date_agree_on_what_it_is_and_on_whether_it_is_known() -> None:
    with pytest.raises(ContractError, match="declared in two ways"):

        class Twice(Contract):
            one: Annotated[
                int, Field(ge=0, le=9, description="Days.", examples=[1]), Feature(says=COUNTED, of=DaysSince(JOINED))
            ]
            two: Annotated[
                int,
                Field(ge=0, le=9, description="Days.", examples=[1]),
                Feature(says=COUNTED, of=DaysSince(Date("joined_on", "Otherwise.", "2024-01-01"))),
            ]

    with pytest.raises(ContractError, match="some features may be missing"):

        class Half(Contract):
            one: Annotated[
                int, Field(ge=0, le=9, description="Days.", examples=[1]), Feature(says=COUNTED, of=DaysSince(VISITED))
            ]
            two: Annotated[
                int | None,
                Field(ge=0, le=9, description="Days.", examples=[1]),
                Feature(says=COUNTED, of=DaysSince(VISITED), missing=True),
            ] = None


def test_a_date_needs_a_day_to_be_counted_to() -> None:
    with pytest.raises(ChurnError, match="nothing says to which day the dates of dated are counted"):
        subscriber_from_json(DATED, REQUEST)
