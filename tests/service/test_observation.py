"""What every request gets, whatever becomes of it."""

import json
from typing import Any

import pytest
from pydantic import SecretStr
from support.examples import STREAMFLOW
from support.in_process import InProcess, answering, failing

from churn.prediction_log.record import hash_key
from churn.settings import Settings

REQUESTS: dict[int, tuple[str, str, dict[str, Any]]] = {
    200: ("POST", "/predict", {"json": STREAMFLOW.example()}),
    404: ("GET", "/nothing", {}),
    405: ("GET", "/predict", {}),
    413: ("POST", "/predict", {"json": "x" * 100_000}),
    415: ("POST", "/predict", {"content": "{}"}),
    422: ("POST", "/predict", {"json": {}}),
}


def send(client: InProcess, status: int, **more: Any) -> Any:
    method, path, what = REQUESTS[status]
    response = client.request(method, path, **what, **more)
    assert response.status_code == status
    return response


def log_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("status", REQUESTS)
def test_every_response_carries_time_version_and_request_id(even: InProcess, status: int) -> None:
    headers = send(even, status).headers
    assert float(headers["x-response-time-ms"]) > 0
    assert headers["x-model-version"] == "v0-fake"
    assert headers["x-request-id"]


@pytest.mark.parametrize("status", REQUESTS)
def test_every_request_is_logged_once_as_one_line_of_json(
    even: InProcess, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    response = send(even, status)
    [line] = log_lines(capsys)
    method, path, _ = REQUESTS[status]
    assert (line["method"], line["path"], line["status"]) == (method, path, status)
    assert line["request_id"] == response.headers["x-request-id"]
    assert line["model_version"] == "v0-fake"
    assert line["duration_ms"] > 0
    assert line["level"] == "info"
    assert line["time"].endswith("Z")


def test_a_path_that_exists_tells_its_methods(even: InProcess) -> None:
    response = even.request("DELETE", "/predict")
    assert response.headers["allow"] == "POST"
    assert "use POST" in response.json()["detail"]


def test_a_slash_too_many_is_not_found_rather_than_redirected(even: InProcess) -> None:
    assert even.get("/health/").status_code == 404


@pytest.mark.parametrize(
    "given",
    [
        "6f1c9a70-93d3-4c5e-8a5e-0f6f5d6b7c11",
        "6F1C9A70-93D3-4C5E-8A5E-0F6F5D6B7C11",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "00f067aa0ba902b7",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "1-5759e988-bd862e3fe1be46a994272793",
    ],
)
def test_a_request_keeps_the_id_that_a_machine_made(
    even: InProcess, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    response = send(even, 422, headers={"x-request-id": given})
    [line] = log_lines(capsys)
    assert response.headers["x-request-id"] == response.json()["request_id"] == line["request_id"] == given


@pytest.mark.parametrize(
    "given",
    [
        "alice.smith-1980-05-04",
        "page-load_42",
        "0123456789abcde",  # 15 hex digits
        "4bf92f3577b34da6a3ce929d0e0e47360",  # 33
        "6f1c9a70-93d3-4c5e-8a5e-0f6f5d6b7c11-alice",
        "81ARZ3NDEKTSV4RRFFQ69G5FAV",  # more than 128 bits
    ],
)
def test_a_request_id_that_may_name_a_person_is_sent_back_and_not_logged(
    even: InProcess, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    response = send(even, 422, headers={"x-request-id": given})
    logged = capsys.readouterr().out
    assert response.headers["x-request-id"] == given
    assert given not in logged
    assert response.json()["request_id"] == json.loads(logged)["request_id"]
    assert "caller_request_hash" not in logged


def test_with_a_salt_the_log_has_the_hash_of_such_an_id_and_not_that_of_a_subscriber_of_that_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    salt = "a-salt-of-enough-letters"
    with answering(STREAMFLOW, 0.5, settings=Settings(prediction_log_salt=SecretStr(salt))) as service:
        hashes = []
        for given in ("alice", "alice", "bob"):
            send(service, 200, headers={"x-request-id": given})
            [line] = log_lines(capsys)
            hashes.append(line["caller_request_hash"])
    assert hashes[0] == hashes[1] != hashes[2]
    assert hash_key("alice", salt) not in hashes


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, 'a"}\\n{"level": "error', "ä".encode(), b"a\r\nx: y"])
def test_a_request_id_that_is_not_fit_to_be_repeated_is_replaced(even: InProcess, given: str | bytes) -> None:
    response = send(even, 200, headers={"x-request-id": given})
    assert len(response.headers["x-request-id"]) == 32


@pytest.mark.parametrize(
    ("refused", "fields", "query"),
    [
        (False, {}, {"reasons": "2"}),
        (True, {"tenure": 271828}, {}),
        (True, {}, {"email": "someone@example.com"}),
    ],
)
@pytest.mark.parametrize("many", [False, True])
def test_the_log_holds_nothing_of_the_subscriber_nor_of_the_query(
    even: InProcess,
    *,
    refused: bool,
    fields: dict[str, Any],
    query: dict[str, str],
    many: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    subscriber = {**STREAMFLOW.example(), "monthly_charges": 31.4159} | fields
    response = even.batch([subscriber], params=query) if many else even.predict(subscriber, params=query)
    assert bool(response.json().get("errors")) is refused
    logged = capsys.readouterr().out
    for secret in ["31.4159", "271828", "electronic_check", "someone", "email", "reasons"]:
        assert secret not in logged


def test_a_line_cannot_be_forged_through_the_path(even: InProcess, capsys: pytest.CaptureFixture[str]) -> None:
    even.get('/x%0A{"level": "error"}')
    [line] = log_lines(capsys)
    assert line["path"] == '/x\n{"level": "error"}'


def test_a_bug_gets_500_without_a_word_about_its_cause_and_is_logged_with_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with failing(STREAMFLOW, ValueError("the reactor leaks")) as client:
        response = client.predict(STREAMFLOW.example())
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-model-version"] == "v0-fake"
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert "reactor" not in response.text
    assert "Traceback" not in response.text
    [line] = log_lines(capsys)
    assert (line["level"], line["status"]) == ("error", 500)
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: the reactor leaks")
    # A traceback names lines of code, never what stood in their variables.
    assert "electronic_check" not in line["exception"]


def test_a_model_that_gives_no_number_is_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(STREAMFLOW, 0.5, contribution=float("nan")) as client:
        assert client.predict(STREAMFLOW.example()).status_code == 500
    [line] = log_lines(capsys)
    assert line["level"] == "error"


def test_only_errors_are_logged_when_only_errors_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(STREAMFLOW, 0.5, settings=Settings(log_level="error")) as client:
        send(client, 200)
        send(client, 422)
    assert log_lines(capsys) == []


def test_a_client_that_leaves_is_sent_nothing_and_logged_as_such(
    even: InProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    even.runner.run(even.app(scope("/predict"), left, refuse_to_send))
    [line] = log_lines(capsys)
    assert (line["status"], line["level"]) == (499, "info")


def scope(path: str) -> dict[str, Any]:
    headers = [(b"content-type", b"application/json")]
    return {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}


async def left() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def refuse_to_send(message: Any) -> None:
    pytest.fail(f"sent {message} to nobody")
