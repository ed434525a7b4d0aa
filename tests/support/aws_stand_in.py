"""AWS on this machine: moto, and in front of it what moto forgets and AWS would not."""

import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import boto3
import httpx2
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
RULE = re.compile(r"<securityGroupRuleId>(.+?)</securityGroupRuleId>")
DESCRIPTION = re.compile(r"<description>.*?</description>|<description */>")
FORGOTTEN_OF_A_SERVICE = (
    *(
        "availabilityZoneRebalancing",
        "deploymentConfiguration",
        "enableECSManagedTags",
        "healthCheckGracePeriodSeconds",
    ),
)

type Change = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Aws:
    """The stand-in: what to set to reach it, and clients that do."""

    environment: dict[str, str]
    asked: set[str] = field(default_factory=set)  # such as ecs:ListServices

    def client(self, service: str, credentials: dict[str, str] = KEYS) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=REGION,
            aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=credentials.get("AWS_SESSION_TOKEN"),
        )

    def assume(self, role_arn: str, credentials: dict[str, str] = KEYS) -> dict[str, str]:
        """Gives the credentials of a role, as environment variables."""
        assumed = self.client("sts", credentials).assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": assumed["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": assumed["SecretAccessKey"],
            "AWS_SESSION_TOKEN": assumed["SessionToken"],
        }

    @contextmanager
    def enforcing_rights(self) -> Iterator[None]:
        """Refuses what a role's policies do not allow on S3, and to give a role to whom it does not trust.

        Elsewhere moto looks for rights on `*` only. It ignores conditions, and policies of buckets, keys and endpoints.
        """
        address = f"{self.environment['AWS_ENDPOINT_URL']}/moto-api/reset-auth"
        httpx2.post(address, content="0")
        try:
            yield
        finally:
            httpx2.post(address, content="inf")


@dataclass
class Memory:
    """What moto was told and does not say again."""

    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)  # of each service
    deploying: set[str] = field(default_factory=set)  # services whose new revision the next look finds starting
    asked: set[str] = field(default_factory=set)

    def answer(self, request: Request, moto: Any) -> Response:
        body = request.get_data()
        request.environ["wsgi.input"] = io.BytesIO(body)  # read, and given back
        api, _, action = request.headers.get("X-Amz-Target", "").partition(".")
        if api.startswith("AmazonEC2ContainerService"):
            self.asked.add(f"ecs:{action}")
        elif "elasticloadbalancing" in request.headers.get("Authorization", ""):
            self.asked.add(f"elasticloadbalancing:{parse_qs(body.decode())['Action'][0]}")
        if action == "ListTagsForResource" and api == "AnyScaleFrontendService":  # which moto does not have
            return Response(json.dumps({"Tags": self.tags}), content_type="application/x-amz-json-1.1")
        if action in {"ListTasks", "DescribeTasks"}:  # moto starts none
            told = json.loads(body)
            answer = self._listed(told) if action == "ListTasks" else {"tasks": [*map(_task, told["tasks"])]}
            return Response(json.dumps(answer), content_type="application/x-amz-json-1.1")
        response = Response.from_app(moto, request.environ)
        if action == "RegisterScalableTarget":
            self.tags |= json.loads(body).get("Tags", {})
        elif api.startswith("AmazonEC2ContainerService") and action.endswith(("Service", "Services")):
            self._services(action, json.loads(body), response)
        elif b"SecurityGroup" in body:
            self._rules(parse_qs(body.decode()), response)
        return response

    def _services(self, action: str, told: dict[str, Any], response: Response) -> None:
        if action in {"CreateService", "UpdateService"}:
            name = told.get("serviceName") or told["service"].rpartition("/")[2]
            self.services.setdefault(name, {}).update({key: told[key] for key in FORGOTTEN_OF_A_SERVICE if key in told})
        answer = json.loads(response.get_data())
        for service in (*answer.get("services", ()), *([answer["service"]] if "service" in answer else ())):
            service.update(self.services.get(service["serviceName"], {}))
            self._runs(service, changed=action == "UpdateService" and "taskDefinition" in told)
        response.set_data(json.dumps(answer))

    def _runs(self, service: dict[str, Any], *, changed: bool) -> None:
        """All tasks run, but for one look those of a new revision."""
        name, count = service["serviceName"], service.get("desiredCount", 0)
        starting = name in self.deploying
        (self.deploying.add if changed else self.deploying.discard)(name)
        self.tasks[name] = count
        own = {"taskDefinition": service.get("taskDefinition"), "desiredCount": count}
        state = {"rolloutState": "IN_PROGRESS", "runningCount": 0} if starting else {"rolloutState": "COMPLETED"}
        service |= {"runningCount": count, "deployments": [{"status": "PRIMARY", "runningCount": count} | own | state]}

    def _listed(self, told: dict[str, Any]) -> dict[str, Any]:
        name = told["serviceName"]
        return {"taskArns": [f"arn:aws:ecs:{REGION}:1:task/{name}/{number}" for number in range(self.tasks[name])]}

    def _rules(self, told: dict[str, list[str]], response: Response) -> None:
        text = response.get_data(as_text=True)
        described = [value for (key, (value, *_)) in told.items() if key.endswith(".Description")]
        if told["Action"][0].startswith("AuthorizeSecurityGroup") and described:
            self.descriptions |= dict.fromkeys(RULE.findall(text), described[0])
        elif told["Action"] == ["DescribeSecurityGroupRules"]:
            response.set_data(RULE.sub(self._described, DESCRIPTION.sub("", text)))

    def _described(self, rule: re.Match[str]) -> str:
        return rule[0] + f"<description>{escape(self.descriptions.get(rule[1], ''))}</description>"


def _task(arn: str) -> dict[str, Any]:
    """A running task; those of a canary are at 127.0.2.1 and on, of a baseline at 127.0.3.1, others at 127.0.1.1."""
    _, service, number = arn.split("/")
    net = {"canary": 2, "baseline": 3}.get(service.rpartition("-")[2], 1)
    address = f"127.0.{net}.{int(number) + 1}"
    attached = [{"type": "ElasticNetworkInterface", "details": [{"name": "privateIPv4Address", "value": address}]}]
    return {"taskArn": arn, "lastStatus": "RUNNING", "attachments": attached}


@contextmanager
def aws_stand_in(change: Change = bytes) -> Iterator[Aws]:
    """An empty account.

    Args:
        change: what is done to each answer.
    """
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - slow to import
        DomainDispatcherApplication,
        create_backend_app,
    )

    moto, memory = DomainDispatcherApplication(create_backend_app), Memory()

    def stand_in(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        response = memory.answer(Request(environ), moto)
        response.set_data(change(response.get_data()))
        return response(environ, start_response)

    server = make_server("127.0.0.1", 0, stand_in, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.port}"
    httpx2.post(f"{address}/moto-api/reset")
    try:
        yield Aws({"AWS_ENDPOINT_URL": address, "AWS_REGION": REGION, **KEYS}, memory.asked)
    finally:
        server.shutdown()
        server.server_close()
