"""An answer counts only if it is a prediction."""

import json

import pytest
from hypothesis import given
from support.strategies import json_values

from churn.loadtest.samples import INVALID, check_answer

PREDICTION = {"churn_probability": 0.25, "model_version": "v1"}


def test_a_prediction_names_its_model() -> None:
    assert check_answer(200, json.dumps(PREDICTION | {"risk_tier": "low"}).encode()) == (None, "v1")
    assert check_answer(200, json.dumps(PREDICTION | {"churn_probability": 1}).encode()) == (None, "v1")


@pytest.mark.parametrize("status", [201, 302, 422, 500, 503])
def test_another_status_is_an_error_of_its_own_whatever_the_body_says(status: int) -> None:
    assert check_answer(status, json.dumps(PREDICTION).encode()) == (f"status {status}", None)


@pytest.mark.parametrize(
    "wrong",
    [
        *(b"", b"<html>", b"\xff\xfe", b"[" * 100_000),
        {"model_version": "v1"},
        {"churn_probability": 0.25},
        PREDICTION | {"churn_probability": True},
        PREDICTION | {"churn_probability": "0.25"},
        PREDICTION | {"churn_probability": 1.01},
        PREDICTION | {"churn_probability": float("nan")},
        PREDICTION | {"model_version": 1},
        [PREDICTION],
    ],
)
def test_what_is_no_prediction_is_invalid(wrong: object) -> None:
    content = wrong if isinstance(wrong, bytes) else json.dumps(wrong).encode()
    assert check_answer(200, content) == (INVALID, None)


@given(json_values())
def test_any_json_is_judged_without_an_error(value: object) -> None:
    assert check_answer(200, json.dumps(value).encode()) == (INVALID, None)
