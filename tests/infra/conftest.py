"""A Docker engine for the tests, an image that is built on it once, and a platform that is applied once.

Tests that use them belong to the groups `docker` and `terraform`, so that one worker has them all:
`pytest.mark.xdist_group("docker")`.
"""

import json
import os
import secrets
from collections.abc import Iterator

import pytest
from support.demo_bundle import write_demo_bundle
from support.images import Built, Engine
from support.platforms import Platform, applied_platform
from support.processes import succeed

from churn.errors import ImageError
from churn.image.building import BASE_IMAGE
from churn.image.docker import docker


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine that answers; the test is skipped where there is none, or no base image on it."""
    base = os.environ.get("BASE_IMAGE", BASE_IMAGE)
    try:
        networks = docker("network", "ls", "--format", "{{.Name}}").splitlines()
    except ImageError as error:
        pytest.skip(error.message)
    try:
        docker("image", "inspect", base)
    except ImageError:
        pytest.skip(f"there is no base image {base}; `scripts/test --infra` gets one")
    # Where there is no bridge to build in, and where a proxy needs its own authority.
    network = [] if "bridge" in networks else ["--network", "host"]
    authority = [f"--ca-file={os.environ['SSL_CERT_FILE']}"] if os.environ.get("SSL_CERT_FILE") else []
    return Engine(base, ("--base-image", base, *network, *authority))


@pytest.fixture(scope="session")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The service's image of a small demo bundle, v0.0.2; removed at the end."""
    folder = tmp_path_factory.mktemp("image")
    bundle = folder / "bundle"
    write_demo_bundle(bundle)
    repository = f"churn-tests-{secrets.token_hex(4)}/streamflow-churn-api"  # who else uses the engine has another
    options = ("--repository", repository, "--out", str(folder), "--json", *engine.build_options)
    said = json.loads(succeed(folder, "image", "build", bundle, *options))
    yield Built(said["reference"], bundle, said)
    docker("image", "rm", "--force", said["reference"])


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Production at a stand-in for AWS. test_terraform_apply.py destroys it at its end."""
    with applied_platform(tmp_path_factory.mktemp("apply")) as applied:
        yield applied
