"""The prediction log at AWS: a real service puts it by a task's rights, real commands read and erase by the keeper's.

AWS is a stand-in, which enforces actions and resources of roles. See `Aws.enforcing_rights` for what it does not.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx2
import pytest
from botocore.exceptions import ClientError
from support.demo_bundle import write_demo_bundle
from support.examples import EXAMPLE
from support.keys import PORTAL, TWO_CALLERS, bearer
from support.platforms import BUCKET, KEEPER, RETENTION_DAYS, STABLE, STATE, Platform
from support.processes import churn, free_port, serving, succeed

from churn.prediction_log.segments import Segment

pytestmark = pytest.mark.xdist_group("terraform")

LOG = "streamflow-churn-api-predictions-123456789012"
OBJECTS = f"arn:aws:s3:::{LOG}/predictions/*"
SALT = "a-salt-of-enough-letters"
SECRETS = {"PREDICTION_LOG_SALT": SALT, "API_KEYS": TWO_CALLERS}
AGE_DAYS = 4


def statements(platform: Platform, role: str) -> dict[str, dict[str, Any]]:
    """All that a role may do, by name."""
    iam = platform.aws.client("iam")
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    found = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]["Statement"]
    return {item["Sid"]: item for item in (found if isinstance(found, list) else [found])}


def allowed(platform: Platform, role: str) -> dict[str, set[str]]:
    """By name, actions of a role; each statement allows, and names its resources."""
    found = statements(platform, role)
    assert {item["Effect"] for item in found.values()} == {"Allow"}
    return {
        name: {item["Action"]} if isinstance(item["Action"], str) else {*item["Action"]} for name, item in found.items()
    }


@pytest.fixture(scope="module")
def values(platform: Platform) -> dict[str, str]:
    """Values of the secrets, as a person puts them."""
    for name, value in SECRETS.items():
        platform.aws.client("secretsmanager").put_secret_value(
            SecretId=platform.outputs["secret_arns"][name], SecretString=value
        )
    return SECRETS


@pytest.fixture(scope="module")
def environment(platform: Platform, values: dict[str, str]) -> dict[str, str]:
    """What a task's process gets: settings, secrets as ECS reads them, and the task's own role."""
    definition = platform.definition(STABLE)
    (container,) = definition["containerDefinitions"]
    task = platform.aws.assume(definition["taskRoleArn"])
    reader = platform.aws.client("secretsmanager")
    secrets = {
        item["name"]: reader.get_secret_value(SecretId=item["valueFrom"])["SecretString"]
        for item in container["secrets"]
    }
    assert secrets == values
    settings = {item["name"]: item["value"] for item in container["environment"]}
    (mount,) = container["mountPoints"]
    assert (settings.pop("CHURN_HOME"), definition["volumes"][0]["name"]) == (
        mount["containerPath"],
        mount["sourceVolume"],
    )
    return {**settings, **secrets, **platform.aws.environment, **task, "AWS_ALLOW_HTTP": "true"}


@pytest.fixture(scope="module")
def lifted(platform: Platform) -> Iterator[None]:
    """The bucket without its policy: the stand-in takes its condition, no TLS, for always true."""
    s3 = platform.aws.client("s3")
    policy = s3.get_bucket_policy(Bucket=LOG)["Policy"]
    s3.delete_bucket_policy(Bucket=LOG)
    yield
    s3.put_bucket_policy(Bucket=LOG, Policy=policy)


@pytest.fixture(scope="module")
def logged(
    platform: Platform, environment: dict[str, str], lifted: None, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """Objects in the bucket after a service has answered two subscribers and has ended."""
    assert lifted is None
    home = tmp_path_factory.mktemp("task")
    write_demo_bundle(home / "bundle", draws=2000, trees=5)
    own = {"MODEL_PATH": home / "bundle", "WORKERS": 1, "DRAIN_SECONDS": 0}
    with platform.aws.enforcing_rights(), serving(home, "serve", **(environment | own)) as (address, _):
        for key in ("theirs", "ours", "ours"):
            headers = bearer(PORTAL) | {"X-Subscriber-Key": key}
            httpx2.post(f"{address}/predict", json=EXAMPLE, headers=headers).raise_for_status()
        assert httpx2.post(f"{address}/predict", json=EXAMPLE).status_code == 401
    listed = platform.aws.client("s3").list_objects_v2(Bucket=LOG)["Contents"]
    return sorted(item["Key"] for item in listed)


@pytest.fixture(scope="module")
def keeper(platform: Platform) -> Iterator[dict[str, str]]:
    """Credentials of the keeper's role, which the one who is named took."""
    people = {name: hire(platform, name) for name in ("keeper", "somebody")}
    role, iam = platform.outputs["prediction_log"]["keeper_role_arn"], platform.aws.client("iam")
    # Many objects are removed in one request, for which the stand-in asks for the right on the bucket, not on them.
    policy = allow("s3:DeleteObject", f"arn:aws:s3:::{LOG}")
    iam.put_role_policy(RoleName=f"{STABLE}-log-keeper", PolicyName="stand-in", PolicyDocument=policy)
    with platform.aws.enforcing_rights():
        with pytest.raises(ClientError, match="AccessDenied"):
            platform.aws.assume(role, people["somebody"])
        taken = platform.aws.assume(role, people["keeper"])
    yield taken
    iam.delete_role_policy(RoleName=f"{STABLE}-log-keeper", PolicyName="stand-in")
    for name, credentials in people.items():
        iam.delete_access_key(UserName=name, AccessKeyId=credentials["AWS_ACCESS_KEY_ID"])
        iam.delete_user_policy(UserName=name, PolicyName="any-role")
        iam.delete_user(UserName=name)


