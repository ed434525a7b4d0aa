"""A load balancer at the stand-in for AWS, with what forwards to the target groups of all tracks."""

from typing import Any

import boto3

from support.processes import free_port


class Account:
    """A load balancer with target groups, and one instance that may be their target.

    Args:
        names: of the groups, by track.
    """

    def __init__(self, **names: str) -> None:
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
            track: self.elb.create_target_group(Name=name, Protocol="HTTP", Port=8000, VpcId=vpc, TargetType="ip")[
                "TargetGroups"
            ][0]["TargetGroupArn"]
            for track, name in {"stable": "api-stable", "canary": "api-canary", **names}.items()
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

    def weights(self) -> dict[str, int]:
        """What each group has at the listener."""
        (listener,) = self.elb.describe_listeners(ListenerArns=[self.listener])["Listeners"]
        groups = listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
        tracks = {arn: track for track, arn in self.groups.items()}
        return {tracks[group["TargetGroupArn"]]: group["Weight"] for group in groups}

    def register(self, track: str) -> None:
        self.elb.register_targets(TargetGroupArn=self.groups[track], Targets=[{"Id": "10.0.0.7", "Port": 8000}])

    def deregister(self, track: str) -> None:
        self.elb.deregister_targets(TargetGroupArn=self.groups[track], Targets=[{"Id": "10.0.0.7", "Port": 8000}])

    def close(self) -> None:
        """So that the next test finds the names free."""
        self.elb.delete_load_balancer(LoadBalancerArn=self.balancer)
        for arn in self.groups.values():
            self.elb.delete_target_group(TargetGroupArn=arn)
