"""Who may call: every path but the open ones asks for a key with the path's scope."""

import hmac
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route
from support.examples import EXAMPLE, STREAMFLOW
from support.in_process import InProcess, answering, require_problem
from support.keys import MONITOR, PORTAL, STRANGER, TWO_CALLERS, bearer, entry
from support.processes import wait_until
from support.scraping import Samples, scraped, total

from churn.judging import metrics
from churn.service.counting.ledger import MOST_NAMES
from churn.service.edge.callers import OPEN, SCOPES
from churn.service.keys import KeyRing, make_key
from churn.service.standby import build_standby_app
from churn.settings import Settings


def guarded(keys: str = TWO_CALLERS) -> InProcess:
    return answering(STREAMFLOW, 0.7, settings=Settings(api_keys=keys))


@pytest.fixture
def service() -> Iterator[InProcess]:
    with guarded() as client:
        yield client


def routes() -> list[Route]:
    with guarded() as client:
        return [route for route in client.app.routes if isinstance(route, Route)]


def counted(client: InProcess, key: str = MONITOR) -> Samples:
    return scraped(client.get("/metrics", headers=bearer(key)).text)


def test_every_route_is_open_or_has_a_scope_and_none_is_both() -> None:
    paths = {route.path for route in routes()}
    assert paths == OPEN | SCOPES.keys()
    assert not OPEN & SCOPES.keys()


METHODS_OF_PATHS = [(method, route.path) for route in routes() for method in sorted(route.methods or ())]


@pytest.mark.parametrize(("method", "path"), METHODS_OF_PATHS)
def test_a_route_answers_who_has_its_scope_and_refuses_all_others(service: InProcess, method: str, path: str) -> None:
    if path in OPEN:
        assert service.request(method, path).status_code == 200
        assert service.request(method, path, headers=bearer(STRANGER)).status_code == 200
        return
    for headers in ({}, bearer(STRANGER)):
        refused = service.request(method, path, headers=headers)
        assert refused.headers["www-authenticate"] == "Bearer"
        assert refused.headers["connection"] == "close"
        require_problem(refused, 401)
    may, may_not = (MONITOR, PORTAL) if SCOPES[path] == "metrics" else (PORTAL, MONITOR)
    detail = require_problem(service.request(method, path, headers=bearer(may_not)), 403)["detail"]
    assert SCOPES[path] in detail
    assert service.request(method, path, headers=bearer(may)).status_code not in {401, 403}


@pytest.mark.parametrize("path", ["/nothing", "/predict/", "/health/", "/METRICS", "/%6Detrics/"])
def test_a_path_that_is_none_asks_for_a_key_too(service: InProcess, path: str) -> None:
    assert service.get(path).status_code == 401
    assert service.get(path, headers=bearer(PORTAL)).status_code == 404


@pytest.mark.parametrize(
    "values",
    [
        [""],
        ["Bearer"],
        ["Bearer "],
        [PORTAL],
        [f"Basic {PORTAL}"],
        [f"Bearer\t{PORTAL}"],
        [f"Bearer{PORTAL}"],
        [f"Bearer {PORTAL} {PORTAL}"],
        [f"Bearer {PORTAL},"],
        [f"Bearer {PORTAL[:-1]}"],
        [f"Bearer {PORTAL.upper()}"],
        [f"Bearer {PORTAL}", f"Bearer {PORTAL}"],
        [f"Bearer {STRANGER}", f"Bearer {PORTAL}"],
        [f"Bearer {'x' * 10_000}"],
        [f"Bearer {PORTAL}\xff"],
        ["Bearer \xe4\xf6\xfc"],
        ["Bearer \x00"],
    ],
    ids=repr,
)
def test_an_odd_authorization_is_none(service: InProcess, values: list[str]) -> None:
    headers = [(b"authorization", value.encode("latin-1")) for value in values]
    refused = service.predict(EXAMPLE, headers=headers)
    assert PORTAL not in refused.text
    require_problem(refused, 401)
    assert total(counted(service), metrics.CALLERS.name, caller="unknown") == 1


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
def test_the_scheme_may_be_written_as_http_allows(service: InProcess, scheme: str) -> None:
    assert service.predict(EXAMPLE, headers={"Authorization": f"{scheme}{PORTAL}"}).status_code == 200


@pytest.mark.parametrize("key", [STRANGER, MONITOR])
def test_who_is_refused_is_refused_before_the_body_is_read(service: InProcess, key: str) -> None:
    async def receive() -> Any:
        raise AssertionError("the body was read")

    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"authorization", f"Bearer {key}".encode())]
    scope = {"type": "http", "method": "POST", "path": "/predict", "query_string": b"", "headers": headers}
    service.runner.run(service.app(scope, receive, send))
    assert sent[0]["status"] in {401, 403}


