"""Hostile answers of AWS: to a rollout's load balancer and cluster, to a release, and to the log's bucket."""

import base64
import json
import random
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from benchmarks.attack.hostile_stores import (
    PATIENCE_S,
    Operations,
    Request,
    attack_operations,
    environment,
    running,
)
from benchmarks.attack.summary import Summary
from churn.errors import ExitCode
from churn.prediction_log.segments import list_segments, open_store
from churn.release.aws import Aws, replace_image
from churn.rollout.fleets.ecs import Ecs
from churn.rollout.routers.alb import LoadBalancer
from churn.rollout.routers.router import TRACKS

REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": REGION}
LIMIT_S = 300.0
MOST_MB = 1500
OPERATIONS_FOR_A_COMMAND = 25
ARN = f"arn:aws:ecs:{REGION}:1"
FAMILY = "api"
NAMES = {"stable": "api", "canary": "api-canary"}
DEFINITION = {
    "taskDefinitionArn": f"{ARN}:task-definition/{FAMILY}:1",
    "family": FAMILY,
    "containerDefinitions": [
        {"name": "api", "image": "r/api@sha256:1", "environment": [{"name": "MODEL_VERSION", "value": "v2"}]}
    ],
}
SEGMENT = "2026-01-01/20260101T000000.000000Z_20260101T000001.000000Z_1_a-1_00000000.parquet"


