"""Many subscribers in one request: each is answered as if it had come alone."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import numpy.typing as npt
import pytest
from fastapi import Request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.examples import EXAMPLE, STREAMFLOW
from support.in_process import InProcess, answering, failing, require_problem
from support.strategies import json_values, subscribers

from churn.contract.declaration import Contract, Rows
from churn.model.model import ChurnModel
from churn.service.answering.batch import MOST_BATCH_ERRORS, ROWS_PER_SLICE
from churn.service.app import build_app
from churn.service.edge.body import parse_rows
from churn.service.edge.problems import Problem, answer_problem
from churn.settings import Settings


def in_a_batch(answer: str) -> str:
    """The text of an answer without what depends on who asks."""
    return answer.partition(',"prediction_id"')[0] + "}"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_each_row_gets_the_very_bytes_that_it_gets_alone(
    service: InProcess, contract: type[Contract], data: st.DataObject
) -> None:
    rows = data.draw(st.lists(subscribers(contract), min_size=1, max_size=ROWS_PER_SLICE + 2))
    query = data.draw(st.sampled_from([{}, {"reasons": 0}, {"reasons": len(contract.features)}]))
    alone = ",".join(in_a_batch(service.predict(row, params=query).text) for row in rows)
    version = json.dumps(service.get("/health").json()["model_version"])
    batch = service.batch(rows, params=query)
    assert (batch.status_code, batch.headers["content-type"]) == (200, "application/json")
    assert batch.text == f'{{"model_version":{version},"predictions":[{alone}],"errors":[]}}'


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_a_row_is_it_is_answered_or_refused_as_it_is_alone(
    service: InProcess, contract: type[Contract], data: st.DataObject
) -> None:
    wrong = json_values() | subscribers(contract).map(lambda row: {**row, contract.feature_names()[0]: None})
    rows = data.draw(st.lists(subscribers(contract) | wrong, min_size=1, max_size=5))
    response = service.batch_raw(json.dumps(rows))
    if response.status_code != 200:  # such as a lone surrogate, which makes all of the body no JSON
        assert "not JSON" in require_problem(response, 422)["detail"]
        return
    answer = response.json()
    problems = {problem["index"]: problem for problem in answer["errors"]}
    assert list(problems) == sorted(problems)
    for index, (row, prediction) in enumerate(zip(rows, answer["predictions"], strict=True)):
        alone = service.predict_raw(json.dumps(row))
        if prediction is None:
            refusal = require_problem(alone, 422)
            assert problems[index].keys() == {"index", "errors", "detail"}
            assert problems[index]["errors"] == refusal.get("errors", [])
            assert problems[index]["detail"] == refusal["detail"].replace("the body", "the row")
        else:
            assert index not in problems
            assert prediction == json.loads(in_a_batch(alone.text))


@settings(max_examples=200)
@given(value=json_values())
def test_any_json_gets_an_answer_or_an_error_in_the_one_shape(streamflow: InProcess, value: object) -> None:
    response = streamflow.batch_raw(json.dumps(value))
    if response.status_code == 200:
        assert list(response.json()) == ["model_version", "predictions", "errors"]
    else:
        require_problem(response, 422)


@settings(max_examples=100)
@given(body=st.binary(max_size=200))
def test_any_bytes_get_an_error_in_the_one_shape(streamflow: InProcess, body: bytes) -> None:
    require_problem(streamflow.batch_raw(b"\x01" + body), 422)


def test_wrong_rows_are_named_by_their_place_and_the_others_are_answered(streamflow: InProcess) -> None:
    response = streamflow.batch([EXAMPLE, {**EXAMPLE, "tenure": 130}, 7, EXAMPLE])
    assert response.status_code == 200
    answer = response.json()
    alone = streamflow.prediction(EXAMPLE)
    assert answer["model_version"] == "v0.0.1"
    assert answer["predictions"] == [alone, None, None, alone]
    message = "tenure must be at most 120, got 130"
    assert answer["errors"] == [
        {
            "index": 1,
            "errors": [{"field": "tenure", "code": "out_of_range", "message": message}],
            "detail": message,
        },
        {"index": 2, "errors": [], "detail": "the row must be one JSON object, got a number"},
    ]


def test_a_batch_lists_so_many_errors_and_says_how_many_it_left_out(streamflow: InProcess) -> None:
    unknown = {f"k{number}": 0 for number in range(100)}
    response = streamflow.batch([{**EXAMPLE, **unknown}] * 200)
    assert len(response.content) < 2_000_000
    answer = response.json()
    assert sum(len(problem["errors"]) for problem in answer["errors"]) == MOST_BATCH_ERRORS
    assert answer["errors_left_out"] == 200 * 100 - MOST_BATCH_ERRORS
    assert [problem["index"] for problem in answer["errors"]] == list(range(200))
    assert answer["errors"][0]["detail"] == "100 fields are wrong; see errors"
    assert answer["errors"][-1] == {"index": 199, "errors": [], "detail": "100 fields are wrong"}


def test_a_body_of_more_values_than_its_rows_may_have_is_not_even_parsed(streamflow: InProcess) -> None:
    detail = require_problem(streamflow.batch_raw(b"[" + b"{}," * 340_000 + b"{}]"), 413)["detail"]
    assert detail.startswith("the body has more than 128,000 commas and opening brackets")


def test_a_refused_body_does_not_live_on_in_what_is_kept_of_the_request() -> None:
    request = Request({"type": "http", "state": {"request_id": "x"}, "headers": []})
    with pytest.raises(Problem) as refusal:
        parse_rows(b"[" + b"{}," * 2000 + b"{}]", max_rows=1000)
    asyncio.run(answer_problem(request, refusal.value))
    assert request.state.problem.__traceback__ is None
    assert request.state.problem.__context__ is None


@pytest.mark.parametrize("count", [1, ROWS_PER_SLICE, ROWS_PER_SLICE + 1])
def test_a_batch_without_a_right_row_is_answered_all_the_same(streamflow: InProcess, count: int) -> None:
    response = streamflow.batch([{}] * count)
    assert response.status_code == 200
    answer = response.json()
    assert answer["predictions"] == [None] * count
    assert [problem["index"] for problem in answer["errors"]] == list(range(count))


def test_a_number_that_is_not_finite_is_the_fault_of_its_row_alone(streamflow: InProcess) -> None:
    answer = streamflow.batch_raw(json.dumps([EXAMPLE, {**EXAMPLE, "monthly_charges": float("nan")}])).json()
    assert answer["predictions"][0] == streamflow.prediction(EXAMPLE)
    [problem] = answer["errors"]
    assert (problem["index"], problem["errors"][0]["code"]) == (1, "not_finite")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is not JSON: it is empty; send a JSON array of objects in UTF-8"),
        (b"[{}", "the body is not JSON: EOF"),
        (b"[" * 10_000, "the body is not JSON: recursion limit exceeded"),
        (b"[]", "the array is empty; send at least one subscriber"),
        (b"{}", "the body must be a JSON array, got an object"),
        (b"null", "the body must be a JSON array, got null"),
        (b'"[]"', "the body must be a JSON array, got a string"),
    ],
)
def test_a_body_that_is_no_array_of_anything_is_refused(streamflow: InProcess, body: bytes, said: str) -> None:
    problem = require_problem(streamflow.batch_raw(body), 422)
    assert problem["detail"].startswith(said)
    assert "errors" not in problem


@pytest.mark.parametrize(
    ("row", "field", "code"),
    [
        ('{"tenure": 1, "tenure": 1}', "tenure", "duplicate"),
        ('{"tenure": %s}' % ("9" * 5_000), "tenure", "out_of_range"),
    ],
)
def test_a_row_that_cannot_be_read_makes_the_whole_body_unreadable(
    streamflow: InProcess, row: str, field: str, code: str
) -> None:
    [error] = require_problem(streamflow.batch_raw(f"[{json.dumps(EXAMPLE)}, {row}]"), 422)["errors"]
    assert (error["field"], error["code"]) == (field, code)


@pytest.mark.parametrize(("rows", "status"), [(3, 200), (4, 413)])
def test_a_batch_has_at_most_as_many_rows_as_are_set(rows: int, status: int) -> None:
    with answering(STREAMFLOW, 0.5, settings=Settings(max_batch_rows=3)) as client:
        response = client.batch([EXAMPLE] * rows)
    assert response.status_code == status
    if status == 413:
        assert require_problem(response, 413)["detail"] == "the array has 4 rows; send at most 3 in each request"


@pytest.mark.parametrize(("size", "status"), [(3 * 1024, 200), (3 * 1024 + 1, 413)])
def test_a_body_has_at_most_a_kibibyte_for_each_row_it_may_have(size: int, status: int) -> None:
    with answering(STREAMFLOW, 0.5, settings=Settings(max_batch_rows=3)) as client:
        response = client.batch_raw(json.dumps([EXAMPLE]).ljust(size))
    assert response.status_code == status
    if status == 413:
        assert require_problem(response, 413)["detail"] == "the body is larger than 3,072 bytes; send fewer rows"


def test_the_most_rows_of_any_contract_fit_into_a_body_even_when_laid_out(
    service: InProcess, contract: type[Contract]
) -> None:
    rows = [contract.example()] * Settings().max_batch_rows
    response = service.batch_raw(json.dumps(rows, indent=4))
    assert len(response.json()["predictions"]) == len(rows)


@pytest.mark.parametrize("content_type", ["", "text/plain"])
def test_a_batch_is_json_too(streamflow: InProcess, content_type: str) -> None:
    require_problem(streamflow.batch([EXAMPLE], headers={"content-type": content_type}), 415)


def test_a_bug_gets_500_for_the_whole_batch() -> None:
    with failing(STREAMFLOW, ValueError("the reactor leaks")) as client:
        problem = require_problem(client.batch([EXAMPLE]), 500)
    assert "reactor" not in json.dumps(problem)


def test_one_subscriber_does_not_wait_for_a_whole_batch() -> None:
    seen, [many, one] = together([many_of(1, 5 * ROWS_PER_SLICE), many_of(2, 1)], ["/predict/batch", "/predict"])
    assert (many.status_code, one.status_code) == (200, 200)
    assert seen.index(2) < len(seen) - 1, seen


def test_batches_wait_for_each_other_lest_one_subscriber_wait_for_a_slice_of_each() -> None:
    seen, _ = together([many_of(1, 3 * ROWS_PER_SLICE), many_of(2, 3 * ROWS_PER_SLICE)], ["/predict/batch"] * 2)
    assert seen == [1, 1, 1, 2, 2, 2]


def many_of(tenure: int, rows: int) -> list[dict[str, Any]]:
    return [{**EXAMPLE, "tenure": tenure}] * rows


def together(bodies: Sequence[list[dict[str, Any]]], paths: Sequence[str]) -> tuple[list[int], list[httpx2.Response]]:
    """Sends requests at once; gives the tenure that each call of the model saw, and the responses."""
    seen: list[int] = []

    def explain(rows: Rows) -> npt.NDArray[np.float32]:
        [tenure] = set(rows[:, 0].tolist())
        seen.append(int(tenure))
        return np.zeros((len(rows), len(STREAMFLOW.features) + 1), dtype=np.float32)

    app = build_app(ChurnModel(STREAMFLOW, explain, "v0-fake"), Settings(), model_path=Path())

    async def send(client: InProcess) -> list[httpx2.Response]:
        posts = (
            client.client.post(path, json=body if path == "/predict/batch" else body[0])
            for path, body in zip(paths, bodies, strict=True)
        )
        return await asyncio.gather(*posts)

    with InProcess(app) as client:
        return seen, client.runner.run(send(client))