def test_callers_are_counted_and_logged_by_name_and_no_key_is_shown_anywhere(
    service: InProcess, capfd: pytest.CaptureFixture[str]
) -> None:
    service.predict(EXAMPLE)
    service.predict(EXAMPLE, headers=bearer(STRANGER))
    service.predict(EXAMPLE, headers=bearer(MONITOR))
    for _ in range(2):
        service.predict(EXAMPLE, headers=bearer(PORTAL))
    service.get("/health", headers=bearer(PORTAL))
    text = service.get("/metrics", headers=bearer(MONITOR)).text
    samples = {tuple(labels): value for (name, labels), value in scraped(text).items() if name == metrics.CALLERS.name}
    assert {tuple(sorted(dict(labels).values())): value for labels, value in samples.items()} == {
        ("no_key", "unknown"): 1,
        ("unknown", "unknown_key"): 1,
        ("monitor", "no_scope"): 1,
        ("allowed", "monitor"): 1,  # this request for figures itself
        ("allowed", "portal"): 2,
        ("no_scope", "portal"): 0,
    }
    assert total(scraped(text), metrics.ERRORS.name, kind="no_key") == 2
    assert total(scraped(text), metrics.ERRORS.name, kind="no_scope") == 1
    logged = capfd.readouterr().out
    callers = [json.loads(line).get("caller") for line in logged.splitlines()]
    assert callers == ["unknown", "unknown", "monitor", "portal", "portal", None, "monitor"]
    assert not any(key in logged + text for key in (PORTAL, MONITOR, STRANGER))


def test_two_keys_of_one_caller_are_valid_at_once() -> None:
    older, newer = make_key(), make_key()
    with guarded(entry("portal", older) + entry("portal", newer)) as client:
        assert [client.predict(EXAMPLE, headers=bearer(key)).status_code for key in (older, newer)] == [200, 200]
        assert total(counted(client, newer), metrics.CALLERS.name, caller="portal", result="allowed") == 3


@pytest.mark.parametrize("place", [0, 4, None])
def test_a_key_is_compared_with_all_in_constant_time_wherever_it_stands(place: int | None) -> None:
    keys = [make_key() for _ in range(5)]
    sent = STRANGER if place is None else keys[place]
    calls: Counter[Any] = Counter()
    with guarded("".join(entry(f"caller-{at}", key) for at, key in enumerate(keys))) as client:
        sys.setprofile(lambda _, event, what: calls.update([what] if event == "c_call" else []))
        try:
            status = client.predict(EXAMPLE, headers=bearer(sent)).status_code
        finally:
            sys.setprofile(None)
    assert status == (401 if place is None else 200)
    assert calls[hmac.compare_digest] == len(keys)


def test_without_keys_everybody_may_call_and_nobody_is_counted_or_named(capfd: pytest.CaptureFixture[str]) -> None:
    with answering(STREAMFLOW, 0.7) as client:
        assert client.predict(EXAMPLE, headers=bearer(STRANGER)).status_code == 200
        assert total(scraped(client.get("/metrics").text), metrics.CALLERS.name) == 0
    assert '"caller"' not in capfd.readouterr().out


def test_keys_change_with_their_file_and_one_that_cannot_be_used_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(TWO_CALLERS)
    with answering(STREAMFLOW, 0.7, settings=Settings(api_keys_file=file)) as client:

        def status(key: str) -> int:
            return client.predict(EXAMPLE, headers=bearer(key)).status_code

        assert [status(PORTAL), status(STRANGER)] == [200, 401]
        file.write_text(TWO_CALLERS + entry("newcomer", STRANGER))
        wait_until(lambda: status(STRANGER) == 200, "the new key is valid")
        for unusable in ("", "half of [", 'key = "x"', entry("a", PORTAL) * 2):
            before = total(counted(client), metrics.KEYS_READ.name, outcome="refused")
            file.write_text(unusable)
            wait_until(lambda: total(counted(client), metrics.KEYS_READ.name, outcome="refused") > before)  # noqa: B023
            assert [status(PORTAL), status(STRANGER)] == [200, 200]
        file.unlink()
        wait_until(lambda: total(counted(client), metrics.KEYS_READ.name, outcome="refused") == 5)
        file.write_text(TWO_CALLERS)
        wait_until(lambda: status(STRANGER) == 401, "the key that went is none")
        assert total(counted(client), metrics.KEYS_READ.name, outcome="refused") == 5
        assert total(counted(client), metrics.CALLERS.name, caller="newcomer", result="allowed") > 0
    told = [line.getMessage() for line in caplog.records if line.levelname == "ERROR"]
    assert len(told) == 5
    assert all(line.startswith(f"the keys stay as they were: API_KEYS_FILE: {file}") for line in told)


def test_a_caller_beyond_those_that_can_be_counted_is_answered_and_counted_as_other(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text("".join(entry(f"caller-{at}", make_key()) for at in range(MOST_NAMES)))
    with answering(STREAMFLOW, 0.7, settings=Settings(api_keys_file=file)) as client:
        file.write_text(entry("one-too-many", STRANGER))
        wait_until(lambda: client.predict(EXAMPLE, headers=bearer(STRANGER)).status_code == 200)
        assert total(counted(client, STRANGER), metrics.CALLERS.name, caller="other", result="allowed") == 2


def test_figures_ask_for_a_key_while_no_worker_can_answer(service: InProcess) -> None:
    ring = KeyRing("API_KEYS", TWO_CALLERS.encode())
    with InProcess(build_standby_app(service.app.state.counters, log_level="error", keys=ring)) as standby:  # type: ignore[arg-type]
        assert standby.get("/metrics").status_code == 401
        assert standby.get("/metrics", headers=bearer(MONITOR)).status_code == 200
        assert [standby.predict(EXAMPLE).status_code, standby.get("/health").status_code] == [401, 503]
