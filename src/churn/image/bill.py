"""An image's bill of materials, in CycloneDX: all Python and Debian packages, and the model.

It is read from the image itself, not from the lock file: what is listed is what is there.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

from churn.files import json_bytes, write_bytes
from churn.image.building import Image
from churn.image.docker import docker
from churn.image.inventory import Package

PYTHON = "/opt/churn/bin/python"


def write_bill(image: Image, folder: Path) -> Path:
    """Writes the bill as NAME-VERSION.cdx.json into a folder and gives its path.

    Raises:
        ImageError: the image cannot be run.
    """
    listed = docker(
        *("run", "--rm", "--network", "none", "--read-only", "--entrypoint", PYTHON),
        *(image.id, "-m", "churn.image.inventory"),
    )
    path = folder / f"{short_name(image)}.cdx.json"
    write_bytes(path, json_bytes(bill(image, **json.loads(listed))))
    return path


def short_name(image: Image) -> str:
    """The image's name without a registry, its version behind a hyphen: a name for files."""
    return image.reference.rpartition("/")[2].replace(":", "-")


def bill(image: Image, python: list[Package], debian: list[Package]) -> dict[str, Any]:
    """The bill as CycloneDX 1.6; the same image has the same bill."""
    name, _, version = image.reference.rpartition(":")
    labels = image.labels
    model = {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": "bundle",
        "version": labels["org.opencontainers.image.version"],
        "hashes": [{"alg": "SHA-256", "content": labels["streamflow.bundle.sha256"]}],
    }
    components = [
        model,
        *(_component(f"pkg:pypi/{_part(each['name'])}@{_part(each['version'])}", each) for each in python),
        *(
            _component(
                f"pkg:deb/debian/{_part(each['name'])}@{_part(each['version'])}?arch={each['architecture']}", each
            )
            for each in debian
        ),
    ]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([image.reference, components])).urn,
        "version": 1,
        "metadata": {
            "timestamp": labels["org.opencontainers.image.created"],
            "component": {"type": "container", "bom-ref": "image", "name": name, "version": version},
        },
        "components": components,
    }


def _component(purl: str, package: Package) -> dict[str, Any]:
    licence = {"licenses": [{"expression": package["licence"]}]} if package["licence"] else {}
    named = {"name": package["name"], "version": package["version"]}
    return {"type": "library", "bom-ref": purl, **named, "purl": purl, **licence}


def _part(text: str) -> str:
    """A part of a package URL, in which only a few characters stand for themselves."""
    return quote(text, safe="")
