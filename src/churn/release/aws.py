"""AWS, as far as a release needs it: where images are kept, and the task definitions that name them."""

import base64
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from churn.errors import ReleaseError
from churn.release.session import open_aws_client, open_aws_session, translate_aws_errors

# What AWS adds to a task definition when it is registered, and does not take back.
ADDED_BY_AWS = (
    *("taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities"),
    *("registeredAt", "registeredBy", "deregisteredAt"),
)
VERSION_VARIABLE = "MODEL_VERSION"
# A tag's value takes letters, digits, blanks and these, at most 256 of them.
TAG_SIGNS = frozenset("_.:/=+-@ ")
TAG_LENGTH = 256

_translate_errors = functools.partial(translate_aws_errors, kind=ReleaseError, check="account, region and rights")


@dataclass(frozen=True, slots=True)
class Login:
    """What Docker needs to push for twelve hours. The password is in no message and no log."""

    server: str  # the registry's address
    user: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.server!r})"


@dataclass(frozen=True, slots=True)
class PushedImage:
    """An image that a repository has."""

    digest: str  # the repository's name for it, such as `sha256:...`
    # What an engine may call the same image: as its store is, the digest of manifest or configuration.
    ids: frozenset[str | None]


class Aws:
    """One account and region. Both come from where AWS's own tools take them: AWS_PROFILE, AWS_REGION, a role."""

    def __init__(self) -> None:
        with _translate_errors("reach AWS"):
            self.region = open_aws_session().region_name
            services = ("ecr", "ecs", "sts")
            self._ecr, self._ecs, self._sts = (open_aws_client(name, connect_s=5, read_s=30) for name in services)

    def identify_caller(self) -> str:
        """Ask AWS who releases."""
        with _translate_errors("ask who is logged in"):
            return str(self._sts.get_caller_identity()["Arn"])

    def find_repository(self, name: str) -> str:
        """Find a repository's address. A missing one, or one that lets a tag be overwritten, raises ReleaseError."""
        with _translate_errors(f"find the image repository {name}"):
            (found,) = self._ecr.describe_repositories(repositoryNames=[name])["repositories"]
            address, mutability = str(found["repositoryUri"]), found["imageTagMutability"]
        if mutability != "IMMUTABLE":
            raise ReleaseError(
                f"the repository {name} lets a tag be overwritten, so nobody could say what a version is",
                instead="make its tags immutable, as the Terraform module `registry` does",
            )
        return address

    def find_image(self, repository: str, tag: str) -> PushedImage | None:
        """Find the image that a repository has under a tag; None if it has none."""
        with _translate_errors(f"look for {repository}:{tag}"):
            answer = self._ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}])
            for image in answer["images"]:
                configuration = json.loads(image["imageManifest"]).get("config", {}).get("digest")
                digest = image["imageId"]["imageDigest"]
                return PushedImage(digest, frozenset({digest, configuration}))
        return None

    def log_in(self) -> Login:
        """Get a login to the account's registry."""
        with _translate_errors("log in to the registry"):
            (login,) = self._ecr.get_authorization_token()["authorizationData"]
            user, _, password = base64.b64decode(login["authorizationToken"]).decode().partition(":")
            return Login(login["proxyEndpoint"], user, password)

    def find_definition(self, name: str) -> dict[str, Any]:
        """Find a task definition by its ARN, or the latest one of a family. Raise ReleaseError if there is none."""
        with _translate_errors(f"find the task definition {name}"):
            definition: dict[str, Any] = self._ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]
            return definition

    def register_definition(self, definition: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        """Register a task definition and gives its ARN. Nothing runs it yet."""
        with _translate_errors(f"register a task definition in {definition['family']}"):
            done = self._ecs.register_task_definition(
                **definition, tags=[{"key": key, "value": clean_tag_value(value)} for key, value in tags.items()]
            )
            return str(done["taskDefinition"]["taskDefinitionArn"])


@_translate_errors("read the task definition")
def replace_image(definition: Mapping[str, Any], image: str, version: str) -> dict[str, Any]:
    """Return a task definition with another image, and with the version that the image must have.

    All else stays as it was: CPU, memory, roles, log group, variables.

    Args:
        definition: as `Aws.find_definition` gives it.
        image: by digest, so that the same bytes run in every task.
        version: of the model; the service refuses to start if its bundle has another.

    Raises:
        ReleaseError: not exactly one of its containers is essential, so it cannot be told which serves.
    """
    containers = [dict(item) for item in definition["containerDefinitions"]]
    container = _find_essential(containers, definition["family"])
    variables = [item for item in container.get("environment", []) if item["name"] != VERSION_VARIABLE]
    container["image"] = image
    container["environment"] = [*variables, {"name": VERSION_VARIABLE, "value": version}]
    writable = {name: value for name, value in definition.items() if name not in ADDED_BY_AWS}
    return writable | {"containerDefinitions": containers}


@_translate_errors("read the task definition")
def read_served_image(definition: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return which image a task definition runs, and which version that must have; None if any.

    Raises:
        ReleaseError: not exactly one of its containers is essential.
    """
    container = _find_essential(definition["containerDefinitions"], definition["family"])
    variables = {variable["name"]: variable["value"] for variable in container.get("environment", [])}
    return container["image"], variables.get(VERSION_VARIABLE)


def _find_essential[Container: Mapping[str, Any]](containers: Sequence[Container], family: str) -> Container:
    """Find the container that serves."""
    essential = [container for container in containers if container.get("essential", True)]
    if len(essential) != 1:
        names = ", ".join(container["name"] for container in essential)
        raise ReleaseError(
            f"the task definition {family} has {len(essential)} essential containers: {names or 'none'}",
            instead="mark only the one that serves as essential",
        )
    return essential[0]


def clean_tag_value(text: str) -> str:
    """Replace signs that AWS does not take in a tag's value by blanks, and cut the text."""
    return "".join(sign if sign.isalnum() or sign in TAG_SIGNS else " " for sign in text)[:TAG_LENGTH]
