"""AWS ECS: a cluster with a service for the stable version, one for the canary, and one for a baseline."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from churn.errors import RolloutError
from churn.release.aws import Aws, read_served_image, replace_image
from churn.release.session import open_aws_client, translate_aws_errors
from churn.rollout.routers.router import BASELINE, TRACKS, Track, split_percent

_explain_errors = partial(translate_aws_errors, kind=RolloutError, check="cluster, account, region and rights")
SUFFIXES: Mapping[Track, str] = {"canary": "-canary", BASELINE: "-baseline"}  # behind the stable service's name
TASKS_PER_CALL = 100  # AWS describes no more
type Described = Mapping[str, Any]  # as AWS describes a service


class Ecs:
    """Run the tasks of a cluster that deploy/terraform made.

    The canary's service is STABLE-canary. A baseline's is STABLE-baseline, and runs what the stable service does.

    Raises:
        RolloutError: AWS cannot be reached.
    """

    def __init__(self, cluster: str, *, has_baseline: bool = False) -> None:
        self._cluster = cluster
        self._has_baseline = has_baseline
        with _explain_errors("reach AWS"):
            self._ecs = open_aws_client("ecs")

    @_explain_errors("start the canary's tasks")
    def start_canary(self, percent: int) -> str:
        """Start at least one canary task, and that percentage of the stable tasks' number, rounded up.

        A baseline gets as many for its share of the requests as the canary has for its own.
        """
        services = self._require_services()
        stable, canary = services["stable"], services["canary"]
        # Autoscaling takes stable down while a baseline has its requests. Those are half of all at most, so the
        # baseline has at most half of the tasks that carry them all, rounded up.
        carrying = 2 * services[BASELINE]["desiredCount"] - 1 if self._has_baseline else 0
        needed = max(1, math.ceil(max(stable["desiredCount"], carrying) * percent / 100))
        if canary["desiredCount"] < needed:
            self._update(canary, desiredCount=needed)
        running = [(canary["runningCount"], needed, "canary")]
        if self._has_baseline:
            share = split_percent(percent, has_baseline=True)[BASELINE]
            count = max(1, math.ceil(max(needed, canary["desiredCount"]) * share / percent))
            running.append((self._start_baseline(services[BASELINE], stable["taskDefinition"], count), count, BASELINE))
        missing = [f"{runs} of {count} tasks of the {track}" for runs, count, track in running if runs < count]
        return f"{' and '.join(missing)} run" if missing else ""

    def _start_baseline(self, baseline: Described, definition: str, count: int) -> int:
        """Have the baseline's service run that task definition in as many tasks, or more. Return how many do."""
        if baseline["taskDefinition"] != definition or baseline["desiredCount"] < count:
            count = max(count, baseline["desiredCount"])
            self._update(baseline, taskDefinition=definition, desiredCount=count)
        own = [deployment for deployment in baseline["deployments"] if deployment["taskDefinition"] == definition]
        return sum(deployment["runningCount"] for deployment in own)

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
        """Stop all tasks of the canary, and of its baseline."""
        for track, service in self._find_services().items():
            if track != "stable" and service["desiredCount"]:
                self._update(service, desiredCount=0)

    @_explain_errors("find the tasks' addresses")
    def find_addresses(self) -> Mapping[Track, Sequence[str]]:
        """Return the private address of each running task, with the port that the load balancer uses."""
        return {track: list(self._find_addresses(service)) for track, service in self._require_services().items()}

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

    def _require_services(self) -> dict[Track, Described]:
        """Return the service of each track. If the rollout has a baseline, it must exist and be like the canary."""
        services = self._find_services()
        if not self._has_baseline:
            return services
        if BASELINE not in services:
            raise RolloutError(
                f"the cluster {self._cluster} has no service {services['stable']['serviceName']}{SUFFIXES[BASELINE]}",
                instead="have deploy/terraform make it (docs/architecture/06-aws.md says how), or set baseline = false "
                "in the plan",
            )
        if not services[BASELINE]["desiredCount"]:  # afterwards it is too late to refuse
            self._require_one_size(services)
        return services

    def _require_one_size(self, services: Mapping[Track, Described]) -> None:
        sizes = []
        for track in TRACKS:
            with _explain_errors(f"read the task definition of {track}"):
                described = self._ecs.describe_task_definition(taskDefinition=services[track]["taskDefinition"])
            definition = described["taskDefinition"]
            sizes.append(f"{definition.get('cpu')} CPU units and {definition.get('memory')} MiB")
        if sizes[0] != sizes[1]:
            raise RolloutError(
                f"a task of stable, which a baseline would be, has {sizes[0]}, and the canary's {sizes[1]}",
                instead="release the live version for the stable service once more, so that both have Terraform's size",
            )

    def _find_services(self) -> dict[Track, Described]:
        """Return the services as they are now; stable's and the canary's must exist."""
        with _explain_errors(f"find the services of the cluster {self._cluster}"):
            pages = self._ecs.get_paginator("list_services").paginate(cluster=self._cluster)
            names = {arn.rpartition("/")[2] for page in pages for arn in page["serviceArns"]}
            stable = [name for name in names if name + SUFFIXES["canary"] in names]
            if len(stable) != 1:
                raise RolloutError(
                    f"the cluster {self._cluster} has not one service and its canary, but "
                    f"{', '.join(sorted(names)) or 'no service'}",
                    instead="name the cluster that deploy/terraform makes",
                )
            tracks = TRACKS if not self._has_baseline else (*TRACKS, BASELINE)
            chosen = {name: track for track in tracks if (name := stable[0] + SUFFIXES.get(track, "")) in names}
            described = self._ecs.describe_services(cluster=self._cluster, services=[*chosen])["services"]
        return {chosen[service["serviceName"]]: service for service in described}

    def _update(self, service: Described, **changed: Any) -> None:
        with _explain_errors(f"change the service {service['serviceName']}"):
            self._ecs.update_service(cluster=self._cluster, service=service["serviceName"], **changed)
