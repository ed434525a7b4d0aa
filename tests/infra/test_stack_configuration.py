"""The files of the stack, read by the programs that they are for."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.in_process import answering

from churn.businesses import find_contract
from churn.judging.metrics import METRICS
from churn.rollout.metrics import METRICS as ROLLOUT_METRICS

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
COMPOSE = DEPLOY / "docker" / "compose.yaml"


def run(*command: str | Path, said: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a program that a machine may lack; `said` is its standard input."""
    program = shutil.which(command[0], path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip(f"no {command[0]} on PATH")
    own = os.environ | environment
    return subprocess.run([program, *command[1:]], env=own, input=said, capture_output=True, text=True, check=False)


def list_parts(key: str) -> dict[str, set[str]]:
    """What each part of the stack has under a key, such as `networks`; the service's two parts share theirs."""
    anchor, _, services = COMPOSE.read_text().partition("\nservices:\n")
    parts = re.findall(r"^  (\w+):\n((?:    .*\n|\n)+)", services.partition("\nnetworks:\n")[0] + "\n", re.MULTILINE)
    shared = anchor.partition("x-service:")[2]
    lines = {name: re.findall(rf"^    {key}: \[(.*)\]", body, re.MULTILINE) for name, body in parts}
    ours = re.findall(rf"^  {key}: \[(.*)\]", shared, re.MULTILINE)
    return {name: {*re.findall(r"[^\s,\"]+", (found or ours or [""])[0])} for name, found in lines.items()}


def test_only_haproxy_and_dashboard_have_the_socket_that_moves_weights() -> None:
    folder, _, _ = dockerfile_environment()["ADMIN_BIND"].rpartition("/")
    assert folder == "/admin"
    holders = {part for part, volumes in list_parts("volumes").items() if f"admin:{folder}" in volumes}
    assert holders == {"haproxy", "dashboard"}


def test_who_answers_subscribers_reaches_no_server_behind_haproxy() -> None:
    networks = list_parts("networks")
    assert len(networks) == 9
    reached = {
        part: {other for other in networks if other != part and networks[other] & networks[part]} for part in networks
    }
    assert reached["portal"] == {"team", "haproxy", "dashboard"}
    assert reached["team"] == {"portal", "haproxy", "dashboard"}
    assert reached["mlflow"] == set()
    assert reached["stable"] == {"canary", "baseline", "haproxy", "dashboard", "prometheus"}


def dockerfile_environment() -> dict[str, str]:
    """What HAProxy's image sets."""
    (block,) = re.findall(r"^ENV ((?:.*\\\n)*.*)$", (DEPLOY / "haproxy" / "Dockerfile").read_text(), re.MULTILINE)
    return dict(pair.split("=", 1) for pair in block.replace("\\\n", " ").split())


def test_haproxy_accepts_its_configuration_without_a_warning() -> None:
    done = run("haproxy", "-c", "-f", DEPLOY / "haproxy" / "haproxy.cfg", **dockerfile_environment())
    assert done.returncode == 0, done.stderr
    assert "[WARNING]" not in done.stderr


def test_haproxys_image_sets_all_that_its_configuration_asks_for() -> None:
    asked = set(re.findall(r"\$\{(\w+)\}", (DEPLOY / "haproxy" / "haproxy.cfg").read_text()))
    assert asked == set(dockerfile_environment())


@pytest.mark.parametrize(
    "command",
    [("check", "config", "prometheus.yml"), ("check", "rules", "rules.yml"), ("test", "rules", "rules_test.yml")],
    ids=" ".join,
)
def test_promtool_accepts_configuration_alarms_and_their_tests(command: tuple[str, str, str]) -> None:
    done = run("promtool", *command[:2], DEPLOY / "prometheus" / command[2])
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alarm_has_a_case_in_which_it_rings_and_one_in_which_it_does_not() -> None:
    rules = (DEPLOY / "prometheus" / "rules.yml").read_text()
    tests = (DEPLOY / "prometheus" / "rules_test.yml").read_text()
    alarms = set(re.findall(r"- alert: (\w+)", rules))
    assert set(re.findall(r"alertname: (\w+)(?:\n\s+|, )exp_alerts:", tests)) == alarms
    assert set(re.findall(r"alertname: (\w+)\}", tests)) == alarms


def test_each_alarm_reads_only_what_service_dashboard_and_haproxy_tell() -> None:
    rules = (DEPLOY / "prometheus" / "rules.yml").read_text()
    named = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bchurn_\w+", rules)}
    assert named <= {metric.name for metric in (*METRICS, *ROLLOUT_METRICS)}
    jobs = set(re.findall(r'up\{job="(\w+)"', rules))
    assert jobs <= set(re.findall(r"job_name: (\w+)", (DEPLOY / "prometheus" / "prometheus.yml").read_text()))


@pytest.mark.parametrize("command", [("docker", "compose"), ("docker-compose",)], ids=" ".join)
def test_both_kinds_of_compose_read_the_file(command: tuple[str, ...]) -> None:
    if run(*command, "version").returncode != 0:
        pytest.skip(f"no {' '.join(command)}")
    done = run(*command, "-f", COMPOSE, "config", "--quiet", STABLE_VERSION="v1")
    assert done.returncode == 0, done.stderr


def test_compose_without_a_version_says_how_to_start_the_stack() -> None:
    if run("docker-compose", "version").returncode != 0:
        pytest.skip("no docker-compose")
    done = run("docker-compose", "-f", COMPOSE, "config", "--quiet", STABLE_VERSION="")
    assert done.returncode != 0
    assert "scripts/stack up" in done.stderr


def test_promtool_finds_nothing_to_object_to_in_what_the_service_tells() -> None:
    with answering(find_contract("streamflow"), 0.7) as client:
        client.predict(find_contract("streamflow").example())
        told = client.get("/metrics").text
    done = run("promtool", "check", "metrics", said=told)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
