"""What a prediction says, through the interface."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.examples import STREAMFLOW
from support.in_process import InProcess, answering
from support.strategies import subscribers

from churn.contract.declaration import Contract
from churn.model.bundle import Bundle
from churn.settings import Settings

AT_RISK = {
    "tenure": 14,
    "monthly_charges": 89.50,
    "total_charges": 1253.00,
    "contract_type": "month-to-month",
    "payment_method": "electronic_check",
    "num_support_tickets": 3,
    "internet_service": "fiber_optic",
    "streaming_services": 2,
    "paperless_billing": True,
    "senior_citizen": False,
}


def test_an_answer_has_exactly_the_fields_of_the_interface(streamflow: InProcess) -> None:
    answer = streamflow.predict(AT_RISK).json()
    assert list(answer) == [
        "churn_probability",
        "risk_tier",
        "top_reasons",
        "model_version",
        "show_retention_banner",
        "prediction_id",
        "retention",
    ]
    assert len(answer["top_reasons"]) == 3
    for reason in answer["top_reasons"]:
        assert list(reason) == ["feature", "value", "shap_contribution", "direction", "plain_language"]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_valid_subscriber_gets_a_consistent_answer(
    service: InProcess, contract: type[Contract], data: st.DataObject
) -> None:
    response = service.predict(data.draw(subscribers(contract)))
    assert response.status_code == 200
    answer = response.json()
    probability = answer["churn_probability"]
    assert 0 <= probability == round(probability, 4) <= 1
    assert answer["risk_tier"] == ("low" if probability < 0.3 else "medium" if probability < 0.6 else "high")
    assert answer["show_retention_banner"] == (probability > 0.6)
    sizes = [abs(reason["shap_contribution"]) for reason in answer["top_reasons"]]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("exact", "shown", "tier", "banner"),
    [
        (0.29994, 0.2999, "low", False),
        (0.29996, 0.3, "medium", False),
        (0.59994, 0.5999, "medium", False),
        (0.59996, 0.6, "high", False),
        (0.60004, 0.6, "high", False),
        (0.60006, 0.6001, "high", True),
    ],
)
def test_tier_and_banner_are_decided_on_the_probability_that_is_shown(
    exact: float, shown: float, tier: str, banner: bool
) -> None:
    with answering(STREAMFLOW, exact) as client:
        answer = client.predict(AT_RISK).json()
    assert (answer["churn_probability"], answer["risk_tier"], answer["show_retention_banner"]) == (shown, tier, banner)


@pytest.mark.parametrize(("threshold", "banner"), [(0.4999, True), (0.5, False)])
def test_the_banner_is_shown_above_the_configured_threshold(threshold: float, banner: bool) -> None:
    with answering(STREAMFLOW, 0.5, settings=Settings(churn_threshold=threshold)) as client:
        assert client.predict(AT_RISK).json()["show_retention_banner"] is banner


@pytest.mark.parametrize(
    ("tenure", "said"), [(2, "A short history of 2 months"), (100, "A long history of 100 months")]
)
def test_a_reason_is_worded_after_the_value_it_speaks_of(even: InProcess, tenure: int, said: str) -> None:
    [reason, *_] = even.predict({**AT_RISK, "tenure": tenure}).json()["top_reasons"]
    assert reason["feature"] == "tenure"
    assert reason["value"] == tenure
    assert reason["plain_language"].startswith(said)


@pytest.mark.parametrize("zero", ["-0", "-0.0", "0", "0.0", "0e5"])
def test_a_negative_zero_is_a_zero(even: InProcess, zero: str) -> None:
    body = _body(monthly_charges=zero)
    [_, reason, _] = even.predict_raw(body).json()["top_reasons"]
    assert str(reason["value"]) == "0.0"
    assert "$0.00" in reason["plain_language"]


@pytest.mark.parametrize(("written", "tenure"), [("-0", 0), ("-0.0", 0), ("14.0", 14), ("1.4e1", 14)])
def test_a_whole_number_may_be_written_in_any_way_that_json_allows(even: InProcess, written: str, tenure: int) -> None:
    [reason, *_] = even.predict_raw(_body(tenure=written)).json()["top_reasons"]
    assert (reason["feature"], reason["value"]) == ("tenure", tenure)


def test_the_answer_is_that_of_the_model_in_the_bundle(bundle: Bundle, service: InProcess) -> None:
    contract = bundle.model.contract
    [prediction] = bundle.model.predict([contract.model_validate(contract.example())])
    answer = service.predict(contract.example()).json()
    assert answer["churn_probability"] == prediction.probability
    assert answer["model_version"] == bundle.manifest.model_version


def test_the_order_of_the_fields_does_not_matter(service: InProcess, contract: type[Contract]) -> None:
    example = contract.example()
    backwards = dict(reversed(example.items()))
    assert service.prediction(backwards) == service.prediction(example)


def _body(**raw: str) -> str:
    fields: dict[str, Any] = {name: json.dumps(value) for name, value in AT_RISK.items()} | raw
    return "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"