def attack(count: int, seed: int, home: Path) -> Summary:
    """Have AWS answer wrongly to so many calls of the project's own classes, and to some commands."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    with running(chance, answer) as store:
        own = {**KEYS, "AWS_ENDPOINT_URL": store.address, "AWS_ALLOW_HTTP": "true", "AWS_EC2_METADATA_DISABLED": "true"}
        with environment(**own):
            faults, figures = attack_operations(store, _list_operations(), count, chance, limit_s=LIMIT_S)
            commands = max(2, int(figures["tried"]) // OPERATIONS_FOR_A_COMMAND)
            for _ in range(commands):
                wrong = store.attack_next()
                if fault := _list_predictions(home):
                    faults[f"{fault}; {wrong}"] += 1
            store.relent()
    if figures["largest_process_mb"] > MOST_MB:
        faults[f"this process took {figures['largest_process_mb']} MB"] += 1
    tried = int(figures.pop("tried")) + commands
    return Summary("aws", tried, tuple(f"{fault} (seed {seed})" for fault in faults)[:10], figures)


def _list_operations() -> Operations:
    router, fleet, aws = LoadBalancer(f"{ARN}:listener/1"), Ecs("churn"), Aws()
    log = open_store("s3://bucket/log")
    return {
        "read the weight": router.read_weight,
        "set the weight": lambda: router.set_weight(10),
        "ask for health": lambda: [router.is_healthy(track) for track in TRACKS],
        "start the canary": lambda: fleet.start_canary(50),
        "replace stable": lambda: fleet.replace_stable("v2"),
        "stop the canary": fleet.stop_canary,
        "find addresses": fleet.find_addresses,
        "who releases": aws.identify_caller,
        "find the repository": lambda: aws.find_repository("api"),
        "find the image": lambda: aws.find_image("api", "v2"),
        "log in": aws.log_in,
        "register": lambda: aws.register_definition(
            replace_image(aws.find_definition(FAMILY), "r/api", "v2"), {"model-version": "v2"}
        ),
        "list segments": lambda: list_segments(log),
        "read a segment": lambda: log.read(SEGMENT),
        "write a segment": lambda: log.write(SEGMENT, b"PAR1"),
        "remove a segment": lambda: log.delete(SEGMENT),
    }


def _list_predictions(home: Path) -> str:
    """Run `churn predictions list` on the bucket. Return what it broke; empty if nothing."""
    with environment(CHURN_HOME=str(home), PREDICTION_LOG="s3://bucket/log"):
        command = [sys.executable, "-m", "churn", "predictions", "list"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            return f"churn predictions list: not over in {PATIENCE_S:.0f} s"
    promised = {ExitCode.DONE, ExitCode.FAILED, ExitCode.INVALID_DATA}
    if done.returncode in promised and "Traceback" not in done.stderr:
        return ""
    return f"churn predictions list: exit code {done.returncode}, {done.stderr[-200:]}"


def answer(request: Request) -> bytes:
    """Answer as AWS does, of one cluster, one load balancer, one repository and one bucket."""
    action = request.headers.get("x-amz-target", "").rpartition(".")[2]
    if action:
        return json.dumps(_answer_json(action, json.loads(request.body or b"{}"))).encode()
    asked = parse_qs(request.body.decode(errors="replace"))
    if "Action" in asked:
        action = asked["Action"][0]
        inner = QUERY_ANSWERS.get(action, "")
        return f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>".encode()
    if request.method == "GET" and "list-type" in urlsplit(request.path).query:
        listed = f"<Contents><Key>log/{SEGMENT}</Key><Size>4</Size><ETag>a</ETag>"
        listed += "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{listed}</ListBucketResult>".encode()
    if request.method == "POST":
        return f"<DeleteResult><Deleted><Key>log/{SEGMENT}</Key></Deleted></DeleteResult>".encode()
    return b"PAR1" if request.method == "GET" else b""


def _answer_json(action: str, asked: dict[str, object]) -> object:
    named = str(asked.get("serviceName") or asked.get("service") or "api").rpartition("/")[2]
    repository = {"repositoryUri": "1.dkr/api", "imageTagMutability": "IMMUTABLE", "repositoryName": "api"}
    image = {"imageId": {"imageDigest": "sha256:1"}, "imageManifest": '{"config": {"digest": "sha256:2"}}'}
    details = [{"name": "privateIPv4Address", "value": "10.0.0.7"}]
    task = {"taskArn": f"{ARN}:task/1", "lastStatus": "RUNNING", "attachments": [{"details": details}]}
    token = {"authorizationToken": base64.b64encode(b"AWS:x").decode(), "proxyEndpoint": "https://1.dkr"}
    answers: dict[str, object] = {
        "ListServices": {"serviceArns": [f"{ARN}:service/churn/{name}" for name in NAMES.values()]},
        "DescribeServices": {"services": [_describe_service(name) for name in NAMES.values()]},
        "UpdateService": {"service": _describe_service(named)},
        "ListTasks": {"taskArns": [f"{ARN}:task/1"]},
        "DescribeTasks": {"tasks": [task]},
        "DescribeTaskDefinition": {"taskDefinition": DEFINITION},
        "RegisterTaskDefinition": {"taskDefinition": DEFINITION},
        "DescribeRepositories": {"repositories": [repository]},
        "BatchGetImage": {"images": [image]},
        "GetAuthorizationToken": {"authorizationData": [token]},
    }
    return answers.get(action, {})


def _describe_service(name: str) -> dict[str, object]:
    definition = DEFINITION["taskDefinitionArn"]
    deployment = {"status": "PRIMARY", "runningCount": 2, "rolloutState": "COMPLETED", "taskDefinition": definition}
    return {
        "serviceName": name,
        "desiredCount": 2,
        "runningCount": 2,
        "taskDefinition": definition,
        "deployments": [deployment],
        "loadBalancers": [{"containerPort": 8000}],
    }


def _write_members(name: str, members: list[str]) -> str:
    return f"<{name}>{''.join(f'<member>{member}</member>' for member in members)}</{name}>"


def _answer_listener() -> str:
    groups = [f"<TargetGroupArn>arn:{track}</TargetGroupArn><Weight>50</Weight>" for track in TRACKS]
    action = f"<Type>forward</Type><ForwardConfig>{_write_members('TargetGroups', groups)}</ForwardConfig>"
    listener = f"<ListenerArn>{ARN}</ListenerArn>{_write_members('DefaultActions', [action])}"
    return _write_members("Listeners", [listener])


QUERY_ANSWERS = {
    "DescribeListeners": _answer_listener(),
    "ModifyListener": _answer_listener(),
    "DescribeTargetGroups": _write_members(
        "TargetGroups",
        [
            f"<TargetGroupArn>arn:{track}</TargetGroupArn><TargetGroupName>api-{track}</TargetGroupName>"
            for track in TRACKS
        ],
    ),
    "DescribeTargetHealth": _write_members(
        "TargetHealthDescriptions", ["<TargetHealth><State>healthy</State></TargetHealth>"]
    ),
    "GetCallerIdentity": "<Arn>arn:aws:sts::1:assumed-role/a</Arn>",
}
