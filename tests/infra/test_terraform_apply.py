"""The platform at AWS from nothing to nothing, by the real Terraform; AWS by a stand-in (moto)."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.aws_stand_in import REGION
from support.platforms import BASELINE, BUCKET, CANARY, GITHUB, STABLE, STATE, Platform

from churn.release.aws import read_served_image, replace_image
from churn.rollout.fleets.ecs import Ecs
from churn.rollout.routers.alb import LoadBalancer

pytestmark = pytest.mark.xdist_group("terraform")

IN_STEP, CHANGES = 0, 2  # exit codes of `terraform plan -detailed-exitcode`


def test_a_second_plan_has_nothing_to_change(platform: Platform) -> None:
    code, said = platform.plan()
    assert code == IN_STEP, said


def test_the_state_is_in_the_bucket_and_nobody_holds_its_lock(platform: Platform) -> None:
    listed = platform.aws.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [item["Key"] for item in listed] == [STATE]
    assert not list(platform.terraform.folder.glob("*.tfstate"))


def test_a_task_has_what_the_image_needs_and_no_more(platform: Platform) -> None:
    for family in (STABLE, CANARY):
        definition = platform.definition(family)
        assert (definition["cpu"], definition["memory"]) == ("1024", "2048")
        assert definition["requiresCompatibilities"] == ["FARGATE"]
        assert definition["taskRoleArn"] != definition["executionRoleArn"]
        (container,) = definition["containerDefinitions"]
        assert container["readonlyRootFilesystem"] is True
        assert container["user"] == "10001:10001"
        assert container["linuxParameters"]["capabilities"]["drop"] == ["ALL"]
        drain_s = {each["name"]: each["value"] for each in container["environment"]}["DRAIN_SECONDS"]
        assert container["stopTimeout"] > int(drain_s) + 40


def test_the_health_check_of_a_task_is_the_one_of_the_image(platform: Platform) -> None:
    dockerfile = (Path(__file__).parents[2] / "deploy/docker/Dockerfile").read_text()
    _, _, service = dockerfile.partition(" AS service\n")
    (line,) = (line for line in service.splitlines() if line.startswith("HEALTHCHECK "))
    check = platform.definition(STABLE)["containerDefinitions"][0]["healthCheck"]
    options = f"--interval={check['interval']}s --timeout={check['timeout']}s --retries={check['retries']}"
    assert line == f"HEALTHCHECK {options} CMD {json.dumps(check['command'][1:])}"


def test_services_have_no_public_address_and_go_back_if_a_deployment_fails(platform: Platform) -> None:
    for name in (STABLE, CANARY, BASELINE):
        service = platform.service(name)
        assert service["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "DISABLED"
        assert service["deploymentConfiguration"]["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
        assert service["desiredCount"] == 0
    assert platform.aws.client("ec2").describe_internet_gateways()["InternetGateways"] == []


def test_the_load_balancer_is_internal_and_asks_for_health_every_30_s(platform: Platform) -> None:
    elb = platform.aws.client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    assert balancer["Scheme"] == "internal"
    for group in elb.describe_target_groups()["TargetGroups"]:
        assert (group["HealthCheckPath"], group["HealthCheckIntervalSeconds"]) == ("/health", 30)
        assert group["TargetType"] == "ip"
    (listener,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert (listener["Protocol"], listener["Port"]) == ("HTTPS", 443)
    assert platform.weights() == {"stable": 100, "canary": 0, "baseline": 0}
    assert platform.outputs["url"] == "https://churn.example.com"


def test_only_portal_and_rollout_get_in_and_only_tasks_are_asked(platform: Platform) -> None:
    rules = platform.aws.client("ec2").describe_security_group_rules()["SecurityGroupRules"]
    groups = platform.aws.client("ec2").describe_security_groups()["SecurityGroups"]
    names = {group["GroupId"]: group["GroupName"].removeprefix(STABLE) for group in groups}
    ours = [rule for rule in rules if names[rule["GroupId"]].startswith("-")]
    ways = {
        (names[rule["GroupId"]], "out" if rule["IsEgress"] else "in", rule["FromPort"], other(rule, names))
        for rule in ours
    }
    assert ways == {
        ("-load-balancer", "in", 443, "-portal"),
        ("-load-balancer", "out", 8000, "-tasks"),
        ("-tasks", "in", 8000, "-load-balancer"),
        ("-tasks", "in", 8000, "-rollout"),
        ("-rollout", "out", 8000, "-tasks"),
        ("-tasks", "out", 443, "-endpoints"),
        ("-tasks", "out", 443, "prefix list"),
        ("-endpoints", "in", 443, "-tasks"),
    }


def other(rule: dict[str, Any], names: dict[str, str]) -> str:
    if rule.get("PrefixListId"):
        return "prefix list"
    if "ReferencedGroupInfo" in rule:
        return names[rule["ReferencedGroupInfo"]["GroupId"]]
    return str(rule.get("CidrIpv4"))


def test_aws_is_reached_by_endpoints(platform: Platform) -> None:
    endpoints = platform.aws.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    kinds = {
        each["ServiceName"].removeprefix(f"com.amazonaws.{REGION}."): each["VpcEndpointType"] for each in endpoints
    }
    interfaces = ("ecr.api", "ecr.dkr", "logs", "secretsmanager")
    assert kinds == {**dict.fromkeys(interfaces, "Interface"), "s3": "Gateway"}


def test_images_are_encrypted_scanned_and_never_overwritten(platform: Platform) -> None:
    (repository,) = platform.aws.client("ecr").describe_repositories()["repositories"]
    assert repository["repositoryName"] == STABLE
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["encryptionConfiguration"]["encryptionType"] == "KMS"


def test_every_alarm_of_the_runbook_is_there_and_no_other(platform: Platform) -> None:
    runbook = (Path(__file__).parents[2] / "docs/runbook.md").read_text()
    alarms = [
        alarm
        for alarm in platform.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
        if not alarm["AlarmName"].startswith("TargetTracking-")  # those by which autoscaling works
    ]
    names = {alarm["AlarmName"] for alarm in alarms}
    assert set(platform.outputs["alarms"]) == names
    told = re.findall(r"`…(-[\w-]+)`", runbook)
    assert {name for name in names if not name.endswith(tuple(told))} == set()
    assert {one for one in told if not any(name.endswith(one) for name in names)} == set()
    slow = next(alarm for alarm in alarms if alarm["AlarmName"].endswith("-stable-slow"))
    assert (slow["Threshold"], slow["ExtendedStatistic"]) == (0.2, "p99")
    assert all(alarm["AlarmActions"] for alarm in alarms)


def test_scaling_holds_cpu_at_60_percent_between_both_bounds(platform: Platform) -> None:
    scaling = platform.aws.client("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert target["ResourceId"] == f"service/{STABLE}/{STABLE}"
    assert (target["MinCapacity"], target["MaxCapacity"]) == (3, 12)
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 60


def test_the_workflow_can_start_the_canary_and_touch_nothing_else(platform: Platform) -> None:
    iam = platform.aws.client("iam")
    github = platform.outputs["github"]
    assert github["AWS_REGION"] == REGION
    assert (github["ECS_CLUSTER"], github["ECS_CANARY_SERVICE"]) == (STABLE, CANARY)
    name = github["AWS_ROLE_ARN"].rpartition("/")[2]
    (trust,) = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert (
        trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
        == f"repo:{GITHUB}:environment:production"
    )
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    statements = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]["Statement"]
    by_name = {statement["Sid"]: statement for statement in statements}
    assert by_name["StartCanary"]["Resource"].endswith(f":service/{STABLE}/{CANARY}")
    assert not any("*" in str(statement["Action"]) for statement in statements)
    unlimited = [action for statement in statements if statement["Resource"] == "*" for action in statement["Action"]]
    assert sorted(unlimited) == [
        "ecr:GetAuthorizationToken",
        "ecs:DescribeTaskDefinition",
        "ecs:RegisterTaskDefinition",
    ]
    assert iam.list_attached_role_policies(RoleName=f"{STABLE}-task")["AttachedPolicies"] == []


def test_terraform_does_not_undo_a_release_and_its_rollout(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `churn release` and `churn rollout` do it, with a plan after each step that changes anything."""
    for name, value in platform.aws.environment.items():
        monkeypatch.setenv(name, value)
    ecs, fleet = platform.aws.client("ecs"), Ecs(platform.outputs["cluster"], has_baseline=True)
    router = LoadBalancer(platform.outputs["listener_arn"], has_baseline=True)
    for arn in platform.outputs["target_group_arns"].values():  # the stand-in's tasks enter themselves nowhere
        platform.aws.client("elbv2").register_targets(TargetGroupArn=arn, Targets=[{"Id": "10.40.0.7", "Port": 8000}])

    def release(family: str, version: str) -> str:
        definition = replace_image(platform.definition(family), f"registry/{STABLE}@sha256:{'0' * 64}", version)
        arn: str = ecs.register_task_definition(**definition)["taskDefinition"]["taskDefinitionArn"]
        return arn

    def start(name: str, definition: str, tasks: int) -> None:
        ecs.update_service(cluster=STABLE, service=name, taskDefinition=definition, desiredCount=tasks)

    start(STABLE, release(STABLE, "v2.3.1"), 3)
    canary = release(CANARY, "v2.4.0")
    start(CANARY, canary, 1)
    before = platform.definition(CANARY)
    assert before["revision"] == 2
    assert before["containerDefinitions"][0]["readonlyRootFilesystem"] is True
    for weight, others in ((10, (80, 10)), (50, (0, 50)), (100, (0, 0))):
        fleet.start_canary(weight)
        router.set_weight(weight)
        code, said = platform.plan()
        assert code == IN_STEP, said
        assert platform.weights() == {"stable": others[0], "canary": weight, "baseline": others[1]}
    tasks = {track: len(addresses) for track, addresses in fleet.find_addresses().items()}
    assert tasks == {"stable": 3, "canary": 3, "baseline": 2}
    assert platform.service(BASELINE)["taskDefinition"] == platform.service(STABLE)["taskDefinition"]
    while fleet.replace_stable("v2.4.0"):
        pass
    platform.weigh(0)
    fleet.stop_canary()
    platform.terraform.succeed("apply", "-auto-approve", "-input=false")
    assert platform.weights() == {"stable": 100, "canary": 0, "baseline": 0}
    assert platform.service(STABLE)["desiredCount"] == 3
    assert platform.service(CANARY)["desiredCount"] == platform.service(BASELINE)["desiredCount"] == 0
    assert platform.service(STABLE)["taskDefinition"].endswith(f"{STABLE}:3")
    assert read_served_image(platform.definition(STABLE))[1] == "v2.4.0"


def test_a_change_that_is_terraforms_own_would_be_seen(platform: Platform) -> None:
    elb = platform.aws.client("elbv2")
    arn = platform.outputs["target_group_arns"]["stable"]
    elb.modify_target_group(TargetGroupArn=arn, HealthCheckPath="/livez")
    code, said = platform.plan()
    assert code == CHANGES
    assert '"/livez" -> "/health"' in said
    elb.modify_target_group(TargetGroupArn=arn, HealthCheckPath="/health")


def test_at_last_all_of_it_can_be_destroyed(platform: Platform) -> None:
    platform.terraform.succeed("destroy", "-auto-approve", "-input=false")
    assert "values" not in json.loads(platform.terraform.succeed("show", "-json"))
    assert platform.aws.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    shutil.rmtree(platform.terraform.folder)
