"""The whole system on a Docker engine, as scripts/stack runs it."""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.demo_bundle import write_demo_bundle
from support.images import Built, Engine
from support.keys import MONITOR, PORTAL, TWO_CALLERS, bearer
from support.processes import free_port, succeed, wait_until

from churn.businesses import find_contract
from churn.image.docker import docker

pytestmark = pytest.mark.xdist_group("docker")

ROOT = Path(__file__).resolve().parents[2]
STABLE, CANARY = "v0.0.2", "v0.0.3"
PORTS = (
    "PORT",
    "PORTAL_PORT",
    "PORTAL_TEAM_PORT",
    "DASHBOARD_PORT",
    "MLFLOW_PORT",
    "PROMETHEUS_PORT",
    "STATS_PORT",
)
PARTS = ("stable", "canary", "haproxy", "portal", "team", "dashboard", "prometheus", "mlflow")
PROJECT = f"churn-tests-{secrets.token_hex(4)}"
PATIENCE_S = 600


class Stack:
    """A stack beside any other, on ports of its own."""

    def __init__(self, repository: str = "") -> None:
        self.ports = {name: str(free_port()) for name in PORTS}
        keys = {"API_KEYS": TWO_CALLERS, "PORTAL_API_KEY": PORTAL, "MONITOR_API_KEY": MONITOR}
        own = keys | {"SERVICE_IMAGE": repository, "STABLE_VERSION": STABLE, "CANARY_VERSION": CANARY}
        self.environment = os.environ | self.ports | own | {"COMPOSE_PROJECT_NAME": PROJECT}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs `scripts/stack ARGUMENTS`."""
        return subprocess.run(
            [ROOT / "scripts" / "stack", *arguments],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def smoke(self) -> dict[str, tuple[bool, str]]:
        """By part, whether it passed and what was found; the exit code says the same."""
        done = self.run("smoke", "--json")
        assert done.returncode in {0, 1}, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["passed"] == (done.returncode == 0)
        return {check["part"]: (check["passed"], check["said"]) for check in found["checks"]}

    def container(self, part: str) -> str:
        """The name of a part's container."""
        return docker("ps", "--all", "--format={{.Names}}", *self.of_this("com.docker.compose.service=" + part))

    def of_this(self, *labels: str) -> list[str]:
        """What restricts a list of Docker's to this stack."""
        return [f"--filter=label={label}" for label in (f"com.docker.compose.project={PROJECT}", *labels)]

    def ask_prometheus(self, query: str) -> list[str]:
        """The values that Prometheus has now."""
        address = f"http://127.0.0.1:{self.ports['PROMETHEUS_PORT']}/api/v1/query"
        result = httpx2.get(address, params={"query": query}, trust_env=False).json()["data"]["result"]
        return [sample["value"][1] for sample in result]

    @contextmanager
    def without(self, part: str) -> Iterator[None]:
        """Stops a part for a while, and waits until all is well again."""
        docker("stop", self.container(part))
        try:
            yield
        finally:
            docker("start", self.container(part))
            wait_until(lambda: all(passed for passed, _ in self.smoke().values()), f"{part} is back")


