"""Every way to send something wrong, and what is said about it."""

import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import EXAMPLE
from support.in_process import InProcess, require_problem
from support.strategies import json_values

from churn.businesses import find_contract
from churn.contract.declaration import Contract
from churn.settings import Settings

LIMIT = Settings().max_body_bytes


@pytest.mark.parametrize(
    ("field", "value", "code", "message"),
    [
        ("tenure", 130, "out_of_range", "tenure must be at most 120, got 130"),
        ("tenure", -1, "out_of_range", "tenure must be at least 0, got -1"),
        ("tenure", 14.5, "wrong_type", "tenure must be a whole number from 0 to 120, got 14.5"),
        ("tenure", 130.0, "out_of_range", "tenure must be at most 120, got 130"),
        ("tenure", "14", "wrong_type", 'tenure must be a whole number from 0 to 120, got "14"'),
        ("tenure", True, "wrong_type", "tenure must be a whole number from 0 to 120, got true"),
        ("tenure", None, "wrong_type", "tenure must be a whole number from 0 to 120, got null"),
        ("tenure", [14], "wrong_type", "tenure must be a whole number from 0 to 120, got an array"),
        ("tenure", {}, "wrong_type", "tenure must be a whole number from 0 to 120, got an object"),
        (
            "num_support_tickets",
            2**24 + 1,
            "out_of_range",
            "num_support_tickets must be at most 16,777,216, got 16777217",
        ),
        ("monthly_charges", -0.01, "out_of_range", "monthly_charges must be at least 0, got -0.01"),
        ("monthly_charges", 1e39, "out_of_range", "monthly_charges must be at most 3.4028234663852886e+38, got 1e+39"),
        ("monthly_charges", "89.5", "wrong_type", None),
        ("contract_type", "weekly", "not_listed", None),
        ("contract_type", "One-Year", "not_listed", None),
        ("contract_type", 0, "wrong_type", "contract_type must be one of month-to-month, one-year, two-year, got 0"),
        ("contract_type", "\x00", "not_listed", None),
        ("paperless_billing", 1, "wrong_type", "paperless_billing must be true or false, got 1"),
        ("paperless_billing", "true", "wrong_type", 'paperless_billing must be true or false, got "true"'),
    ],
)
def test_a_wrong_value_is_refused_by_its_fields_name_with_what_to_send_instead(
    streamflow: InProcess, field: str, value: object, code: str, message: str | None
) -> None:
    problem = require_problem(streamflow.predict({**EXAMPLE, field: value}), 422)
    [error] = problem["errors"]
    assert (error["field"], error["code"]) == (field, code)
    assert error["message"] == (message or error["message"])
    assert problem["detail"] == error["message"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
@pytest.mark.parametrize("field", ["tenure", "monthly_charges"])
def test_a_number_that_is_not_finite_is_refused(streamflow: InProcess, field: str, number: str) -> None:
    problem = require_problem(streamflow.predict_raw(with_raw(field, number)), 422)
    [error] = problem["errors"]
    assert (error["field"], error["code"]) == (field, "not_finite")


@pytest.mark.parametrize("digits", [400, 4_300, 5_000, 60_000])
@pytest.mark.parametrize("field", ["tenure", "monthly_charges"])
def test_a_number_of_any_length_is_refused_by_its_fields_name(streamflow: InProcess, field: str, digits: int) -> None:
    problem = require_problem(streamflow.predict_raw(with_raw(field, "9" * digits)), 422)
    [error] = problem["errors"]
    assert (error["field"], error["code"]) == (field, "out_of_range")
    assert len(error["message"]) < 200


def test_each_missing_field_is_named(service: InProcess, contract: type[Contract]) -> None:
    problem = require_problem(service.predict({}), 422)
    assert [error["field"] for error in problem["errors"]] == contract.feature_names()
    assert {error["code"] for error in problem["errors"]} == {"missing"}


@pytest.mark.parametrize("name", find_contract("streamflow").feature_names())
def test_no_field_may_be_left_out(streamflow: InProcess, name: str) -> None:
    body = {field: value for field, value in EXAMPLE.items() if field != name}
    [error] = require_problem(streamflow.predict(body), 422)["errors"]
    assert (error["field"], error["code"]) == (name, "missing")


def test_a_field_that_is_no_feature_is_refused(streamflow: InProcess) -> None:
    [error] = require_problem(streamflow.predict({**EXAMPLE, "Tenure": 14}), 422)["errors"]
    assert (error["field"], error["code"]) == ("Tenure", "unknown")


def test_a_field_given_twice_is_named(streamflow: InProcess) -> None:
    body = json.dumps(EXAMPLE)[:-1] + ', "tenure": 15}'
    [error] = require_problem(streamflow.predict_raw(body), 422)["errors"]
    assert (error["field"], error["code"]) == ("tenure", "duplicate")


def test_everything_that_is_wrong_is_said_at_once(streamflow: InProcess) -> None:
    problem = require_problem(streamflow.predict({**EXAMPLE, "tenure": 130, "contract_type": "weekly", "x": 1}), 422)
    assert [error["field"] for error in problem["errors"]] == ["tenure", "contract_type", "x"]
    assert problem["detail"] == "3 fields are wrong; see errors"


@pytest.mark.parametrize(
    "fields",
    [
        {"contract_type": "x" * 60_000},
        {"x" * 60_000: 1},
        {f"field {number}": 1 for number in range(900)},
        {f"field {number}": 1 for number in range(3_000)},
        {"contract_type": "\u2028\n\r\x00" * 1_000},
    ],
    ids=["long value", "long name", "many names", "too many names", "control characters"],
)
def test_what_was_sent_is_quoted_only_in_part(streamflow: InProcess, fields: dict[str, object]) -> None:
    require_problem(streamflow.predict({**EXAMPLE, **fields}), 422)


def test_more_fields_than_anybody_sends_by_mistake_are_counted_rather_than_named(streamflow: InProcess) -> None:
    problem = require_problem(streamflow.predict({f"field {number}": 1 for number in range(1_001)}), 422)
    assert problem["detail"].startswith("there are 1,001 fields; send the features and nothing else: tenure, ")
    assert "errors" not in problem


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is not JSON: it is empty"),
        (b"tenure=14", "the body is not JSON: expected"),
        (b"{", "the body is not JSON: EOF"),
        (b"{} {}", "the body is not JSON: trailing characters"),
        (b'{"tenure": 14,}', "the body is not JSON: trailing comma"),
        (b"{'tenure': 14}", "the body is not JSON: key must be a string"),
        (b'{"tenure": 014}', "the body is not JSON: invalid number"),
        (b"\xef\xbb\xbf{}", "the body is not JSON: it begins with a byte order mark"),
        ("{}".encode("utf-16"), "the body is not JSON"),
        (b'{"tenure": "\xff"}', "the body is not JSON: invalid unicode"),
        (rb'{"tenure": "\ud800"}', "the body is not JSON"),
        (b'{"tenure": "\x00"}', "the body is not JSON: control character"),
        (b"[" * 10_000, "the body is not JSON: recursion limit exceeded"),
        (b'{"a":' * 250 + b"1" + b"}" * 250, "the body is not JSON: recursion limit exceeded"),
        (b"[]", "the body must be one JSON object, got an array"),
        (b"null", "the body must be one JSON object, got null"),
        (b"14", "the body must be one JSON object, got a number"),
        (b"true", "the body must be one JSON object, got a boolean"),
        (b'"{}"', "the body must be one JSON object, got a string"),
        (b"9" * 5_000, "the body is not JSON: number out of range"),
    ],
)
def test_a_body_that_is_not_a_json_object_is_refused_with_the_reason(
    streamflow: InProcess, body: bytes, said: str
) -> None:
    problem = require_problem(streamflow.predict_raw(body), 422)
    assert problem["detail"].startswith(said)
    assert "errors" not in problem


