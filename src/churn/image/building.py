"""Builds an image of a bundle."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from churn.errors import SettingsError
from churn.image.docker import docker, require_engine
from churn.image.source import DOCKERFILE, Checkout, find_checkout, stage_context
from churn.model.bundle import Bundle, load_bundle
from churn.model.signing import SIGNATURE

REPOSITORY = "streamflow-churn-api"
BASE_IMAGE = "python:3.13-slim"
MEGABYTE = 1_000_000
# The Dockerfile's last stage copies each layer from a folder that bears its name.
COPIED = re.compile(r"COPY /layers/(\w+)/ /")


class Layer(NamedTuple):
    """A layer and how many bytes its files have."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Image:
    """An image that the engine has."""

    reference: str  # its name and tag
    id: str  # the engine's own name for it, such as `sha256:...`
    size: int  # bytes of all layers
    labels: Mapping[str, str]  # what it says of itself
    layers: tuple[Layer, ...]  # what takes the space, the base first


def build_image(
    bundle_path: Path,
    *,
    source: Path | None = None,
    repository: str = REPOSITORY,
    base_image: str = BASE_IMAGE,
    network: str | None = None,
    ca_file: Path | None = None,
    rebuild: int | None = None,
    cache: bool = True,
    shown: bool = False,
) -> Image:
    """Build the image that serves a bundle, tagged with the model's version.

    Args:
        source: the checkout to build of; the one that the working directory lies in if not given.
        repository: the image's name without a tag; may begin with a registry.
        base_image: a Python image, by tag or, better, by digest.
        network: the builder's network, as `docker build --network` takes it; Docker's own choice if not given.
        ca_file: certificates (PEM) to believe beside a proxy that opens TLS; they do not get into the image.
        rebuild: the number of a later image of the same version, such as of a newer base; `-N` behind the tag.
        cache: whether what was built before may be used again.
        shown: whether Docker tells its progress on standard error.

    Raises:
        BundleError: the bundle cannot be served.
        SettingsError: there is no such file of certificates.
        ImageError: no checkout, no Docker, or a build that failed.
    """
    bundle = load_bundle(bundle_path)
    if ca_file and not ca_file.is_file():
        raise SettingsError(f"there is no file of certificates at {ca_file}", instead="give a PEM file with --ca-file")
    checkout = find_checkout(source)
    require_engine()
    reference = f"{repository}:{bundle.manifest.model_version}" + (f"-{rebuild}" if rebuild else "")
    options = [
        *(["--network", network] if network else []),
        *(["--secret", f"id=ca,src={ca_file}"] if ca_file else []),
        *([] if cache else ["--no-cache"]),
    ]
    arguments = arguments_from_bundle(bundle, checkout, base_image)
    with stage_context(checkout, bundle) as context:
        docker(
            "build",
            *("--tag", reference, "--file", str(context / DOCKERFILE), "--target", "service"),
            *(word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")),
            *options,
            str(context),
            shown=shown,
        )
    return inspect_image(reference)


def arguments_from_bundle(bundle: Bundle, source: Checkout, base_image: str) -> dict[str, str]:
    """Return the Dockerfile's arguments by name. All follow from bundle, checkout and base, none from the clock."""
    manifest = bundle.manifest
    return {
        "BASE_IMAGE": base_image,
        "EXTRAS": " ".join(
            ["tracing"]
            + (["signing"] if SIGNATURE in bundle.files else [])
            + (["xgboost"] if manifest.explainer != "tables" else [])
        ),
        "SOURCE_DATE_EPOCH": str(source.committed_s),
        "VERSION": manifest.model_version,
        "REVISION": source.revision,
        "CREATED": source.created,
        "BUNDLE_SHA256": bundle.sha256,
        "CONTRACT_FINGERPRINT": manifest.contract_fingerprint,
    }


def inspect_image(reference: str) -> Image:
    """Ask the engine about an image. Raise ImageError if it has no such image, or there is no engine."""
    (image,) = json.loads(docker("image", "inspect", reference))
    return Image(reference, image["Id"], image["Size"], image["Config"]["Labels"] or {}, tuple(list_layers(reference)))


def list_layers(reference: str) -> list[Layer]:
    """List the layers of an image: first `base`, all that the base image has, then ours in the order of their making.

    No such image, or no engine, raises ImageError.
    """
    return layers_from_history(docker("history", "--no-trunc", "--human=false", "--format", "{{json .}}", reference))


def layers_from_history(history: str) -> list[Layer]:
    """Read the layers from what `docker history` prints: one JSON object a line, newest first."""
    layers, base = [], 0
    for line in map(json.loads, history.splitlines()):
        if copied := COPIED.search(line["CreatedBy"]):
            layers.append(Layer(copied[1], int(line["Size"])))
        else:
            base += int(line["Size"])
    return [Layer("base", base), *reversed(layers)]


def bytes_above_base(layers: Sequence[Layer]) -> int:
    """Add up the bytes that an image adds to its base."""
    return sum(layer.size for layer in layers if layer.name != "base")
