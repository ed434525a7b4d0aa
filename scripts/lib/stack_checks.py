"""Run by scripts/stack: waits until all parts are healthy, shows or checks them, or moves the canary's weight."""

from __future__ import annotations

import collections
import json
import os
import re
import sys
import time
from collections.abc import Callable

import httpx2
from stack_containers import PATIENCE_S, StackHAProxy, find_contract_name, list_containers, run_inside

from churn.businesses import find_contract
from churn.cli.show import complain, out, print_json, print_table, say
from churn.errors import ChurnError, SettingsError
from churn.rollout.routers.haproxy import HAProxy, Server
from churn.settings import read_settings

REQUESTS = 500
TOLERANCE = 0.02  # HAProxy deals out exactly, but the portal and others may ask meanwhile
EVERY_S = 0.5
TIMEOUT_S = 10.0
JOBS = ("haproxy", "prometheus", "rollouts", "service")
SCRAPED_WITHIN_S = 15  # three times the interval
TOKEN = re.compile(r'name="form_token" value="(\w+)"')
SUBSCRIBER = re.compile(r'name="subscriber" value="([^"]+)"')


class CheckError(ChurnError):
    """A part of the stack is not as it should be."""


def wait() -> None:
    """Waits until every container is healthy, and says of each when it is."""
    until, told = time.monotonic() + PATIENCE_S, set[str]()
    while True:
        found = list_containers()
        for one in found:
            if one.is_well and one.part not in told:
                told.add(one.part)
                say(f"{one.part} is healthy")
        bad = [one for one in found if not one.is_well]
        if found and not bad:
            return
        broken = next((one for one in bad if one.state == "exited" or one.health == "unhealthy"), None)
        if broken or time.monotonic() > until:
            one = broken or bad[0]
            raise CheckError(f"{one.part} is {one.words}", instead=f"see why: docker logs {one.name}")
        time.sleep(EVERY_S)


def check_containers() -> str:
    """Every container that was started runs and is healthy."""
    found = list_containers()
    if not found:
        raise CheckError("there are none", instead="start them: scripts/stack up")
    if bad := [one for one in found if not one.is_well]:
        raise CheckError(
            ", ".join(f"{one.part} is {one.words}" for one in bad),
            instead=f"start it: docker start {bad[0].name}; or see why: docker logs {bad[0].name}",
        )
    return f"{', '.join(one.part for one in found)}: all healthy"


def check_predictions() -> str:
    """Predictions come through HAProxy, from each server as often as its weight says."""
    example = find_contract(find_contract_name() or read_settings().churn_contract).example()
    answered, versions = collections.Counter[str](), {}
    key = os.environ.get("PORTAL_API_KEY")
    authorization = {"Authorization": f"Bearer {key}"} if key else {}
    with _client("PORT") as client:
        for _ in range(REQUESTS):
            answer = client.post("/predict", json=example, headers=authorization)
            if answer.status_code != httpx2.codes.OK or "churn_probability" not in answer.json():
                raise CheckError(f"a prediction got {answer.status_code}: {answer.text[:200]}")
            server = answer.headers["X-Served-By"]
            answered[server] += 1
            versions[server] = answer.headers["X-Model-Version"]
    expected = _expected_shares(servers(), {one.part for one in list_containers()})
    for server, share in expected.items():
        if abs(answered[server] / REQUESTS - share) > TOLERANCE:
            raise CheckError(f"{server} answered {answered[server] / REQUESTS:.1%} of {REQUESTS}, not {share:.1%}")
    return ", ".join(f"{name} {versions[name]}: {count / REQUESTS:.1%}" for name, count in sorted(answered.items()))


def haproxy() -> HAProxy:
    """The stack's, by its runtime interface."""
    return StackHAProxy("/admin/haproxy.sock")


def servers() -> list[Server]:
    """The servers behind HAProxy, as they are for requests that name no subscriber."""
    return [one for one in haproxy().list_servers() if one.backend == "service"]


def _expected_shares(found: list[Server], started: set[str]) -> dict[str, float]:
    """The share of each server that is up; every one that was started must be."""
    up = [one for one in found if one.is_up]
    if missing := [one for one in found if one.name in started and one not in up]:
        raise CheckError(f"HAProxy sends nothing to {missing[0].name}: it sees it as {missing[0].status}")
    total = sum(one.weight for one in up)
    if not total:
        raise CheckError("no server that is up has a weight", instead="give one: scripts/stack weight 0")
    return {one.name: one.weight / total for one in up}