def allow(action: str, resource: str) -> str:
    """A policy of one right."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def hire(platform: Platform, name: str) -> dict[str, str]:
    """A user who may ask for any role, and gets it where the role trusts them."""
    iam = platform.aws.client("iam")
    assert iam.create_user(UserName=name)["User"]["Arn"] == KEEPER.replace("keeper", name)
    iam.put_user_policy(UserName=name, PolicyName="any-role", PolicyDocument=allow("sts:AssumeRole", "*"))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def test_each_role_may_do_what_it_needs_and_no_more(platform: Platform) -> None:
    assert allowed(platform, f"{STABLE}-task") == {
        "PutPredictions": {"s3:PutObject"},
        "EncryptPredictions": {"kms:GenerateDataKey"},
    }
    assert statements(platform, f"{STABLE}-task")["PutPredictions"]["Resource"] == OBJECTS
    execution = allowed(platform, f"{STABLE}-execution")
    assert (execution["ReadSecrets"], execution["DecryptSecrets"]) == (
        {"secretsmanager:GetSecretValue"},
        {"kms:Decrypt"},
    )
    resources = statements(platform, f"{STABLE}-execution")["ReadSecrets"]["Resource"]
    assert sorted(resources) == sorted(platform.outputs["secret_arns"].values())
    assert allowed(platform, f"{STABLE}-log-keeper") == {
        "List": {"s3:ListBucket"},
        "ReadAndErase": {"s3:DeleteObject", "s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"},
        "UseKey": {"kms:Decrypt", "kms:GenerateDataKey"},
    }
    keeper = statements(platform, f"{STABLE}-log-keeper")
    assert keeper["List"]["Condition"] == {"StringLike": {"s3:prefix": "predictions/*"}}
    assert keeper["ReadAndErase"]["Resource"] == OBJECTS
    for role, name, service in (
        ("task", "EncryptPredictions", "s3"),
        ("log-keeper", "UseKey", "s3"),
        ("execution", "DecryptSecrets", "secretsmanager"),
    ):
        statement = statements(platform, f"{STABLE}-{role}")[name]
        assert statement["Condition"] == {"StringEquals": {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"}}
        assert ":key/" in statement["Resource"]
    iam = platform.aws.client("iam")
    (trust,) = iam.get_role(RoleName=f"{STABLE}-log-keeper")["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert (trust["Action"], trust["Principal"]) == ("sts:AssumeRole", {"AWS": KEEPER})


def test_the_network_lets_predictions_through_to_this_bucket_and_nothing_else_to_s3(platform: Platform) -> None:
    endpoints = platform.aws.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    (s3,) = (item for item in endpoints if item["VpcEndpointType"] == "Gateway")
    found = json.loads(s3["PolicyDocument"])["Statement"]
    assert [(item["Action"], item["Resource"]) for item in found] == [
        ("s3:GetObject", "arn:aws:s3:::prod-us-east-1-starport-layer-bucket/*"),
        (["s3:GetObject", "s3:PutObject"], OBJECTS),
        ("s3:ListBucket", f"arn:aws:s3:::{LOG}"),
    ]


def test_who_carries_rollouts_out_reads_the_log_and_changes_nothing_in_it(platform: Platform) -> None:
    iam, arn = platform.aws.client("iam"), platform.outputs["rollout"]["policy_arn"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    found = {item["Sid"]: item for item in document["Statement"]}
    assert [(found[name]["Action"], found[name]["Resource"]) for name in ("ListLog", "ReadLog")] == [
        ("s3:ListBucket", f"arn:aws:s3:::{LOG}"),
        ("s3:GetObject", OBJECTS),
    ]
    assert found["ListLog"]["Condition"] == {"StringLike": {"s3:prefix": "predictions/*"}}
    assert found["UseKeyOfLog"]["Condition"] == {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    assert [name for name, item in found.items() if str(item["Action"]).startswith("s3:")] == ["ListLog", "ReadLog"]


def test_endpoints_serve_this_account_only(platform: Platform) -> None:
    endpoints = platform.aws.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    condition = {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}
    limited = {
        item["ServiceName"].removeprefix("com.amazonaws.us-east-1.")
        for item in endpoints
        if [statement.get("Condition") for statement in json.loads(item["PolicyDocument"])["Statement"]] == [condition]
    }
    assert limited == {"ecr.api", "logs", "secretsmanager"}


def test_the_bucket_is_encrypted_closed_and_speaks_only_tls(platform: Platform) -> None:
    s3 = platform.aws.client("s3")
    (rule,) = s3.get_bucket_encryption(Bucket=LOG)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert ":key/" in rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    assert set(s3.get_public_access_block(Bucket=LOG)["PublicAccessBlockConfiguration"].values()) == {True}
    (ownership,) = s3.get_bucket_ownership_controls(Bucket=LOG)["OwnershipControls"]["Rules"]
    assert ownership["ObjectOwnership"] == "BucketOwnerEnforced"
    assert "Status" not in s3.get_bucket_versioning(Bucket=LOG)
    (deny,) = json.loads(s3.get_bucket_policy(Bucket=LOG)["Policy"])["Statement"]
    assert (deny["Effect"], deny["Action"], deny["Principal"]) == ("Deny", "s3:*", "*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert sorted(deny["Resource"]) == [f"arn:aws:s3:::{LOG}", f"arn:aws:s3:::{LOG}/*"]


def test_values_of_secrets_stand_neither_in_the_state_nor_in_the_task_definition(
    platform: Platform, values: dict[str, str]
) -> None:
    assert (platform.plan()[0], values) == (0, SECRETS)
    state = platform.aws.client("s3").get_object(Bucket=BUCKET, Key=STATE)["Body"].read().decode()
    assert "secretsmanager" in state
    told = state + json.dumps(platform.definition(STABLE), default=str)
    pieces = (SALT, *re.findall("[0-9a-f]{64}", TWO_CALLERS))
    assert [piece for piece in pieces if piece in told] == []


def test_a_service_puts_its_log_by_the_tasks_rights(logged: list[str]) -> None:
    trial, policy, segment = sorted(logged, key=len)
    assert trial == "predictions/streamflow/trial"
    assert re.fullmatch(r"predictions/streamflow/policies/[0-9a-f]{64}\.toml", policy)
    found = Segment.from_name(segment.removeprefix("predictions/streamflow/"))
    assert found is not None
    assert found.records == 3


def test_the_alarm_hears_a_service_that_cannot_put_its_log(
    platform: Platform, environment: dict[str, str], lifted: None, tmp_path: Path
) -> None:
    assert lifted is None
    write_demo_bundle(tmp_path / "bundle", draws=2000, trees=5)
    elsewhere = {"PREDICTION_LOG": f"s3://{LOG}/elsewhere", "MODEL_PATH": str(tmp_path / "bundle"), "WORKERS": "1"}
    own = os.environ | environment | elsewhere | {"CHURN_HOME": str(tmp_path), "PORT": str(free_port())}
    command = [sys.executable, "-m", "churn", "serve"]
    with (
        platform.aws.enforcing_rights(),
        subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as service,
    ):
        assert service.stdout is not None
        warning = next(line for line in map(json.loads, service.stdout) if line["level"] == "warning")
        service.terminate()
    (found,) = platform.aws.client("logs").describe_metric_filters()["metricFilters"]
    assert found["filterPattern"].startswith('{ $.level = "warning" && (')
    heard = re.findall(r'\$\.event = "(.*?)"', found["filterPattern"])
    assert any(fnmatch(warning["event"], words) for words in heard), warning


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("s3", lambda s3, key: s3.get_object(Bucket=LOG, Key=key)),
        ("s3", lambda s3, key: s3.head_object(Bucket=LOG, Key=key)),
        ("s3", lambda s3, key: s3.delete_object(Bucket=LOG, Key=key)),
        ("s3", lambda s3, _: s3.list_objects_v2(Bucket=LOG)),
        ("s3", lambda s3, _: s3.put_object(Bucket=LOG, Key="elsewhere", Body=b"")),
        ("s3", lambda s3, _: s3.put_object(Bucket=BUCKET, Key=STATE, Body=b"")),
    ],
    ids=["read", "look", "remove", "list", "put elsewhere", "put into another bucket"],
)
def test_who_takes_a_task_over_cannot(
    platform: Platform, environment: dict[str, str], logged: list[str], service: str, call: Any
) -> None:
    client = platform.aws.client(service, environment)
    with platform.aws.enforcing_rights(), pytest.raises(ClientError, match=r"AccessDenied|403"):
        call(client, logged[0])


def test_the_keeper_reads_and_erases_and_what_is_written_anew_lives_no_longer(
    platform: Platform, environment: dict[str, str], logged: list[str], keeper: dict[str, str], tmp_path: Path
) -> None:
    s3 = platform.aws.client("s3")
    own = {**environment, **keeper}
    name = next(key for key in logged if key.endswith(".parquet"))
    found = Segment.from_name(name.removeprefix("predictions/streamflow/"))
    assert found is not None
    # The same, as it would have been made days ago.
    back = timedelta(days=AGE_DAYS)
    earlier = Segment(found.first - back, found.last - back, found.records, "earlier", found.crc32)
    s3.copy_object(Bucket=LOG, Key=f"predictions/streamflow/{earlier.name}", CopySource={"Bucket": LOG, "Key": name})

    with platform.aws.enforcing_rights():
        listed = json.loads(succeed(tmp_path, "predictions", "list", "--json", **own))
        assert [segment["records"] for segment in listed["segments"]] == [3, 3]
        assert len(json.loads(succeed(tmp_path, "predictions", "tail", "--json", **own))) == 6
        export = json.loads(succeed(tmp_path, "subscriber", "export", "ours", "--json", **own))
        assert len(export["predictions"]) == 4
        erased = churn(tmp_path, "subscriber", "erase", "ours", "--json", **own)
        assert json.loads(erased.out)["erased"]["streamflow"]["records"] == 4
        left = json.loads(succeed(tmp_path, "predictions", "list", "--json", **own))["segments"]
        assert [segment["records"] for segment in left] == [1, 1]

    assert [days_left(s3, segment["name"]) for segment in left] == [RETENTION_DAYS - AGE_DAYS, RETENTION_DAYS]


def days_left(s3: Any, name: str) -> int:
    """Days from today after which the first rule of the bucket removes an object."""
    tagging = s3.get_object_tagging(Bucket=LOG, Key=f"predictions/streamflow/{name}")["TagSet"]
    tags = {(tag["Key"], tag["Value"]) for tag in tagging}
    rules = s3.get_bucket_lifecycle_configuration(Bucket=LOG)["Rules"]
    chosen: list[int] = [
        rule["Expiration"]["Days"]
        for rule in rules
        if rule["Status"] == "Enabled" and "Expiration" in rule
        if "predictions/".startswith(rule["Filter"].get("Prefix", "predictions/"))
        if "Tag" not in rule["Filter"] or (rule["Filter"]["Tag"]["Key"], rule["Filter"]["Tag"]["Value"]) in tags
    ]
    return min(chosen)


def test_there_is_a_rule_for_each_number_of_days_that_may_be_left(platform: Platform) -> None:
    rules = platform.aws.client("s3").get_bucket_lifecycle_configuration(Bucket=LOG)["Rules"]
    tagged = {
        int(rule["Filter"]["Tag"]["Value"]): rule["Expiration"]["Days"] for rule in rules if "Tag" in rule["Filter"]
    }
    assert tagged == {days: days for days in range(1, RETENTION_DAYS)}
