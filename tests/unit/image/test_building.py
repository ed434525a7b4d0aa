"""What the Dockerfile is told, what Docker's answers say, and what is said where Docker does not answer."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from support.processes import churn

from churn.errors import ImageError
from churn.image.bill import build_bill, file_name_from_image
from churn.image.building import Image, Layer, arguments_from_bundle, bytes_above_base, layers_from_history
from churn.image.docker import docker
from churn.image.inventory import Package
from churn.image.source import Checkout
from churn.model.bundle import Bundle

SOURCE = Checkout(Path("checkout"), "0123abc", 1_700_000_000)
LABELS = {
    "org.opencontainers.image.version": "v1",
    "org.opencontainers.image.created": SOURCE.created,
    "streamflow.bundle.sha256": "0" * 64,
}
IMAGE = Image("registry.example.org:5000/team/streamflow-churn-api:v1", "sha256:1", 1, LABELS, ())


def program(folder: Path, script: str) -> None:
    """A `docker` that does what the script says."""
    path = folder / "docker"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_nothing_the_dockerfile_is_told_comes_from_the_clock(bundles: dict[str, Bundle]) -> None:
    told = arguments_from_bundle(bundles["streamflow"], SOURCE, "python:3.13-slim@sha256:0")
    assert (told["CREATED"], told["SOURCE_DATE_EPOCH"]) == ("2023-11-14T22:13:20Z", "1700000000")
    assert (told["VERSION"], told["REVISION"]) == ("v0.0.1", "0123abc")
    assert told["BASE_IMAGE"] == "python:3.13-slim@sha256:0"


def test_xgboost_is_installed_only_for_a_bundle_that_it_explains(bundles: dict[str, Bundle]) -> None:
    bundle = bundles["streamflow"]
    without_tables = replace(bundle, manifest=bundle.manifest.model_copy(update={"explainer": "pred_contribs"}))
    assert arguments_from_bundle(bundle, SOURCE, "python")["EXTRAS"] == "tracing"
    assert arguments_from_bundle(without_tables, SOURCE, "python")["EXTRAS"] == "tracing xgboost"


def test_layers_are_read_from_the_history_the_base_first() -> None:
    history = [
        {"CreatedBy": 'CMD ["serve"]', "Size": "0"},
        {"CreatedBy": "COPY /layers/bundle/ / # buildkit", "Size": "3"},
        {"CreatedBy": "COPY /layers/libraries/ / # buildkit", "Size": "200"},
        {"CreatedBy": "RUN of the base", "Size": "40"},
        {"CreatedBy": "COPY of the base", "Size": "1000"},
    ]
    found = layers_from_history("\n".join(map(json.dumps, history)))
    assert found == [Layer("base", 1040), Layer("libraries", 200), Layer("bundle", 3)]
    assert bytes_above_base(found) == 203


def test_the_bill_is_valid_and_the_same_for_the_same_image() -> None:
    numpy = Package("numpy", "2.5.5", "BSD-3-Clause AND MIT")
    library = Package("libstdc++6", "1:14.2.0-19", architecture="amd64")
    text = build_bill(IMAGE, [numpy, library])
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    assert {part["name"]: part.get("purl") for part in bill["components"]} == {
        "bundle": None,
        "numpy": "pkg:pypi/numpy@2.5.5",
        "libstdc++6": "pkg:deb/debian/libstdc%2B%2B6@1:14.2.0-19?arch=amd64",
    }
    assert text == build_bill(IMAGE, [library, numpy])
    assert bill["serialNumber"] != json.loads(build_bill(IMAGE, [numpy]))["serialNumber"]


def test_the_bill_is_called_as_the_image_without_its_registry() -> None:
    assert file_name_from_image(IMAGE) == "streamflow-churn-api-v1"


@pytest.mark.parametrize(
    ("script", "message", "instead"),
    [
        (
            "echo 'Cannot connect to the Docker daemon at x' >&2; exit 1",
            "no Docker engine answers at tcp://x",
            "start it",
        ),
        ("echo 'the buildx component is missing or broken' >&2; exit 1", "it has no BuildKit", "docker-buildx"),
        ("echo one >&2; echo two >&2; exit 1", "`docker build` failed: one\ntwo", "mend what Docker says"),
    ],
)
def test_what_docker_complains_of_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str, instead: str
) -> None:
    program(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("DOCKER_HOST", "tcp://x")
    with pytest.raises(ImageError) as refused:
        docker("build", ".")
    assert message in refused.value.message
    assert instead in refused.value.instead


def test_a_machine_without_docker_is_told_so(tmp_path: Path, bundles: dict[str, Bundle]) -> None:
    done = churn(tmp_path, "image", "build", bundles["streamflow"].path, PATH=tmp_path)
    assert done.code == 7
    assert "there is no command `docker` here" in done.err
    assert "install Docker" in done.err


def test_a_build_away_from_the_checkout_is_told_where_to_go(tmp_path: Path, bundles: dict[str, Bundle]) -> None:
    done = churn(tmp_path, "image", "build", bundles["streamflow"].path, "--source", tmp_path)
    assert done.code == 7
    assert "there is no checkout of the project" in done.err
    assert "--source" in done.err


def test_a_bundle_that_is_none_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    assert churn(tmp_path, "image", "build", tmp_path).code == 4


def test_a_file_of_certificates_that_is_none_is_refused(tmp_path: Path, bundles: dict[str, Bundle]) -> None:
    done = churn(tmp_path, "image", "build", bundles["streamflow"].path, "--ca-file", tmp_path / "none.pem")
    assert done.code == 2
    assert "none.pem" in done.err.replace("\n", "")