def test_a_deeply_nested_value_is_refused_by_its_fields_name(streamflow: InProcess) -> None:
    deep = "[" * 190 + "]" * 190
    [error] = require_problem(streamflow.predict_raw(with_raw("tenure", deep)), 422)["errors"]
    assert error["field"] == "tenure"


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON ;charset=utf-8"]
)
def test_json_may_be_announced_with_parameters(streamflow: InProcess, content_type: str) -> None:
    response = streamflow.predict(EXAMPLE, headers={"content-type": content_type})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "text/json",
        "x" * 5_000,
        "application",
    ],
)
def test_another_content_type_is_refused(streamflow: InProcess, content_type: str) -> None:
    problem = require_problem(streamflow.predict(EXAMPLE, headers={"content-type": content_type}), 415)
    assert "application/json" in problem["detail"]


def test_a_body_without_a_content_type_is_refused(streamflow: InProcess) -> None:
    require_problem(streamflow.request("POST", "/predict", content=json.dumps(EXAMPLE)), 415)


def test_a_compressed_body_is_refused(streamflow: InProcess) -> None:
    require_problem(streamflow.predict(EXAMPLE, headers={"content-encoding": "gzip"}), 415)


def test_a_body_of_exactly_the_limit_is_read(streamflow: InProcess) -> None:
    assert streamflow.predict_raw(json.dumps(EXAMPLE).ljust(LIMIT)).status_code == 200


def test_a_body_past_the_limit_is_refused(streamflow: InProcess) -> None:
    problem = require_problem(streamflow.predict_raw(json.dumps(EXAMPLE).ljust(LIMIT + 1)), 413)
    assert f"{LIMIT:,} bytes" in problem["detail"]


def test_a_body_of_unknown_length_is_refused_once_past_the_limit(streamflow: InProcess) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        while True:  # a service that waited for the end would never answer
            yield b" " * 1_000

    require_problem(streamflow.predict_raw(chunks()), 413)


@pytest.mark.parametrize("length", ["1", "0", "-5", "x", "9" * 5_000])
def test_a_content_length_that_lies_does_no_harm(streamflow: InProcess, length: str) -> None:
    headers = {"content-length": length}
    assert streamflow.predict(EXAMPLE, headers=headers).status_code in {200, 413}


@settings(max_examples=200)
@given(body=st.binary(max_size=200))
def test_any_bytes_get_an_answer_in_the_one_shape(streamflow: InProcess, body: bytes) -> None:
    require_problem(streamflow.predict_raw(body), 422)


@settings(max_examples=200)
@given(value=json_values())
def test_any_json_gets_an_answer_in_the_one_shape(streamflow: InProcess, value: object) -> None:
    require_problem(streamflow.predict_raw(json.dumps(value)), 422)


@settings(max_examples=300)
@given(field=st.sampled_from(find_contract("streamflow").feature_names()), value=json_values())
def test_any_value_in_any_field_is_taken_or_refused_by_the_fields_name(
    streamflow: InProcess, field: str, value: object
) -> None:
    response = streamflow.predict_raw(json.dumps({**EXAMPLE, field: value}))
    if response.status_code != 200 and "errors" in response.json():
        assert [error["field"] for error in require_problem(response, 422)["errors"]] == [field]
    elif response.status_code != 200:
        assert "not JSON" in require_problem(response, 422)["detail"]


def with_raw(field: str, raw: str) -> str:
    """The example with one field written as it is given, valid JSON or not."""
    return json.dumps({**EXAMPLE, field: "\x00"}).replace(r'"\u0000"', raw)
