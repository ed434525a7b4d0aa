"""The router for AWS's load balancer, against a stand-in that lets nearly everything pass; our own checks do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from processes import free_port

from churn.errors import RolloutError, SettingsError
from churn.rollout.alb import LoadBalancer
from churn.rollout.routers import router_at

pytestmark = [
    pytest.mark.xdist_group("moto"),
    *(pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("DeprecationWarning", "ResourceWarning")),
]


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Account:
    """A load balancer with a stable and a canary target group, and one instance that may be their target."""

    def __init__(self) -> None:
        ec2, self.elb = boto3.client("ec2"), boto3.client("elbv2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{at}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
                "SubnetId"
            ]
            for at, zone in enumerate("ab")
        ]
        self.balancer = self.elb.create_load_balancer(Name="b", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
        self.groups = {
            track: self.elb.create_target_group(
                Name=f"api-{track}", Protocol="HTTP", Port=8000, VpcId=vpc, TargetType="ip"
            )["TargetGroups"][0]["TargetGroupArn"]
            for track in ("stable", "canary")
        }
        forward = {"TargetGroups": [{"TargetGroupArn": arn, "Weight": 1} for arn in self.groups.values()]}
        self.listener = self.listen({"Type": "forward", "ForwardConfig": forward})
        self.register("stable")

    def listen(self, action: dict[str, Any]) -> str:
        """A listener on a port of its own."""
        made = self.elb.create_listener(
            LoadBalancerArn=self.balancer, Protocol="HTTP", Port=free_port(), DefaultActions=[action]
        )
        return str(made["Listeners"][0]["ListenerArn"])

    def register(self, track: str) -> None:
        self.elb.register_targets(TargetGroupArn=self.groups[track], Targets=[{"Id": "10.0.0.7", "Port": 8000}])

    def close(self) -> None:
        """So that the next test finds the names free."""
        self.elb.delete_load_balancer(LoadBalancerArn=self.balancer)
        for arn in self.groups.values():
            self.elb.delete_target_group(TargetGroupArn=arn)


@pytest.fixture
def account(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    own = {
        "AWS_ENDPOINT_URL": aws, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1",
    }  # fmt: skip
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    account = Account()
    yield account
    account.close()


@pytest.mark.parametrize("percent", [0, 10, 50, 100])
def test_a_weight_is_what_the_listener_then_has(account: Account, percent: int) -> None:
    account.register("canary")
    router = router_at(f"alb:{account.listener}")
    for _ in range(2):
        router.set_weight(percent)
        assert router.weight() == percent


def test_equal_weights_are_half_whatever_their_size(account: Account) -> None:
    assert LoadBalancer(account.listener).weight() == 50


@pytest.mark.parametrize("percent", [-1, 101])
def test_what_is_no_share_never_reaches_aws(account: Account, percent: int) -> None:
    router = LoadBalancer(account.listener)
    with pytest.raises(SettingsError, match="from 0 to 100"):
        router.set_weight(percent)
    assert router.weight() == 50


def test_a_canary_without_a_healthy_target_gets_nothing(account: Account) -> None:
    router = LoadBalancer(account.listener)
    assert (router.healthy("stable"), router.healthy("canary")) == (True, False)
    with pytest.raises(RolloutError, match="no healthy target"):
        router.set_weight(10)
    assert router.weight() == 50
    router.set_weight(0)
    assert router.weight() == 0


def test_a_listener_that_forwards_to_others_is_refused(account: Account) -> None:
    arn = account.listen({"Type": "forward", "TargetGroupArn": account.groups["stable"]})
    with pytest.raises(RolloutError, match="does not forward to one target group of stable and one of the canary"):
        LoadBalancer(arn).weight()


def test_a_listener_that_does_something_else_is_refused(account: Account) -> None:
    arn = account.listen({"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}})
    with pytest.raises(RolloutError, match="does more than forward"):
        LoadBalancer(arn).set_weight(0)


def test_stickiness_that_would_override_the_weight_is_refused(account: Account) -> None:
    forward = {
        "TargetGroups": [{"TargetGroupArn": arn, "Weight": 1} for arn in account.groups.values()],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60},
    }
    arn = account.listen({"Type": "forward", "ForwardConfig": forward})
    with pytest.raises(RolloutError, match="sticky by a cookie"):
        LoadBalancer(arn).set_weight(10)


def test_a_listener_that_is_not_there_is_told_in_aws_own_words(account: Account) -> None:
    with pytest.raises(RolloutError, match="could not find the listener"):
        LoadBalancer(account.listener[:-4] + "beef").weight()