@pytest.fixture(scope="module")
def repository(engine: Engine, image: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of an image that is there in two versions."""
    name, version = image.reference.split(":")
    assert version == STABLE
    folder = tmp_path_factory.mktemp("canary")
    write_demo_bundle(folder / "bundle", CANARY)
    options = ("--repository", name, "--out", str(folder), *engine.build_options)
    succeed(folder, "image", "build", folder / "bundle", *options)
    yield name
    docker("image", "rm", "--force", f"{name}:{CANARY}")


@pytest.fixture(scope="module")
def stack(repository: str) -> Iterator[Stack]:
    """The stack with a canary of 10 %."""
    stack = Stack(repository)
    try:
        up = stack.run("up", "--canary")
        if "there is neither docker compose nor docker-compose" in up.stderr:
            pytest.skip("neither docker compose nor docker-compose; on Debian: apt-get install docker-compose")
        assert up.returncode == 0, up.stderr
        assert f"http://127.0.0.1:{stack.ports['PORTAL_PORT']}" in up.stdout
        yield stack
    finally:
        stack.run("down", "--volumes")


def test_every_part_answers_and_the_canary_gets_its_share(stack: Stack) -> None:
    found = stack.smoke()
    assert {part: said for part, (passed, said) in found.items() if not passed} == {}
    assert list(found) == ["containers", "predictions", "portal", "Prometheus", "MLflow"]
    assert found["predictions"][1] == f"canary {CANARY}: 10.0%, stable {STABLE}: 90.0%"
    assert "banner" in found["portal"][1]


def test_callers_without_a_key_are_refused_and_counted(stack: Stack) -> None:
    address = f"http://127.0.0.1:{stack.ports['PORT']}/predict"
    assert httpx2.post(address, json=find_contract("streamflow").example(), trust_env=False).status_code == 401
    for caller, result in (("unknown", "no_key"), ("portal", "allowed"), ("monitor", "allowed")):
        query = f'sum(churn_caller_requests_total{{caller="{caller}",result="{result}"}}) > bool 0'
        wait_until(lambda query=query: stack.ask_prometheus(query) == ["1"], f"{caller} is counted")  # type: ignore[misc]


def test_another_weight_holds_at_once(stack: Stack) -> None:
    assert stack.run("weight", "50").returncode == 0
    assert stack.smoke()["predictions"] == (True, f"canary {CANARY}: 50.0%, stable {STABLE}: 50.0%")
    assert stack.run("weight", "0").returncode == 0
    assert stack.smoke()["predictions"] == (True, f"stable {STABLE}: 100.0%")
    assert stack.run("weight", "10").returncode == 0


def test_prometheus_sees_a_rollout_whose_controller_is_dead_and_how_it_ends(stack: Stack) -> None:
    on_purpose = ("--override", "--without-pairs", "--reason", "a test")  # nobody with a key may have asked yet
    start = [str(ROOT / "scripts" / "stack"), "rollout", "start", CANARY, *on_purpose]
    controller = subprocess.Popen(start, env=stack.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: stack.ask_prometheus("churn_rollout_controlled") == ["1"], "a living controller is seen")
    docker(
        *("exec", stack.container("dashboard"), "sh", "-c"), "kill -9 $(cat /data/rollouts/streamflow-churn-api.lock)"
    )
    assert controller.wait(PATIENCE_S) != 0
    wait_until(lambda: stack.ask_prometheus("churn_rollout_controlled") == ["0"], "a dead controller is seen")
    assert stack.run("rollout", "status").returncode in {9, 11}
    done = stack.run("rollout", "abort", "--reason", "a test")
    assert done.returncode == 0, done.stderr
    ended = 'churn_rollout_state{state="aborted"} and on() churn_rollout_ended_timestamp_seconds > 0'
    wait_until(lambda: stack.ask_prometheus(ended) == ["1"], "the end is seen")
    assert stack.run("weight", "10").returncode == 0


@pytest.mark.parametrize("weight", ["101", "-1", "ten", ""])
def test_a_bad_weight_is_refused_in_words(stack: Stack, weight: str) -> None:
    done = stack.run("weight", weight)
    assert done.returncode == 2
    assert "a whole number from 0 to 100" in done.stderr


def test_without_its_canary_the_stack_still_answers_and_the_smoke_test_says_who_is_missing(stack: Stack) -> None:
    with stack.without("canary"):
        wait_until(lambda: stack.run("weight", "20").returncode == 1, "HAProxy sees that the canary is away")
        assert "so it can get no requests" in stack.run("weight", "20").stderr
        address = f"http://127.0.0.1:{stack.ports['PORT']}/predict"
        example = find_contract("streamflow").example()
        answers = {
            httpx2.post(address, json=example, headers=bearer(PORTAL), trust_env=False).status_code for _ in range(50)
        }
        assert answers == {200}
        found = stack.smoke()
        assert found["containers"][0] is False
        assert "canary is exited; start it: docker start" in found["containers"][1]
        assert found["portal"][0] is True


def test_a_part_that_is_gone_fails_the_smoke_test_in_words(stack: Stack) -> None:
    with stack.without("mlflow"):
        found = stack.smoke()
        assert found["MLflow"][0] is False
        assert "does not answer" in found["MLflow"][1]
        assert found["predictions"][0] is True


def test_only_haproxy_and_dashboard_reach_what_can_move_weights(stack: Stack) -> None:
    """Asked inside each container, as somebody who took it over would."""
    found = {part: docker("exec", stack.container(part), "sh", "-c", "ls /admin 2>&1 || true") for part in PARTS}
    assert {part for part, files in found.items() if files == "haproxy.sock"} == {"haproxy", "dashboard"}
    assert {part for part in PARTS if has_a_way(stack, part, "haproxy", 9999)} == set()
    assert has_a_way(stack, "portal", "haproxy", 8000)
    assert not has_a_way(stack, "portal", "stable", 8000)
    assert not has_a_way(stack, "team", "mlflow", 5000)
    assert has_a_way(stack, "dashboard", "stable", 8000)


def has_a_way(stack: Stack, part: str, host: str, port: int) -> bool:
    """Whether a part can connect to another one."""
    command = ["docker", "exec", stack.container(part), "bash", "-c", f"timeout 5 bash -c '</dev/tcp/{host}/{port}'"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_containers_have_no_rights_no_host_and_bounds(stack: Stack) -> None:
    names = docker("ps", "--format={{.Names}}", *stack.of_this()).split()
    assert len(names) == 8
    for found in json.loads(docker("inspect", *names)):
        host = found["HostConfig"]
        assert host["ReadonlyRootfs"], found["Name"]
        assert host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["PidsLimit"] > 0
        assert host["Memory"] > 0
        assert host["NanoCpus"] > 0
        assert found["Config"]["User"] == "10001:10001"
        assert [mount for mount in found["Mounts"] if mount["Type"] == "bind"] == []
        published = [port["HostIp"] for ports in host["PortBindings"].values() for port in ports]
        assert set(published) <= {"127.0.0.1"}


def test_no_engine_is_one_sentence() -> None:
    done = Stack().run("up", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert done.returncode == 1
    assert done.stderr.startswith("error: no Docker engine answers at unix:///nowhere/docker.sock\ninstead: ")


def test_a_version_that_was_never_exported_is_one_sentence(stack: Stack) -> None:
    done = stack.run("up", STABLE_VERSION="v9.9.9")
    assert done.returncode == 1
    assert "error: there is no image and no bundle of v9.9.9" in done.stderr


def test_a_wrong_argument_is_a_wrong_use() -> None:
    done = Stack().run("up", "--nonsense")
    assert done.returncode == 2
    assert "scripts/stack up takes no --nonsense" in done.stderr


def test_down_leaves_nothing(stack: Stack) -> None:
    assert stack.run("down", "--volumes").returncode == 0
    for kind in ("container", "network", "volume"):
        everything = ["--all"] if kind == "container" else []
        assert docker(kind, "ls", *everything, "--quiet", *stack.of_this()) == ""
