"""Keys of callers in a real service: they change while requests flow, and are made by a command."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.examples import EXAMPLE
from support.keys import MONITOR, PORTAL, STRANGER, bearer, entry
from support.many_workers import Service
from support.processes import churn, succeed, wait_until
from support.scraping import scraped, total
from support.visiting import Portal

from churn.client import AsyncChurnClient, ChurnClient
from churn.dashboard.health import ask_instances
from churn.errors import Refused, SettingsError
from churn.files import write_bytes
from churn.judging import metrics
from churn.model.bundle import Bundle
from churn.rollout.sources import Instances

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers in Linux's /proc")

ALWAYS = entry("portal", PORTAL, "predict", "batch") + entry("monitor", MONITOR, "metrics")
EACH = 3  # processes that read the file: two workers, and the one that raises them
EVERYBODY = "may call: neither API_KEYS_FILE nor API_KEYS is set"
NEWCOMER = ALWAYS + entry("newcomer", STRANGER)


class Callers:
    """A service of two workers whose callers have keys, asked without pause by one of them."""

    def __init__(self, service: Service, file: Path) -> None:
        self.service, self.file = service, file
        self.answers: Counter[object] = Counter()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.service.port}"

    def set_keys(self, text: str) -> None:
        write_bytes(self.file, text.encode())

    def ask(self, key: str, method: str = "POST", path: str = "/predict") -> tuple[int, str]:
        """Ask on a new connection, which any of the workers may take."""
        headers = {"Content-Type": "application/json", **bearer(key)}
        with contextlib.closing(self.service.connect()) as connection:
            connection.request(method, path, json.dumps(EXAMPLE), headers)
            with connection.getresponse() as answer:
                return answer.status, answer.read().decode()

    def statuses(self, key: str) -> set[int]:
        return {self.ask(key)[0] for _ in range(20)}

    def count(self, name: str, **labels: str) -> float:
        return total(scraped(self.ask(MONITOR, "GET", "/metrics")[1]), name, **labels)

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """The portal asks all the time, in two threads."""
        over = threading.Event()

        def ask() -> None:
            while not over.is_set():
                try:
                    self.answers[self.ask(PORTAL)[0]] += 1
                except (OSError, http.client.HTTPException):
                    self.answers["hung up"] += 1

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()


@pytest.fixture(scope="module")
def callers(bundles: dict[str, Bundle], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    home = tmp_path_factory.mktemp("service")
    file = home / "keys.toml"
    file.write_text(ALWAYS)
    service = Service(bundles["streamflow"].path, log=home / "log", API_KEYS_FILE=file, HOST="0.0.0.0")  # noqa: S104
    try:
        yield Callers(service, file)
    finally:
        service.stop()


def test_keys_come_and_go_while_requests_flow_and_no_valid_caller_is_refused(callers: Callers) -> None:
    with callers.busy():
        for turn in range(1, 4):
            callers.set_keys(NEWCOMER)
            wait_until(lambda: callers.count(metrics.KEYS_READ.name, outcome="taken") == EACH * (2 * turn - 1))  # noqa: B023
            assert callers.statuses(STRANGER) == {200}
            callers.set_keys("half of [")
            wait_until(lambda: callers.count(metrics.KEYS_READ.name, outcome="refused") == EACH * turn)  # noqa: B023
            callers.set_keys(ALWAYS)
            wait_until(lambda: callers.count(metrics.KEYS_READ.name, outcome="taken") == EACH * 2 * turn)  # noqa: B023
            assert callers.statuses(STRANGER) == {401}
    assert callers.answers.keys() == {200}
    assert callers.answers[200] > 100
    assert callers.count(metrics.CALLERS.name, caller="portal", result="allowed") >= callers.answers[200]
    assert callers.count(metrics.CALLERS.name, caller="newcomer", result="allowed") > 0
    assert callers.count(metrics.WORKERS_LOST.name) == 0


def test_workers_that_start_while_the_file_cannot_be_used_begin_with_the_latest_keys(callers: Callers) -> None:
    taken = callers.count(metrics.KEYS_READ.name, outcome="taken")
    refused = callers.count(metrics.KEYS_READ.name, outcome="refused")
    callers.set_keys(entry("monitor", MONITOR, "metrics") + entry("newcomer", STRANGER))
    wait_until(lambda: callers.count(metrics.KEYS_READ.name, outcome="taken") == taken + EACH)
    callers.set_keys("half of [")
    wait_until(lambda: callers.count(metrics.KEYS_READ.name, outcome="refused") == refused + EACH)
    for worker in callers.service.workers():
        os.kill(worker, signal.SIGKILL)
    wait_until(callers.service.is_answering, "there are new workers")
    wait_until(lambda: callers.count(metrics.WORKERS_MISSING.name) == 0)
    assert (callers.statuses(STRANGER), callers.statuses(PORTAL)) == ({200}, {401})
    callers.set_keys(ALWAYS)
    wait_until(lambda: callers.statuses(PORTAL) == {200} and callers.statuses(STRANGER) == {401})


def test_the_log_of_the_service_names_callers_and_holds_no_key(callers: Callers) -> None:
    callers.ask(STRANGER)
    callers.ask(PORTAL)
    log = (callers.file.parent / "log").read_text()
    assert '"caller":"portal"' in log
    assert '"caller":"unknown"' in log
    assert EVERYBODY not in log
    assert not any(key in log for key in (PORTAL, MONITOR, STRANGER))


@pytest.mark.parametrize(("key", "status"), [(None, 401), (STRANGER, 401), (MONITOR, 403)])
def test_the_client_says_what_to_do_about_its_key_and_never_asks_again(
    callers: Callers, key: str | None, status: int
) -> None:
    before = callers.count(metrics.ERRORS.name)
    with ChurnClient(callers.address, budget_s=5, api_key=key) as client, pytest.raises(Refused) as refused:
        client.predict(EXAMPLE)
    assert refused.value.status == status
    assert ("CHURN_API_KEY" if status == 401 else "scope") in refused.value.instead
    assert key is None or key not in str(refused.value) + refused.value.detail
    assert callers.count(metrics.ERRORS.name) == before + 1


def test_both_clients_send_a_key_that_is_given_or_set(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(key: str | None) -> str:
        async with AsyncChurnClient(callers.address, budget_s=5, api_key=key) as client:
            return (await client.predict(EXAMPLE))["model_version"]

    assert asyncio.run(ask(PORTAL)) == "v0.0.1"
    monkeypatch.setenv("CHURN_API_KEY", PORTAL)
    assert asyncio.run(ask(None)) == "v0.0.1"
    with ChurnClient(callers.address, budget_s=5) as client:
        assert client.predict(EXAMPLE)["model_version"] == "v0.0.1"
    with pytest.raises(SettingsError, match="cannot be sent"):
        ChurnClient(callers.address, api_key="two words")


def test_the_load_test_sends_its_key_or_says_that_it_needs_one(callers: Callers, tmp_path: Path) -> None:
    few = ["loadtest", callers.address, "--requests", "20", "--warmup", "0", "--slo-p99-ms", "60000"]
    assert churn(tmp_path, *few, CHURN_API_KEY=PORTAL).code == 0
    refused = churn(tmp_path, *few)
    assert refused.code == 1
    assert "CHURN_API_KEY" in refused.err
    assert churn(tmp_path, *few, CHURN_API_KEY="two words").code == 2


def test_rollouts_and_the_dashboard_read_figures_with_a_key(callers: Callers) -> None:
    places = {"stable": [callers.address], "canary": []}
    assert Instances(lambda: places, MONITOR).read()["stable"].missing == ()  # type: ignore[arg-type, return-value]
    assert Instances(lambda: places).read()["stable"].missing == (callers.address,)  # type: ignore[arg-type, return-value]
    [seen] = ask_instances({callers.address: ""}, MONITOR).instances
    assert (seen.healthy, seen.trouble) == (True, "")
    [unseen] = ask_instances({callers.address: ""}, PORTAL[:-1]).instances
    assert (unseen.healthy, "CHURN_API_KEY" in unseen.trouble) == (True, True)


@pytest.mark.parametrize(("key", "failures"), [(PORTAL, []), (None, ["refused"])])
def test_the_portal_sends_its_key_and_shows_its_page_without_one(
    callers: Callers, tmp_path: Path, key: str | None, failures: list[str]
) -> None:
    with Portal(tmp_path, callers.address, churn_api_key=key, service_budget_ms=5000) as portal:
        assert portal.visitor(1).get().status_code == 200
        assert [line["kind"] for line in portal.said("service_failed")] == failures


def test_the_example_at_start_sends_a_key(callers: Callers) -> None:
    assert '-H "Authorization: Bearer $CHURN_API_KEY"' in callers.service.said


def test_who_has_no_key_is_answered_and_hung_up_on_before_the_body_comes(callers: Callers) -> None:
    with contextlib.closing(callers.service.connect()) as connection:
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "60000")
        connection.endheaders(b"{")
        with connection.getresponse() as answer:
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
            assert answer.headers["Connection"] == "close"
            assert json.loads(answer.read())["status"] == 401


@pytest.mark.parametrize("keys", [{"API_KEYS": "half of ["}, {"API_KEYS_FILE": "/nowhere/keys.toml"}])
def test_a_service_whose_keys_cannot_be_used_does_not_start(
    bundles: dict[str, Bundle], tmp_path: Path, keys: dict[str, str]
) -> None:
    done = churn(tmp_path, "serve", MODEL_PATH=bundles["streamflow"].path, **keys)
    assert done.code == 2
    [name] = keys
    assert f"error: {name}" in done.err
    assert "Traceback" not in done.err


def test_one_warning_says_that_everybody_may_call(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    service = Service(bundles["streamflow"].path, log=tmp_path / "log", HOST="0.0.0.0", WORKERS=1)  # noqa: S104
    service.stop()
    assert (tmp_path / "log").read_text().count(EVERYBODY) == 1


def test_a_key_is_printed_once_alone_on_standard_output(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    key = succeed(tmp_path, "keys", "make", "portal", "--scope", "predict", "--file", file)
    assert key.startswith("churn_")
    assert key.count("\n") == 1
    assert key.strip() not in file.read_text()
    shown = churn(tmp_path, "keys", "make", "portal", "--scope", "predict", "--scope", "metrics")
    assert 'scopes = ["predict", "metrics"]' in shown.err
    assert shown.out.strip() not in shown.err
