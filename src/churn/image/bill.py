"""An image's bill of materials, in CycloneDX: its Python and Debian packages, and the model.

It is read from the image itself, not from the lock file: what is listed is what is there.
"""

import json
import uuid
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from churn.files import write_bytes
from churn.image.building import Image
from churn.image.docker import docker
from churn.image.inventory import Package

PYTHON = "/opt/churn/bin/python"


def write_bill(image: Image, folder: Path) -> Path:
    """Write the bill as NAME-VERSION.cdx.json and return its path. An image that cannot be run raises ImageError."""
    listed = docker(
        *("run", "--rm", "--network", "none", "--read-only", "--entrypoint", PYTHON),
        *(image.id, "-m", "churn.image.inventory"),
    )
    path = folder / f"{file_name_from_image(image)}.cdx.json"
    write_bytes(path, build_bill(image, [Package(*row) for row in json.loads(listed)]).encode())
    return path


def file_name_from_image(image: Image) -> str:
    """Return the image's name without a registry, its version behind a hyphen: a name for files."""
    return image.reference.rpartition("/")[2].replace(":", "-")


def build_bill(image: Image, packages: Iterable[Package]) -> str:
    """Return the bill as CycloneDX 1.6; the same image has the same bill."""
    name, _, version = image.reference.rpartition(":")
    container = Component(name=name, version=version, type=ComponentType.CONTAINER, bom_ref="image")
    model = Component(
        name="bundle",
        version=image.labels["org.opencontainers.image.version"],
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref="model",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=image.labels["streamflow.bundle.sha256"])],
    )
    components = [model, *map(_describe_package, packages)]
    identity = json.dumps([image.reference, sorted(str(part.bom_ref) for part in components)])
    created = datetime.fromisoformat(image.labels["org.opencontainers.image.created"])
    bom = Bom(
        components=components,
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, identity),
        metadata=BomMetaData(timestamp=created, component=container),
    )
    bom.register_dependency(container, components)
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _describe_package(package: Package) -> Component:
    purl = PackageURL(
        "deb" if package.architecture else "pypi",
        "debian" if package.architecture else None,
        package.name,
        package.version,
        {"arch": package.architecture} if package.architecture else None,
    )
    return Component(
        name=package.name,
        version=package.version,
        bom_ref=str(purl),
        purl=purl,
        licenses=[LicenseExpression(package.licence)] if package.licence else None,
    )
