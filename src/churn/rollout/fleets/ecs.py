"""AWS ECS: the two services of a cluster, whose tasks are the stable version and the canary."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from churn.errors import RolloutError
from churn.release.aws import Aws, serving, with_image
from churn.release.session import aws_client, aws_told
from churn.rollout.routers.router import TRACKS, Track

SUFFIX = "-canary"
AT_ONCE = 100  # tasks that AWS describes in one call
type Described = Mapping[str, Any]  # as AWS describes a service


class Ecs:
    """A cluster as deploy/terraform makes it: the canary's service is called as the stable one, with -canary behind it.

    Args:
        cluster: its name or ARN.

    Raises:
        RolloutError: AWS cannot be reached.
    """

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        with _told("reach AWS"):
            self._ecs = aws_client("ecs")

    def provide(self, percent: int) -> str:
        """At least one task of the canary, and as large a part of the stable ones as its share is, rounded up."""
        services = self._services()
        stable, canary = services["stable"], services["canary"]
        needed = max(1, math.ceil(stable["desiredCount"] * percent / 100))
        if canary["desiredCount"] < needed:
            self._update(canary, desiredCount=needed)
        running = canary["runningCount"]
        return "" if running >= needed else f"{running} of {needed} tasks of the canary run"

    def take_over(self, version: str) -> str:
        """Has the stable service run the image that the canary runs, in as many tasks.

        Its task definition stays as it is but for image and version, and a deployment that fails is AWS's to undo.
        """
        services = self._services()
        stable, canary = services["stable"], services["canary"]
        wanted = self._definition(stable, canary, version)
        failed = [each for each in stable["deployments"] if each.get("rolloutState") == "FAILED"]
        if reasons := [each.get("rolloutStateReason", "") for each in failed if each["taskDefinition"] == wanted]:
            raise RolloutError(
                f"AWS could not start {version} as the stable version: {reasons[0]}",
                instead="see the service's events; it is tried again",
            )
        count = max(stable["desiredCount"], canary["desiredCount"])
        if stable["taskDefinition"] != wanted or stable["desiredCount"] < count:
            self._update(stable, taskDefinition=wanted, desiredCount=count)
            return f"{version} is being started as the stable version, in {count} tasks"
        primary, *older = stable["deployments"]
        running, complete = primary["runningCount"], primary.get("rolloutState") == "COMPLETED"
        if older or running < count or not complete:
            return f"{running} of {count} tasks run {version} as the stable version"
        return ""

    def retire(self) -> None:
        """No task of the canary any more."""
        canary = self._services()["canary"]
        if canary["desiredCount"]:
            self._update(canary, desiredCount=0)

    def addresses(self) -> Mapping[Track, Sequence[str]]:
        """The private address of each running task, and the port that the load balancer asks it at."""
        return {track: list(self._addresses(service)) for track, service in self._services().items()}

    def _definition(self, stable: Described, canary: Described, version: str) -> str:
        """The ARN of a task definition of the stable family with the canary's image, registered if there is none."""
        aws = Aws()
        image, found = serving(aws.definition(canary["taskDefinition"]))
        if found != version:
            raise RolloutError(
                f"the canary's tasks are made to serve {found or 'any version'}, not {version}",
                instead="register its task definition with `churn release`",
            )
        family = stable["taskDefinition"].rpartition("/")[2].partition(":")[0]
        latest = aws.definition(family)
        if serving(latest) == (image, version):
            return str(latest["taskDefinitionArn"])
        return aws.register(with_image(latest, image, version), {"model-version": version})

    def _addresses(self, service: Described) -> Iterator[str]:
        port = service["loadBalancers"][0]["containerPort"] if service["loadBalancers"] else 80
        with _told(f"list the tasks of {service['serviceName']}"):
            pages = self._ecs.get_paginator("list_tasks").paginate(
                cluster=self._cluster, serviceName=service["serviceName"], desiredStatus="RUNNING"
            )
            arns = [arn for page in pages for arn in page["taskArns"]]
            for at in range(0, len(arns), AT_ONCE):
                for task in self._ecs.describe_tasks(cluster=self._cluster, tasks=arns[at : at + AT_ONCE])["tasks"]:
                    details = [each for attached in task.get("attachments", ()) for each in attached["details"]]
                    for detail in details:
                        if detail["name"] == "privateIPv4Address" and task["lastStatus"] == "RUNNING":
                            yield f"http://{detail['value']}:{port}"

    def _services(self) -> dict[Track, Described]:
        """Both services as they are now; both must exist."""
        with _told(f"find the services of the cluster {self._cluster}"):
            pages = self._ecs.get_paginator("list_services").paginate(cluster=self._cluster)
            names = {arn.rpartition("/")[2] for page in pages for arn in page["serviceArns"]}
            pairs = [(name, name + SUFFIX) for name in names if name + SUFFIX in names]
            if len(pairs) != 1:
                raise RolloutError(
                    f"the cluster {self._cluster} has not one service and its canary, but "
                    f"{', '.join(sorted(names)) or 'no service'}",
                    instead="name the cluster that deploy/terraform makes",
                )
            found = self._ecs.describe_services(cluster=self._cluster, services=[*pairs[0]])["services"]
        by_name = {each["serviceName"]: each for each in found}
        return {track: by_name[name] for track, name in zip(TRACKS, pairs[0], strict=True)}

    def _update(self, service: Described, **changed: Any) -> None:
        with _told(f"change the service {service['serviceName']}"):
            self._ecs.update_service(cluster=self._cluster, service=service["serviceName"], **changed)


def _told(what: str) -> AbstractContextManager[None]:
    return aws_told(what, RolloutError, check="cluster, account, region and rights")
