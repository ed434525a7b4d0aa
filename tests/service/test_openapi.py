"""The document promises what the service does, and the other way round."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from support.in_process import InProcess, answering

from churn.businesses import find_contract
from churn.contract.declaration import Contract
from churn.service.app import build_openapi_document
from churn.service.edge.callers import SCOPES
from churn.settings import Settings


@pytest.fixture
def document(contract: type[Contract]) -> dict[str, Any]:
    return build_openapi_document(contract)


def test_the_document_needs_no_model(document: dict[str, Any], service: InProcess) -> None:
    assert document == service.get("/openapi.json").json()


def test_the_document_says_everything_the_contract_knows_of_a_field(
    document: dict[str, Any], contract: type[Contract]
) -> None:
    schema = document["components"]["schemas"][contract.__name__]
    assert list(schema["properties"]) == schema["required"] == contract.feature_names()
    assert schema["additionalProperties"] is False
    for spec in contract.features:
        assert schema["properties"][spec.name]["x-label"] == spec.label
        described = schema["properties"][spec.name]
        assert described["description"] == spec.meaning
        assert described["examples"][0] == spec.example
        assert described.get("enum", []) == list(spec.categories)
        assert (described.get("minimum"), described.get("maximum")) == (spec.lower, spec.upper)


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_every_example_of_the_document_gets_an_answer(document: dict[str, Any], service: InProcess, path: str) -> None:
    content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    assert content["examples"]
    for example in content["examples"].values():
        response = service.request("POST", path, json=example["value"])
        assert (response.status_code, response.json().get("errors", [])) == (200, [])


def test_the_document_says_how_many_rows_a_batch_may_have() -> None:
    with answering(find_contract("streamflow"), 0.5, settings=Settings(max_batch_rows=7)) as client:
        document = client.get("/openapi.json").json()
    body = document["paths"]["/predict/batch"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert (body["minItems"], body["maxItems"]) == (1, 7)


def test_the_document_says_where_the_lines_are_drawn() -> None:
    with answering(find_contract("streamflow"), 0.5, settings=Settings(churn_threshold=0.7)) as client:
        operation = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
    assert operation["x-banner-above"] == 0.7
    assert operation["x-tiers-below"] == {"low": 0.3, "medium": 0.6}


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_the_document_says_how_many_reasons_there_may_be(
    document: dict[str, Any], contract: type[Contract], path: str
) -> None:
    most = len(contract.features)
    parameter = document["paths"][path]["post"]["parameters"][0]
    assert (parameter["name"], parameter["in"], parameter["required"]) == ("reasons", "query", False)
    assert parameter["schema"] == {"type": "integer", "minimum": 0, "maximum": most, "default": 3}
    for answer in ("PredictionAnswer", "RetentionAnswer"):
        reasons = document["components"]["schemas"][answer]["properties"]["top_reasons"]
        assert (reasons["minItems"], reasons["maxItems"]) == (0, most)


def test_the_document_does_not_depend_on_the_environment(
    contract: type[Contract], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = build_openapi_document(contract)
    monkeypatch.setenv("MAX_BATCH_ROWS", "7")
    assert build_openapi_document(contract) == before


def test_every_error_has_the_one_shape_and_every_response_the_headers(document: dict[str, Any]) -> None:
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                more = {"401": {"WWW-Authenticate"}, "405": {"Allow"}, "503": {"Retry-After"}}.get(status, set())
                assert set(response["headers"]) == {"X-Response-Time-Ms", "X-Model-Version", "X-Request-ID"} | more
                assert {"404", "405"} <= set(operation["responses"])
                if status != "200":
                    assert list(response["content"]) == ["application/problem+json"]


def test_the_document_says_which_paths_may_ask_for_a_key(document: dict[str, Any]) -> None:
    assert document["security"] == [{"bearer": []}, {}]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert ("security" not in operation) == (path in SCOPES)
            assert ({"401", "403"} <= set(operation["responses"])) == (path in SCOPES)


def test_no_page_is_served_that_loads_scripts_from_elsewhere(service: InProcess) -> None:
    assert service.get("/docs").status_code == service.get("/redoc").status_code == 404


# A batch refuses a wrong row by its index rather than all rows, and too many rows with another status than others do.
A_BATCH_MAY_ANSWER = {"negative_data_rejection": {"expected-statuses": [200, 413, 415, 422]}}
# What is well formed gets 404 from a service without a log.
WITHOUT_A_LOG = {"negative_data_rejection": {"expected-statuses": [404, 413, 415, 422]}}


def promises(contract: str) -> Any:
    app = answering(find_contract(contract), 0.5, settings=Settings(log_level="error", max_batch_rows=5)).app
    operations = [
        {"include-path": "/predict/batch", "checks": A_BATCH_MAY_ANSWER},
        {"include-path": "/events", "checks": WITHOUT_A_LOG},
    ]
    config = SchemathesisConfig.from_dict({"seed": 0, "operations": operations})
    return schemathesis.openapi.from_asgi("/openapi.json", app, config=config)


def mend_day(case: Any) -> Any:
    """No pattern says which days there are, so a request that should be valid is given one."""
    if case.meta.generation.mode.is_positive and "X-Last-Offer" in case.headers:
        case.headers["X-Last-Offer"] = "2026-03-01"
    return case


bounded = settings(max_examples=150, suppress_health_check=list(HealthCheck))


@promises("streamflow").parametrize()  # type: ignore[untyped-decorator]
@bounded
def test_the_service_keeps_what_the_document_promises(case: Any) -> None:
    mend_day(case).call_and_validate()


@promises("telco").parametrize()  # type: ignore[untyped-decorator]
@bounded
def test_the_service_keeps_what_the_document_promises_for_another_contract(case: Any) -> None:
    mend_day(case).call_and_validate()
