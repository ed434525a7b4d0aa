"""An image into a registry, with a login that leaves nothing behind."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from churn.errors import ReleaseError
from churn.image.building import Image
from churn.image.docker import docker
from churn.release.aws import Login


def push_image(image: Image, address: str, login: Login, *, shown: bool) -> str:
    """Push an image under its tag to a repository at `address`, and return its digest, such as `sha256:...`.

    Args:
        shown: Docker tells its progress on standard error.

    Raises:
        ImageError: Docker cannot log in, or the registry refuses.
    """
    remote = f"{address}:{tag_from_image(image)}"
    with _log_in(login) as environment:
        docker("tag", image.id, remote)
        docker("push", remote, shown=shown, environment=environment)
    return read_digest(image, address)


def read_digest(image: Image, address: str) -> str:
    """Read the digest of an image in a repository. Raise ReleaseError if it was not pushed there from here."""
    digests: list[str] = json.loads(docker("image", "inspect", "--format", "{{json .RepoDigests}}", image.id)) or []
    for entry in digests:
        name, _, digest = entry.partition("@")
        if name == address:
            return digest
    raise ReleaseError(f"{address} does not say under which digest it has {image.reference}", instead="try again")


def tag_from_image(image: Image) -> str:
    """Return an image's tag, which is the model's version."""
    return image.reference.rpartition(":")[2]


@contextmanager
def _log_in(login: Login) -> Iterator[Mapping[str, str]]:
    """Yield the environment of a `docker` that is logged in; no command line holds the login, and it does not last."""
    # A configuration of its own knows no contexts, so the engine that is used must be named.
    engine = docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    with tempfile.TemporaryDirectory(prefix="churn-login-") as folder:
        environment = {"DOCKER_CONFIG": folder, "DOCKER_HOST": engine}
        docker(
            *("login", "--username", login.user, "--password-stdin", login.server),
            stdin=login.password,
            environment=environment,
        )
        yield environment