def check_portal() -> str:
    """A subscriber who signs in sees the banner: the portal has reached the service through HAProxy.

    Where nobody sees one, the portal is asked from inside whether anybody should.
    """
    with _client("PORTAL_PORT") as client:
        subscribers = SUBSCRIBER.findall(client.get("/sign-in").text)
        for key in subscribers:
            token = TOKEN.search(client.get("/sign-in").text)
            if token is None:
                raise CheckError("its sign-in page has no form")
            client.post("/sign-in", data={"form_token": token[1], "subscriber": key})
            if "data-banner" in client.get("/").text:
                return f"shows the banner to subscriber {subscribers.index(key) + 1}"
    sights = json.loads(run_inside("portal", "/opt/churn/bin/churn-portal", "preview", "--json"))
    if not subscribers or sights["exposure"]:
        raise CheckError(f"none of its {len(subscribers)} subscribers sees a banner", instead="see its log for why")
    words = ", ".join(f"{sight.replace('_', ' ')} {count}" for sight, count in sights.items() if count)
    return f"has the service's answers; none of its {len(subscribers)} subscribers is to see a banner: {words}"


def check_prometheus() -> str:
    """All that is scraped answers, and the alarms are loaded."""
    with _client("PROMETHEUS_PORT") as client:
        rules = [rule for group in client.get("/api/v1/rules").json()["data"]["groups"] for rule in group["rules"]]
        until = time.monotonic() + SCRAPED_WITHIN_S
        while True:
            targets = client.get("/api/v1/targets").json()["data"]["activeTargets"]
            # Of the service there are two, of which one may not be deployed.
            up = {target["labels"]["job"] for target in targets if target["health"] == "up"}
            missing = sorted(set(JOBS) - up)
            if not missing:
                return f"scrapes {', '.join(sorted(up))}; {len(rules)} alarms"
            if time.monotonic() > until:
                raise CheckError(f"it cannot scrape {', '.join(missing)}")
            time.sleep(EVERY_S)


def check_mlflow() -> str:
    """Its server is healthy, and its store can be asked."""
    with _client("MLFLOW_PORT") as client:
        if (answer := client.get("/health")).status_code != httpx2.codes.OK:
            raise CheckError(f"/health got {answer.status_code}")
        found = client.get("/api/2.0/mlflow/registered-models/search").raise_for_status().json()
    return f"healthy; {len(found.get('registered_models', []))} registered models"


def _client(port: str) -> httpx2.Client:
    return httpx2.Client(base_url=f"http://127.0.0.1:{os.environ[port]}", timeout=TIMEOUT_S, trust_env=False)


CHECKS: dict[str, Callable[[], str]] = {
    "containers": check_containers,
    "predictions": check_predictions,
    "portal": check_portal,
    "Prometheus": check_prometheus,
    "MLflow": check_mlflow,
}


def smoke(*, as_json: bool) -> bool:
    """Runs all checks and shows what each found; whether all passed."""
    rows = [(part, *_outcome(check)) for part, check in CHECKS.items()]
    passed = all(ok for _, ok, _ in rows)
    if as_json:
        print_json(
            {"passed": passed, "checks": [{"part": part, "passed": ok, "said": said} for part, ok, said in rows]}
        )
    else:
        print_table(
            "Smoke test",
            ["part", "", "what was found"],
            [(part, "ok" if ok else "FAILED", said) for part, ok, said in rows],
        )
    return passed


def _outcome(check: Callable[[], str]) -> tuple[bool, str]:
    try:
        return True, check()
    except ChurnError as error:
        return False, "; ".join(filter(None, (error.message, error.instead)))
    except httpx2.HTTPError as error:
        return False, f"{error.request.url} does not answer: {error}"
    except (KeyError, ValueError) as error:
        return False, f"answers what cannot be understood: {error!r}"


def status() -> None:
    """What runs, and which share each server gets."""
    if not (found := list_containers()):
        out.print("nothing runs; start it with scripts/stack up")
        return
    rows = [(one.part, one.state, one.health, one.name) for one in found]
    print_table("Containers", ["part", "state", "health", "name"], rows)
    print_table(
        "Servers", ["server", "HAProxy sees", "weight"], [(one.name, one.status, one.weight) for one in servers()]
    )


def move_weight(percent: str) -> None:
    """Gives the canary that share of the requests, at once."""
    if not re.fullmatch("100|[1-9]?[0-9]", percent):
        raise SettingsError(f"the canary's share is a whole number from 0 to 100, not {percent or 'nothing'}")
    share = int(percent)
    canary = next(one for one in servers() if one.name == "canary")
    if share and not canary.is_up:
        raise CheckError(
            f"HAProxy sees the canary as {canary.status}, so it can get no requests",
            instead="start it: scripts/stack up --canary",
        )
    haproxy().set_weight(share)
    say(f"the canary gets {share} % of the requests")


def main(command: str, *arguments: str) -> int:
    """Gives the exit code."""
    try:
        if command == "smoke":
            return 0 if smoke(as_json="--json" in arguments) else 1
        commands: dict[str, Callable[..., None]] = {"wait": wait, "status": status, "weight": move_weight}
        commands[command](*arguments)
    except httpx2.TransportError:
        complain(CheckError("HAProxy does not answer", instead="start the stack: scripts/stack up; or see its log"))
        return 1
    except ChurnError as error:
        complain(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
