"""AWS ECS: a cluster with one service for the stable version and one for the canary."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from churn.errors import RolloutError
from churn.release.aws import Aws, read_served_image, replace_image
from churn.release.session import open_aws_client, translate_aws_errors
from churn.rollout.routers.router import TRACKS, Track

_explain_errors = partial(translate_aws_errors, kind=RolloutError, check="cluster, account, region and rights")
SUFFIX = "-canary"
TASKS_PER_CALL = 100  # AWS describes no more
type Described = Mapping[str, Any]  # as AWS describes a service


class Ecs:
    """Run the tasks of a cluster that deploy/terraform made. The canary's service is STABLE-canary.

    Raises:
        RolloutError: AWS cannot be reached.
    """

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        with _explain_errors("reach AWS"):
            self._ecs = open_aws_client("ecs")

    @_explain_errors("start the canary's tasks")
    def start_canary(self, percent: int) -> str:
        """Start at least one canary task, and that percentage of the stable tasks' number, rounded up."""
        services = self._find_services()
        stable, canary = services["stable"], services["canary"]
        needed = max(1, math.ceil(stable["desiredCount"] * percent / 100))
        if canary["desiredCount"] < needed:
            self._update(canary, desiredCount=needed)
        running = canary["runningCount"]
        return "" if running >= needed else f"{running} of {needed} tasks of the canary run"

    @_explain_errors("replace the stable tasks")
    def replace_stable(self, version: str) -> str:
        """Have the stable service run the canary's image, in no fewer tasks.

        All else of its task definition stays. AWS itself undoes a deployment that fails.
        """
        services = self._find_services()
        stable, canary = services["stable"], services["canary"]
        wanted = self._find_definition(stable, canary, version)
        failed = [
            deployment.get("rolloutStateReason", "")
            for deployment in stable["deployments"]
            if deployment.get("rolloutState") == "FAILED" and deployment["taskDefinition"] == wanted
        ]
        if failed:
            raise RolloutError(
                f"AWS could not start {version} as the stable version: {failed[0]}",
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

    @_explain_errors("stop the canary's tasks")
    def stop_canary(self) -> None:
        """Stop all tasks of the canary."""
        canary = self._find_services()["canary"]
        if canary["desiredCount"]:
            self._update(canary, desiredCount=0)

    @_explain_errors("find the tasks' addresses")
    def find_addresses(self) -> Mapping[Track, Sequence[str]]:
        """Return the private address of each running task, with the port that the load balancer uses."""
        return {track: list(self._find_addresses(service)) for track, service in self._find_services().items()}

    def _find_definition(self, stable: Described, canary: Described, version: str) -> str:
        """Return the ARN of a task definition of the stable family with the canary's image, registered if new."""
        aws = Aws()
        image, served = read_served_image(aws.find_definition(canary["taskDefinition"]))
        if served != version:
            raise RolloutError(
                f"the canary's tasks are made to serve {served or 'any version'}, not {version}",
                instead="register its task definition with `churn release`",
            )
        family = stable["taskDefinition"].rpartition("/")[2].partition(":")[0]
        latest = aws.find_definition(family)
        if read_served_image(latest) == (image, version):
            return str(latest["taskDefinitionArn"])
        return aws.register_definition(replace_image(latest, image, version), {"model-version": version})

    def _find_addresses(self, service: Described) -> Iterator[str]:
        port = service["loadBalancers"][0]["containerPort"] if service["loadBalancers"] else 80
        with _explain_errors(f"list the tasks of {service['serviceName']}"):
            pages = self._ecs.get_paginator("list_tasks").paginate(
                cluster=self._cluster, serviceName=service["serviceName"], desiredStatus="RUNNING"
            )
            arns = [arn for page in pages for arn in page["taskArns"]]
            for at in range(0, len(arns), TASKS_PER_CALL):
                for task in self._ecs.describe_tasks(cluster=self._cluster, tasks=arns[at : at + TASKS_PER_CALL])[
                    "tasks"
                ]:
                    details = [detail for attached in task.get("attachments", ()) for detail in attached["details"]]
                    for detail in details:
                        if detail["name"] == "privateIPv4Address" and task["lastStatus"] == "RUNNING":
                            yield f"http://{detail['value']}:{port}"

    def _find_services(self) -> dict[Track, Described]:
        """Return both services as they are now; both must exist."""
        with _explain_errors(f"find the services of the cluster {self._cluster}"):
            pages = self._ecs.get_paginator("list_services").paginate(cluster=self._cluster)
            names = {arn.rpartition("/")[2] for page in pages for arn in page["serviceArns"]}
            pairs = [(name, name + SUFFIX) for name in names if name + SUFFIX in names]
            if len(pairs) != 1:
                raise RolloutError(
                    f"the cluster {self._cluster} has not one service and its canary, but "
                    f"{', '.join(sorted(names)) or 'no service'}",
                    instead="name the cluster that deploy/terraform makes",
                )
            described = self._ecs.describe_services(cluster=self._cluster, services=[*pairs[0]])["services"]
        by_name = {service["serviceName"]: service for service in described}
        return {track: by_name[name] for track, name in zip(TRACKS, pairs[0], strict=True)}

    def _update(self, service: Described, **changed: Any) -> None:
        with _explain_errors(f"change the service {service['serviceName']}"):
            self._ecs.update_service(cluster=self._cluster, service=service["serviceName"], **changed)
