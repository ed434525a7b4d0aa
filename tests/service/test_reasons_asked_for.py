"""How many reasons are given, and what is said to who asks for them in a wrong way."""

import re

import pytest
from support.examples import STREAMFLOW
from support.in_process import InProcess, require_problem

from churn.contract.declaration import Contract


def test_there_are_as_many_reasons_as_were_asked_for(service: InProcess, contract: type[Contract]) -> None:
    every = service.prediction(contract.example(), params={"reasons": len(contract.features)})
    for count in range(len(contract.features) + 1):
        answer = service.prediction(contract.example(), params={"reasons": count})
        assert answer == every | {"top_reasons": every["top_reasons"][:count]}
    assert {reason["feature"] for reason in every["top_reasons"]} == set(contract.feature_names())


def test_without_a_word_about_reasons_there_are_three(service: InProcess, contract: type[Contract]) -> None:
    silent, said = service.prediction(contract.example()), service.prediction(contract.example(), params={"reasons": 3})
    assert silent == said
    assert len(said["top_reasons"]) == 3


def test_the_bytes_of_an_answer_do_not_change(even: InProcess) -> None:
    answer, rest = even.predict(STREAMFLOW.example()).content.split(b',"prediction_id":', 1)
    assert re.fullmatch(rb'"[0-9a-f]{32}","retention":null}', rest)
    assert answer == (
        b'{"churn_probability":0.5,"risk_tier":"medium","top_reasons":['
        b'{"feature":"tenure","value":14.0,"shap_contribution":0.0,"direction":"decreases_risk",'
        b'"plain_language":"A short history of 14 months has no effect on churn risk"},'
        b'{"feature":"monthly_charges","value":89.5,"shap_contribution":0.0,"direction":"decreases_risk",'
        b'"plain_language":"A monthly price of $89.50 has no effect on churn risk"},'
        b'{"feature":"total_charges","value":1253.0,"shap_contribution":0.0,"direction":"decreases_risk",'
        b'"plain_language":"Having paid $1,253.00 so far has no effect on churn risk"}],'
        b'"model_version":"v0-fake","show_retention_banner":false'
    )


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
@pytest.mark.parametrize(
    ("query", "field", "code", "message"),
    [
        ("reasons=11", "reasons", "out_of_range", 'reasons must be a whole number from 0 to 10, got "11"'),
        ("reasons=-1", "reasons", "out_of_range", 'reasons must be a whole number from 0 to 10, got "-1"'),
        (f"reasons={'9' * 5_000}", "reasons", "out_of_range", None),
        ("reasons=", "reasons", "wrong_type", 'reasons must be a whole number from 0 to 10, got ""'),
        ("reasons", "reasons", "wrong_type", None),
        ("reasons=three", "reasons", "wrong_type", None),
        ("reasons=3.0", "reasons", "wrong_type", None),
        ("reasons=03", "reasons", "wrong_type", None),
        ("reasons=%2B3", "reasons", "wrong_type", None),
        ("reasons=3%20", "reasons", "wrong_type", None),
        ("reasons=%D9%A3", "reasons", "wrong_type", None),
        ("reasons=%FF%00", "reasons", "wrong_type", None),
        ("reasons=3&reasons=3", "reasons", "duplicate", "reasons is given twice; give it once"),
        ("Reasons=3", "Reasons", "unknown", "Reasons is not a parameter; leave it out: the only one is reasons"),
        ("reasons=3&x=1", "x", "unknown", None),
        ("=3", "", "unknown", None),
        (f"{'x' * 5_000}=3", f"{'x' * 59}…", "unknown", None),
    ],
)
def test_a_wrong_query_is_refused_by_the_parameters_name(
    even: InProcess, *, path: str, query: str, field: str, code: str, message: str | None
) -> None:
    response = even.request("POST", f"{path}?{query}", json=[STREAMFLOW.example()])
    problem = require_problem(response, 422)
    [error] = problem["errors"]
    assert (error["field"], error["code"]) == (field, code)
    assert problem["detail"] == error["message"] == (message or error["message"])


def test_an_empty_query_asks_for_nothing(even: InProcess) -> None:
    assert even.request("POST", "/predict?", json=STREAMFLOW.example()).status_code == 200
