"""`churn release` as its user runs it: a real engine and a real registry of images; AWS by a stand-in (moto)."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.aws_stand_in import aws_stand_in
from support.demo_bundle import write_demo_bundle
from support.images import Engine
from support.processes import Done, churn, free_port

from churn.businesses import find_contract
from churn.explain.xgb import XgboostModel, load_booster
from churn.image.docker import docker
from churn.model.manifest import MODEL
from churn.training.registry import Registry
from churn.training.versions import RunRecord

pytestmark = [
    pytest.mark.xdist_group("docker"),
    # MLflow warns of its own type hints and its own future, and what it imports does too.
    *(pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("UserWarning", "FutureWarning", "DeprecationWarning")),
]

VERSION, UNFIT = "v0.0.2", "v0.0.3"
REPOSITORY, FAMILY = "streamflow-churn-api", "streamflow-churn-api-canary"
AT_AWS = b"123456789012.dkr.ecr.us-east-1.amazonaws.com"
PATIENCE_S = 30
KEPT = {"name": "OFFER_POLICY", "value": "/policy.toml"}


@pytest.fixture(scope="module")
def image_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real registry of images on this machine: its address."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("there is no `docker-registry` here to push to; Debian has it under that name")
    folder, address = tmp_path_factory.mktemp("registry"), f"127.0.0.1:{free_port()}"
    configuration = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
        "http": {"addr": address},
    }
    (folder / "registry.yml").write_text(json.dumps(configuration))  # JSON is YAML
    process = subprocess.Popen([program, "serve", folder / "registry.yml"], stderr=subprocess.DEVNULL)
    with httpx2.Client(transport=httpx2.HTTPTransport(retries=10)) as client:
        assert client.get(f"http://{address}/v2/", timeout=PATIENCE_S).status_code == 200
    yield address
    for image in docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").splitlines():
        if image.startswith((address, f"{REPOSITORY}:{VERSION}")):
            docker("image", "rm", image)
    process.terminate()
    process.wait(PATIENCE_S)


@dataclass(frozen=True)
class Aws:
    """The stand-in: what to set to reach it, and clients that do."""

    environment: dict[str, str]
    ecs: Any
    ecr: Any


@pytest.fixture
def aws(image_registry: str) -> Iterator[Aws]:
    """An account with the repository and the family of task definitions, whose images go to the registry here."""
    with aws_stand_in(lambda answer: answer.replace(AT_AWS, image_registry.encode())) as account:
        ecs, ecr = account.client("ecs"), account.client("ecr")
        ecr.create_repository(repositoryName=REPOSITORY, imageTagMutability="IMMUTABLE")
        ecs.register_task_definition(
            family=FAMILY,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="1024",
            memory="2048",
            executionRoleArn="arn:aws:iam::123456789012:role/execution",
            containerDefinitions=[
                {"name": "service", "image": "before", "environment": [KEPT, {"name": "MODEL_VERSION", "value": "v0"}]},
                {"name": "sidecar", "image": "other", "essential": False},
            ],
        )
        yield Aws(account.environment, ecs, ecr)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose registry has a champion, and a version of which nothing can be measured."""
    folder = tmp_path_factory.mktemp("release")
    write_demo_bundle(folder / "bundle")
    booster = load_booster(folder / "bundle" / MODEL)
    contract = find_contract("streamflow")
    registry = Registry(folder / "home")
    for version in (VERSION, UNFIT):
        tags = {
            "model_version": version,
            "contract": contract.contract_name,
            "contract_fingerprint": contract.fingerprint,
        }
        info = registry.register(contract, XgboostModel(booster), RunRecord(params={}, metrics={}, tags=tags, files={}))
        if version == VERSION:
            registry.promote(info, {})
    return folder / "home"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is tested, with all of it committed."""
    folder = tmp_path_factory.mktemp("checkout") / "clone"
    here = Path(__file__).parents[2]
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run([*git, "clone", "--quiet", here, folder], check=True)
    changed = subprocess.run([*git, "diff", "HEAD", "--binary"], cwd=here, capture_output=True, check=True).stdout
    if changed:
        subprocess.run([*git, "apply", "--index"], cwd=folder, input=changed, check=True)
        subprocess.run([*git, "commit", "--quiet", "--no-verify", "--message", "changed"], cwd=folder, check=True)
    return folder


@pytest.fixture
def release(aws: Aws, home: Path, checkout: Path, engine: Engine) -> Callable[..., Done]:
    """Runs `churn release`."""

    def run(*arguments: str, **environment: str) -> Done:
        options = [*engine.build_options, "--source", str(checkout)]
        return churn(home, "release", *arguments, *options, **aws.environment, **environment)

    return run


def latest(aws: Aws) -> dict[str, Any]:
    found: dict[str, Any] = aws.ecs.describe_task_definition(taskDefinition=FAMILY, include=["TAGS"])
    return found


def test_a_version_becomes_a_pushed_image_and_a_task_definition_that_names_it_by_its_digest(
    release: Callable[..., Done], aws: Aws, home: Path, image_registry: str
) -> None:
    done = release(VERSION, "--yes", "--json", "--override", "--reason", "the tests run on any day: <now>")
    assert done.code == 0, done.err
    record = json.loads(done.out)

    definition = latest(aws)["taskDefinition"]
    service, sidecar = definition["containerDefinitions"]
    digest = record["image"]["digest"]
    assert service["image"] == record["image"]["address"] == f"{image_registry}/{REPOSITORY}@{digest}"
    assert service["environment"] == [KEPT, {"name": "MODEL_VERSION", "value": VERSION}]
    assert sidecar["image"] == "other"
    assert (definition["cpu"], definition["memory"]) == ("1024", "2048")
    assert record["task_definitions"] == [definition["taskDefinitionArn"]]
    assert definition["revision"] == 2
    tags = {tag["key"]: tag["value"] for tag in latest(aws)["tags"]}
    assert tags == {"model-version": VERSION, "release-override": "the tests run on any day:  now "}

    # What was pushed is there for whoever pulls it, and is what was tried.
    docker("image", "rm", "--force", record["image"]["id"])
    docker("pull", "--quiet", record["image"]["address"])
    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", record["image"]["address"]))
    assert labels["org.opencontainers.image.version"] == VERSION
    assert labels == record["image"]["labels"]
    docker("image", "rm", "--force", record["image"]["address"])

    assert record["window"]["override"] == "the tests run on any day: <now>"
    (written,) = (home / "releases").glob(f"{VERSION}-*.json")
    assert json.loads(written.read_text()) == record
    versions = Registry(home).list_versions("streamflow-churn-predictor")
    released = next(info for info in versions if info.tags["model_version"] == VERSION)
    assert released.tags["released_digest"] == digest
    assert released.tags["released_override"] == "the tests run on any day: <now>"
    assert list((home / "images").glob("*.cdx.json"))


def test_what_is_there_already_is_not_pushed_again_and_another_image_never_takes_its_tag(
    release: Callable[..., Done], aws: Aws
) -> None:
    def pretend(identity: str) -> str:
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        manifest = {"schemaVersion": 2, "mediaType": kind, "config": {"digest": identity}}
        put = aws.ecr.put_image(repositoryName=REPOSITORY, imageManifest=json.dumps(manifest), imageTag=VERSION)
        digest: str = put["image"]["imageId"]["imageDigest"]
        return digest

    built = json.loads(release(VERSION, "--yes", "--json", "--override", "--reason", "a test").out)["image"]["id"]
    digest = pretend(built)
    again = release(VERSION, "--yes", "--json", "--override", "--reason", "a test")
    assert again.code == 0, again.err
    assert json.loads(again.out)["image"]["digest"] == digest
    assert "has this image already" in again.err

    aws.ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": VERSION}])
    pretend("sha256:" + "0" * 64)
    before = latest(aws)["taskDefinition"]["revision"]
    other = release(VERSION, "--yes", "--override", "--reason", "a test")
    assert other.code == 8
    assert f"has another image as {VERSION}, and a tag is never overwritten" in other.err
    assert latest(aws)["taskDefinition"]["revision"] == before

    anew = release(VERSION, "--yes", "--json", "--override", "--reason", "a test", "--rebuild", "2")
    assert anew.code == 0, anew.err
    assert json.loads(anew.out)["image"]["reference"] == f"{REPOSITORY}:{VERSION}-2"
    assert {"name": "MODEL_VERSION", "value": VERSION} in latest(aws)["taskDefinition"]["containerDefinitions"][0][
        "environment"
    ]


def test_outside_the_window_it_refuses_and_says_when_to_come_back(release: Callable[..., Done], aws: Aws) -> None:
    today = datetime.now(UTC).date()
    free = ",".join(str(today + timedelta(days=ahead)) for ahead in (-1, 0, 1))
    done = release(VERSION, "--yes", RELEASE_HOLIDAYS=free)
    assert done.code == 6
    assert "is a holiday: RELEASE_HOLIDAYS names it" in done.err
    assert "wait until " in done.err
    assert latest(aws)["taskDefinition"]["revision"] == 1


def test_a_dry_run_says_every_step_and_asks_nobody(home: Path) -> None:
    unreachable = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "DOCKER_HOST": "unix:///nowhere"}
    done = churn(home, "release", VERSION, "--dry-run", "--json", **unreachable)
    assert done.code == 0, done.err
    steps = [step["step"] for step in json.loads(done.out)]
    assert steps == [
        "window", "gates", "account", "export", "build", "try", "sign-off", "log in", "push", "register", "record",
    ]  # fmt: skip


def test_a_version_that_fails_a_gate_and_is_not_champion_is_refused(release: Callable[..., Done]) -> None:
    done = release(UNFIT, "--yes", "--override", "--reason", "a test")
    assert done.code == 6
    assert "nothing was measured on a holdout" in done.err


def test_changes_that_are_not_committed_are_not_released(release: Callable[..., Done], checkout: Path) -> None:
    readme = checkout / "README.md"
    before = readme.read_text()
    readme.write_text("changed")
    try:
        done = release(VERSION, "--yes", "--override", "--reason", "a test")
    finally:
        readme.write_text(before)
    assert done.code == 7
    assert "not committed" in done.err


def test_without_a_sign_off_nothing_is_built(release: Callable[..., Done]) -> None:
    done = release(VERSION, "--override", "--reason", "a test")
    assert done.code == 2
    assert "there is nobody to ask" in done.err


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda aws: aws.ecr.delete_repository(repositoryName=REPOSITORY), "find the image repository"),
        (
            lambda aws: aws.ecr.put_image_tag_mutability(repositoryName=REPOSITORY, imageTagMutability="MUTABLE"),
            "lets a tag be overwritten",
        ),
    ],
    ids=["no repository", "tags that can be overwritten"],
)
def test_what_is_missing_at_aws_is_a_sentence_before_anything_is_built(
    release: Callable[..., Done], aws: Aws, spoil: Callable[[Aws], None], said: str
) -> None:
    spoil(aws)
    done = release(VERSION, "--yes", "--override", "--reason", "a test")
    assert done.code == 8
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_task_definition_that_is_not_there_is_a_sentence_too(release: Callable[..., Done]) -> None:
    done = release(VERSION, "--yes", "--override", "--reason", "a test", "--family", "absent")
    assert done.code == 8
    assert "find the task definition absent" in done.err


def test_without_a_region_or_an_account_it_says_how_to_log_in(home: Path, checkout: Path) -> None:
    nobody = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    options = ["--yes", "--override", "--reason", "a test", "--source", str(checkout)]
    for more in ({}, {"AWS_REGION": "us-east-1"}):
        done = churn(home, "release", VERSION, *options, **nobody, **more)
        assert (done.code, "log in to AWS" in done.err) == (8, True), done.err
