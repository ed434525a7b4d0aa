"""The tasks at AWS ECS, against a stand-in: before more weight, after the bake, and after a rollback."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.aws_account import Account
from support.aws_stand_in import Aws, aws_stand_in
from support.exposing import Service, answering, exposing
from support.processes import free_port
from support.rollouts import SHORT_PLAN, plan
from typer.testing import CliRunner

from churn.cli import app
from churn.cli.rollout_baseline import decide_baseline
from churn.errors import RolloutError, SettingsError
from churn.release.aws import read_served_image
from churn.rollout.fleets.ecs import Ecs
from churn.rollout.parts import open_fleet
from churn.rollout.routers.alb import LoadBalancer
from churn.rollout.state import Setup
from churn.rollout.store import RolloutStore

pytestmark = [
    pytest.mark.xdist_group("moto"),
    *(pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("DeprecationWarning", "ResourceWarning")),
]

POLICY = Path(__file__).parents[2] / "deploy/terraform/modules/rollout/main.tf"
CLUSTER, STABLE, CANARY, BESIDE = "churn", "churn", "churn-canary", "churn-baseline"


class Cluster:
    """Two services, one with two tasks of v1 and one with a task of v2; and one for a baseline, without a task.

    That one was made to run the canary's task definition: what it was made to run must not matter.
    """

    def __init__(self, port: int = 8000, *, has_baseline: bool = False) -> None:
        self.ecs = boto3.client("ecs")
        self.ecs.create_cluster(clusterName=CLUSTER)
        for family, version in ((STABLE, "v1"), (CANARY, "v2")):
            self.register(family, version)
        services = ((STABLE, STABLE, 2), (CANARY, CANARY, 1), *([(BESIDE, CANARY, 0)] if has_baseline else []))
        for name, family, count in services:
            balancer = {"targetGroupArn": "arn:any", "containerName": "service", "containerPort": port}
            self.ecs.create_service(
                cluster=CLUSTER, serviceName=name, taskDefinition=family, desiredCount=count, loadBalancers=[balancer]
            )

    def register(self, family: str, version: str, **size: str) -> None:
        container = {
            "name": "service",
            "image": f"registry/api@sha256:{version}",
            "essential": True,
            "memory": 512,
            "environment": [{"name": "MODEL_VERSION", "value": version}, {"name": "TRACK", "value": family}],
        }
        self.ecs.register_task_definition(family=family, containerDefinitions=[container], **size)

    def service(self, name: str) -> dict[str, Any]:
        (service,) = self.ecs.describe_services(cluster=CLUSTER, services=[name])["services"]
        return dict(service)

    def tasks(self) -> dict[str, int]:
        """How many there are to be, of each service."""
        arns = self.ecs.list_services(cluster=CLUSTER)["serviceArns"]
        return {name: self.service(name)["desiredCount"] for name in sorted(arn.rpartition("/")[2] for arn in arns)}

    def runs(self, name: str) -> dict[str, Any]:
        """The task definition that a service runs."""
        return dict(
            self.ecs.describe_task_definition(taskDefinition=self.service(name)["taskDefinition"])["taskDefinition"]
        )

    def revisions(self) -> int:
        """Of the stable family."""
        return len(self.ecs.list_task_definitions(familyPrefix=STABLE)["taskDefinitionArns"])


@contextmanager
def account(monkeypatch: pytest.MonkeyPatch, change: Callable[[bytes], bytes] = bytes) -> Iterator[Aws]:
    with aws_stand_in(change) as aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_DEFAULT_REGION", aws.environment["AWS_REGION"])
        yield aws


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with account(monkeypatch):
        yield Cluster()


@pytest.fixture
def with_baseline(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with account(monkeypatch):
        yield Cluster(has_baseline=True)


def test_a_baseline_runs_what_stable_runs_and_is_waited_for_as_the_canary_is(with_baseline: Cluster) -> None:
    fleet = Ecs(CLUSTER, has_baseline=True)
    assert fleet.start_canary(100) == "1 of 2 tasks of the canary and 0 of 1 tasks of the baseline run"
    assert with_baseline.tasks() == {STABLE: 2, CANARY: 2, BESIDE: 1}
    assert with_baseline.runs(BESIDE)["taskDefinitionArn"] == with_baseline.runs(STABLE)["taskDefinitionArn"]
    while fleet.start_canary(100):
        pass
    assert fleet.find_addresses()["baseline"] == ["http://127.0.3.1:8000"]


@pytest.mark.parametrize(("percent", "running", "tasks"), [(10, 1, 1), (10, 3, 3), (50, 1, 2), (75, 1, 1), (100, 1, 1)])
def test_a_baseline_has_as_many_tasks_for_its_share_as_the_canary(
    with_baseline: Cluster, percent: int, running: int, tasks: int
) -> None:
    with_baseline.ecs.update_service(cluster=CLUSTER, service=STABLE, desiredCount=4)
    with_baseline.ecs.update_service(cluster=CLUSTER, service=CANARY, desiredCount=running)
    Ecs(CLUSTER, has_baseline=True).start_canary(percent)
    assert with_baseline.tasks()[BESIDE] == tasks


def test_a_stable_service_that_was_scaled_in_beside_a_baseline_leaves_the_canary_its_tasks(
    with_baseline: Cluster,
) -> None:
    fleet = Ecs(CLUSTER, has_baseline=True)
    with_baseline.ecs.update_service(cluster=CLUSTER, service=STABLE, desiredCount=11)
    fleet.start_canary(50)
    with_baseline.ecs.update_service(cluster=CLUSTER, service=STABLE, desiredCount=3)
    for _ in range(3):
        fleet.start_canary(100)
        assert with_baseline.tasks() == {STABLE: 3, CANARY: 11, BESIDE: 6}


def test_a_baseline_stops_with_the_canary_however_often_it_is_said(with_baseline: Cluster) -> None:
    fleet = Ecs(CLUSTER, has_baseline=True)
    fleet.start_canary(50)
    for _ in range(2):
        fleet.stop_canary()
        assert with_baseline.tasks() == {STABLE: 2, CANARY: 0, BESIDE: 0}


def test_a_rollout_without_a_baseline_leaves_its_service_alone(with_baseline: Cluster) -> None:
    with_baseline.ecs.update_service(cluster=CLUSTER, service=BESIDE, desiredCount=1)
    fleet = Ecs(CLUSTER)
    fleet.start_canary(50)
    assert [*fleet.find_addresses()] == [STABLE.replace("churn", "stable"), "canary"]
    fleet.stop_canary()
    assert with_baseline.tasks()[BESIDE] == 1


def test_where_there_is_no_service_for_a_baseline_none_is_started_and_the_rollout_can_end(cluster: Cluster) -> None:
    fleet = Ecs(CLUSTER, has_baseline=True)
    for act in (lambda: fleet.start_canary(10), fleet.find_addresses):
        with pytest.raises(RolloutError, match="has no service churn-baseline"):
            act()
    fleet.stop_canary()
    assert cluster.tasks() == {STABLE: 2, CANARY: 0}


def test_a_canary_on_another_kind_of_machine_has_no_baseline(with_baseline: Cluster) -> None:
    with_baseline.register(CANARY, "v2", cpu="2048", memory="4096")
    with_baseline.ecs.update_service(cluster=CLUSTER, service=CANARY, taskDefinition=CANARY)
    with pytest.raises(RolloutError, match="and the canary's 2048 CPU units and 4096 MiB"):
        Ecs(CLUSTER, has_baseline=True).start_canary(10)
    assert with_baseline.tasks()[BESIDE] == 0


@pytest.mark.usefixtures("cluster")
def test_a_plan_that_must_have_a_baseline_is_refused_where_aws_has_none_and_another_goes_without(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup = Setup(f"alb:{Account().listener}", fleet=f"ecs:{CLUSTER}")
    with pytest.raises(RolloutError, match="forwards to no target group of the baseline"):
        decide_baseline(setup, plan(baseline=True))
    assert decide_baseline(setup, plan(baseline=False)) == (plan(baseline=False), "")
    decided, why = decide_baseline(setup, plan())
    assert (decided.baseline, why.rpartition("/")[2].partition(" ")[2]) == (
        False, "forwards to no target group of the baseline"
    )  # fmt: skip
    said = " ".join(capsys.readouterr().err.split())
    assert "there is no baseline" in said
    assert "have deploy/terraform make it" in said


def test_what_is_missing_elsewhere_is_no_reason_to_go_without_a_baseline(with_baseline: Cluster) -> None:
    assert with_baseline.tasks()[BESIDE] == 0
    with pytest.raises(RolloutError, match="could not find the listener nowhere"):
        decide_baseline(Setup("alb:nowhere", fleet=f"ecs:{CLUSTER}"), plan())


@pytest.mark.parametrize(("percent", "tasks"), [(10, 1), (50, 2), (51, 3), (100, 4)])
def test_the_canary_has_its_part_of_the_tasks_rounded_up(cluster: Cluster, percent: int, tasks: int) -> None:
    cluster.ecs.update_service(cluster=CLUSTER, service=STABLE, desiredCount=4)
    missing = Ecs(CLUSTER).start_canary(percent)
    assert cluster.tasks() == {STABLE: 4, CANARY: tasks}
    assert missing == ("" if tasks == 1 else f"1 of {tasks} tasks of the canary run")
    assert not Ecs(CLUSTER).start_canary(percent)


def test_a_smaller_share_takes_no_task_away(cluster: Cluster) -> None:
    Ecs(CLUSTER).start_canary(100)
    Ecs(CLUSTER).start_canary(10)
    assert cluster.tasks()[CANARY] == 2


def test_the_stable_service_takes_image_and_version_over_and_nothing_else(cluster: Cluster) -> None:
    fleet = Ecs(CLUSTER)
    assert fleet.replace_stable("v2") == "v2 is being started as the stable version, in 2 tasks"
    assert fleet.replace_stable("v2") == "0 of 2 tasks run v2 as the stable version"
    assert not fleet.replace_stable("v2")
    now = cluster.runs(STABLE)
    assert read_served_image(now) == read_served_image(cluster.runs(CANARY)) == ("registry/api@sha256:v2", "v2")
    assert {"name": "TRACK", "value": STABLE} in now["containerDefinitions"][0]["environment"]
    assert cluster.revisions() == 2


def test_a_task_definition_that_was_released_before_is_taken_as_it_is(cluster: Cluster) -> None:
    cluster.register(STABLE, "v2")
    Ecs(CLUSTER).replace_stable("v2")
    assert cluster.revisions() == 2
    assert read_served_image(cluster.runs(STABLE))[1] == "v2"


def test_the_stable_service_has_as_many_tasks_as_the_canary_had(cluster: Cluster) -> None:
    cluster.ecs.update_service(cluster=CLUSTER, service=CANARY, desiredCount=5)
    Ecs(CLUSTER).replace_stable("v2")
    assert cluster.tasks()[STABLE] == 5


def test_another_version_than_that_of_the_rollout_never_takes_over(cluster: Cluster) -> None:
    with pytest.raises(RolloutError, match="made to serve v2, not v3"):
        Ecs(CLUSTER).replace_stable("v3")
    assert read_served_image(cluster.runs(STABLE))[1] == "v1"


def test_a_deployment_that_aws_gave_up_is_told_and_not_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with account(monkeypatch, lambda answer: answer.replace(b"IN_PROGRESS", b"FAILED")):
        cluster = Cluster()
        Ecs(CLUSTER).replace_stable("v2")
        with pytest.raises(RolloutError, match="AWS could not start v2"):
            Ecs(CLUSTER).replace_stable("v2")
        assert cluster.revisions() == 2


def test_a_retired_canary_has_no_tasks_however_often_it_is_said(cluster: Cluster) -> None:
    for _ in range(2):
        Ecs(CLUSTER).stop_canary()
        assert cluster.tasks() == {STABLE: 2, CANARY: 0}


@pytest.mark.usefixtures("cluster")
def test_each_running_task_has_an_address() -> None:
    assert open_fleet("ecs:churn").find_addresses() == {
        "stable": ["http://127.0.1.1:8000", "http://127.0.1.2:8000"],
        "canary": ["http://127.0.2.1:8000"],
    }
    Ecs(CLUSTER).stop_canary()
    assert open_fleet("ecs:churn").find_addresses()["canary"] == []


def test_what_is_not_there_is_one_sentence(cluster: Cluster) -> None:
    with pytest.raises(RolloutError, match="could not find the services of the cluster nowhere"):
        Ecs("nowhere").start_canary(10)
    cluster.ecs.create_cluster(clusterName="other")
    cluster.ecs.create_service(cluster="other", serviceName="api", taskDefinition=STABLE, desiredCount=1)
    with pytest.raises(RolloutError, match="has not one service and its canary, but api"):
        Ecs("other").start_canary(10)
    with pytest.raises(SettingsError, match="is no fleet"):
        open_fleet("k8s:churn")


def test_a_rollout_of_a_canary_without_tasks_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with account(monkeypatch), exposing(Service("v1"), "127.0.1.1") as stable:
        cluster = Cluster(int(stable.address.rpartition(":")[2]))
        cluster.ecs.update_service(cluster=CLUSTER, service=STABLE, desiredCount=1)
        Ecs(CLUSTER).stop_canary()
        command = ["rollout", "start", "v2", "--no-registry", "--router", "alb:any", "--fleet", f"ecs:{CLUSTER}"]
        (steps := tmp_path / "plan.toml").write_text(SHORT_PLAN)
        done = CliRunner().invoke(app, [*command, "--plan", str(steps)], env={"CHURN_HOME": str(tmp_path)})
    assert isinstance(done.exception, RolloutError)
    assert done.exception.message == "the canary's figures cannot be read: no task of it runs"


@pytest.mark.parametrize("has_baseline", [True, False])
def test_a_rollout_at_aws_starts_tasks_moves_weights_and_leaves_the_new_version_as_the_stable_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, has_baseline: bool
) -> None:
    """The listener's weights, the services' tasks, and real servers in their place, through the command line.

    Nothing says whether there is a baseline: there is one where AWS has what it takes.
    """
    (steps := tmp_path / "plan.toml").write_text(SHORT_PLAN)
    services, port = {"1": Service("v1"), "2": Service("v2"), "3": Service("v1")}, free_port()
    with ExitStack() as parts:
        aws = parts.enter_context(account(monkeypatch))
        balancer = Account(**({"baseline": "api-base"} if has_baseline else {}))
        cluster = Cluster(port, has_baseline=has_baseline)
        for track in balancer.groups:
            balancer.register(track)
        LoadBalancer(balancer.listener).set_weight(0)
        for track, service in services.items():
            for task in ("1", "2"):
                parts.enter_context(exposing(service, f"127.0.{track}.{task}", port))
        # At half and half stable gets nothing beside a baseline.
        parts.enter_context(answering([services["2"], services["3" if has_baseline else "1"]]))
        aws.asked.clear()
        done = CliRunner().invoke(
            app,
            [
                *("rollout", "start", "v2", "--no-registry", "--plan", str(steps)),
                *("--router", f"alb:{balancer.listener}", "--fleet", f"ecs:{CLUSTER}"),
            ],
            env={"CHURN_HOME": str(tmp_path)},
        )
        asked = {*aws.asked}
        assert done.exit_code == 0, done.output
        assert "1 of 2 tasks of the canary run; then: all 6 checks are surely within" in done.output
        assert ("there is no baseline" in done.output) is not has_baseline
        with closing(RolloutStore(tmp_path)) as store:
            counts = store.get_rollout(1).counts
        assert ("baseline" in counts) is has_baseline
        assert not has_baseline or counts["baseline"].total.requests
        assert "the stable tasks run v2 and have all requests" in done.output
        beside = {BESIDE: 0} if has_baseline else {}
        assert balancer.weights() == {"stable": 100, **dict.fromkeys([*balancer.groups][1:], 0)}
        assert cluster.tasks() == {STABLE: 2, CANARY: 0, **beside}
        assert read_served_image(cluster.runs(STABLE))[1] == "v2"
    # Its policy allows what it did, and nothing else but what AWS asks for on the way.
    rights = re.sub("variable = .*", "", POLICY.read_text())
    allowed = set(re.findall(r'"((?:ecs|elasticloadbalancing|iam):[A-Z]\w+)"', rights))
    assert allowed == asked | {"ecs:TagResource", "iam:PassRole"}
